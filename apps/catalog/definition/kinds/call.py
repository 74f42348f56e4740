"""A shared step: steps that several cases use."""

from apps.catalog.definition.fields import Field, Kind
from apps.catalog.definition.kinds.shared import of_group
from apps.catalog.definition.marks import _

CALL = Kind(
    name="call",
    label=_("Shared step"),
    summary=_("Does the steps that several cases share, with values of its own."),
    icon="share",
    fields=(
        Field(name="step", type="shared", label=_("Shared step"), required=True, placeholder="log-in"),
        Field(name="arguments", type="variables", label=_("Values of its parameters")),
    ),
    subjects=of_group(),
    main="values",
    group=True,
)
