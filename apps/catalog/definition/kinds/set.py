"""Variables from expressions, for the steps behind."""

from apps.catalog.definition.fields import Field, Kind, Subject
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY

SET = Kind(
    name="set",
    label=_("Set variables"),
    summary=_("Works out values that later steps use by name."),
    icon="variable",
    fields=(
        Field(
            name="values",
            type="variables",
            label=_("Variables"),
            help=_("Each keeps its type: {{ price * 2 }} alone is a number."),
            required=True,
        ),
    ),
    subjects=(Subject(name="values", label=_("Variables"), value="structured", at="jsonpath", operators=EVERY),),
    main="values",
)
