"""The definition format of test cases, in plain Python: reading, validating, writing, describing.

See ``docs/case-format.md`` for the format itself.
"""

from apps.catalog.definition.canonical import PRIORITIES, blank_case, normalise
from apps.catalog.definition.case import Case, Retry, Step
from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.inspection import (
    BUILT_IN_NAMES,
    FUNCTION_NAMES,
    points_of,
    variables_used,
)
from apps.catalog.definition.kinds import find_kind, kinds
from apps.catalog.definition.needs import kinds_of, restricted_kinds
from apps.catalog.definition.operators import OPERATORS, Operator
from apps.catalog.definition.problems import DefinitionError, Problem
from apps.catalog.definition.validation import parse_yaml, validate, validate_step
from apps.catalog.definition.yaml_writer import to_yaml

__all__ = [
    "BUILT_IN_NAMES",
    "FUNCTION_NAMES",
    "OPERATORS",
    "PRIORITIES",
    "Case",
    "Choice",
    "DefinitionError",
    "Field",
    "Kind",
    "Operator",
    "Problem",
    "Retry",
    "Step",
    "Subject",
    "blank_case",
    "find_kind",
    "kinds",
    "kinds_of",
    "normalise",
    "parse_yaml",
    "points_of",
    "restricted_kinds",
    "to_yaml",
    "validate",
    "validate_step",
    "variables_used",
]
