"""Branches of steps that begin at the same moment."""

from apps.catalog.definition.fields import Field, Kind
from apps.catalog.definition.kinds.shared import of_group
from apps.catalog.definition.marks import _

_BRANCH = (
    Field(name="name", type="text", label=_("Name"), placeholder=_("Buyer")),
    Field(name="count", type="integer", label=_("Copies"), help=_("With a number, what it captures becomes a list.")),
    Field(name="steps", type="steps", label=_("Steps of the branch"), required=True),
)

PARALLEL = Kind(
    name="parallel",
    label=_("At the same time"),
    summary=_("Starts branches of steps together: for races and simultaneous use."),
    icon="arrows-split-2",
    fields=(
        Field(
            name="branches",
            type="objects",
            label=_("Branches"),
            item=_("branch"),
            help=_("All copies of all branches begin together; {{ loop.index }} is the number of the copy."),
            required=True,
            fields=_BRANCH,
        ),
    ),
    subjects=of_group(),
    main="values",
    group=True,
)
