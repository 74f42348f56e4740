"""A pause."""

from apps.catalog.definition.fields import Field, Kind
from apps.catalog.definition.kinds.shared import duration
from apps.catalog.definition.marks import _

WAIT = Kind(
    name="wait",
    label=_("Wait"),
    summary=_("Pauses for some seconds. To wait for something, retry the step that sees it."),
    icon="hourglass",
    fields=(Field(name="seconds", type="number", label=_("Seconds"), required=True, placeholder="2"),),
    subjects=(duration(),),
    main="duration",
)
