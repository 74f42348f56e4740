"""The definition format of test cases, in plain Python: reading, validating, writing, describing.

See ``docs/case-format.md`` for the format itself.
"""

from apps.catalog.definition.canonical import PHASES, PRIORITIES, blank_case, normalise, normalise_shared
from apps.catalog.definition.case import Branch, Case, Retry, Shared, Step, made_by
from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.inspection import (
    BUILT_IN_NAMES,
    FUNCTION_NAMES,
    calls_of,
    points_of,
    steps_of,
    variables_used,
)
from apps.catalog.definition.kinds import find_kind, kinds
from apps.catalog.definition.needs import kinds_of, restricted_kinds
from apps.catalog.definition.operators import OPERATORS, Operator
from apps.catalog.definition.problems import DefinitionError, Problem
from apps.catalog.definition.validation import (
    parse_shared_yaml,
    parse_yaml,
    validate,
    validate_shared,
    validate_step,
)
from apps.catalog.definition.yaml_writer import shared_to_yaml, to_yaml

__all__ = [
    "BUILT_IN_NAMES",
    "FUNCTION_NAMES",
    "OPERATORS",
    "PHASES",
    "PRIORITIES",
    "Branch",
    "Case",
    "Choice",
    "DefinitionError",
    "Field",
    "Kind",
    "Operator",
    "Problem",
    "Retry",
    "Shared",
    "Step",
    "Subject",
    "blank_case",
    "calls_of",
    "find_kind",
    "kinds",
    "kinds_of",
    "made_by",
    "normalise",
    "normalise_shared",
    "parse_shared_yaml",
    "parse_yaml",
    "points_of",
    "restricted_kinds",
    "shared_to_yaml",
    "steps_of",
    "to_yaml",
    "validate",
    "validate_shared",
    "validate_step",
    "variables_used",
]
