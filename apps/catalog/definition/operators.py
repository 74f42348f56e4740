"""The operators of checks."""

from dataclasses import dataclass
from typing import Any, Literal

from apps.catalog.definition.marks import _

OperandType = Literal[
    "any", "regex", "type", "integer", "number", "boolean", "list", "schema", "approx"
]  # fmt: skip

TYPE_NAMES = ("string", "integer", "number", "boolean", "array", "object", "null")


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator; *value* says what it is given."""

    name: str
    label: str
    value: OperandType
    help: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON for the editor."""
        return {"name": self.name, "label": self.label, "value": self.value, "help": self.help}


OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("equals", _("equals"), "any", _("The same value, of the same type.")),
        Operator("contains", _("contains"), "any", _("Part of a text, an item of a list, or some members.")),
        Operator("matches", _("matches"), "regex", _("A regular expression is found in the text.")),
        Operator("type", _("is of type"), "type"),
        Operator("count", _("count is"), "integer", _("How many values the path finds.")),
        Operator("above", _("is above"), "number"),
        Operator("below", _("is below"), "number"),
        Operator("at_least", _("is at least"), "number"),
        Operator("at_most", _("is at most"), "number"),
        Operator("approx", _("is about"), "approx", _("A number or a time (seconds), not further away than given.")),
        Operator("exists", _("exists"), "boolean"),
        Operator("one_of", _("is one of"), "list"),
        Operator("same_items", _("has the items"), "list", _("These and no others, in any order.")),
        Operator("in_order", _("has in this order"), "list", _("One after the other; others may stand between.")),
        Operator("schema", _("fits the JSON Schema"), "schema"),
    )
}

EVERY = tuple(OPERATORS)
NUMERIC = ("equals", "above", "below", "at_least", "at_most", "approx", "one_of")
TEXT = (
    "equals", "contains", "matches", "exists", "one_of", "above", "below", "at_least", "at_most", "approx",
)  # fmt: skip
LONG_TEXT = (*TEXT, "count")
MARKUP = tuple(dict.fromkeys((*LONG_TEXT, "same_items", "in_order", "type")))
