"""Steps that are done several times, one pass after the other."""

from apps.catalog.definition.fields import Choice, Field, Kind
from apps.catalog.definition.kinds.shared import of_group
from apps.catalog.definition.marks import _

REPEAT = Kind(
    name="repeat",
    label=_("Repeat"),
    summary=_("Does its steps several times, or once for each item of a list."),
    icon="repeat",
    fields=(
        Field(name="times", type="integer", label=_("Times"), placeholder="3"),
        Field(
            name="each",
            type="items",
            label=_("For each of"),
            help=_("A list, or a variable that holds one: {{ lines }}"),
        ),
        Field(
            name="as",
            type="name",
            label=_("Name of the item"),
            help=_("Its steps use it as a variable; the number of the pass is {{ loop.index }}."),
            default="item",
        ),
        Field(name="steps", type="steps", label=_("Steps of each pass"), required=True),
    ),
    choices=(Choice(("times", "each"), required=True),),
    subjects=of_group(),
    main="values",
    group=True,
)
