"""gRPC calls by server reflection."""

from apps.catalog.definition.fields import Field, Kind, Subject
from apps.catalog.definition.kinds.shared import duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, TEXT

GRPC = Kind(
    name="grpc",
    label=_("gRPC call"),
    summary=_("Calls a unary method; its types come from the server's reflection."),
    icon="arrows-exchange",
    fields=(
        Field(
            name="target",
            type="text",
            label=_("Target"),
            required=True,
            placeholder="{{ INVENTORY_TARGET }}",
            help=_("host:port"),
        ),
        Field(
            name="method",
            type="text",
            label=_("Method"),
            required=True,
            placeholder="shop.Inventory/Reserve",
            help=_("package.Service/Method"),
        ),
        Field(name="message", type="json", label=_("Message")),
        Field(name="metadata", type="pairs", label=_("Metadata")),
        Field(name="tls", type="boolean", label=_("Use TLS"), default=False),
        Field(
            name="ca",
            type="multiline",
            label=_("Own certificate authority"),
            help=_("PEM text of an authority to trust for this step, usually a variable."),
            placeholder="{{ CA_PEM }}",
        ),
    ),
    subjects=(
        Subject(name="status", label=_("Status"), value="text", operators=("equals", "one_of", "matches")),
        Subject(name="message", label=_("Message"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="header", label=_("Metadata"), value="text", at="name", at_required=True, operators=TEXT),
        duration(),
    ),
    main="message",
    implied=({"check": "status", "equals": "OK"},),
)
