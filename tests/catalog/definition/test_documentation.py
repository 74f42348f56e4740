"""What ``docs/case-format.md`` shows and lists is so."""

import re
from pathlib import Path

from apps.catalog.definition import BUILT_IN_NAMES, FUNCTION_NAMES, OPERATORS, kinds, parse_yaml

TEXT = (Path(__file__).parents[3] / "docs" / "case-format.md").read_text()


def test_example_is_a_valid_case() -> None:
    for example in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL):
        assert parse_yaml(example)["steps"]


def test_every_kind_field_subject_operator_and_name_is_documented() -> None:
    words = set(re.findall(r"\w+", TEXT))
    for kind in kinds():
        row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{kind.name}` |"))
        told = set(re.findall(r"\w+", row))
        assert {field.name for field in kind.fields} <= told, kind.name
        assert {subject.name for subject in kind.subjects} <= told, kind.name
    assert set(OPERATORS) <= words
    assert words >= FUNCTION_NAMES | BUILT_IN_NAMES
