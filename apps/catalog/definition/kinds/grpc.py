"""gRPC calls, by server reflection or a stored .proto."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import certificate_authority, client_certificate, duration
from apps.catalog.definition.kinds.web import WANTED
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, TEXT
from apps.catalog.definition.protos import check_protos

_TURN = (
    Field(name="message", type="json", label=_("Send a message")),
    Field(
        name="receive",
        type="object",
        label=_("Receive"),
        help=_("One message, unless you say what to wait for."),
        fields=WANTED,
    ),
    Field(
        name="closed",
        type="number",
        label=_("Wait for the end (s)"),
        help=_("The server must end the call by itself within this time."),
    ),
)

_PROTO = (
    Field(name="name", type="text", label=_("File name"), required=True, placeholder="inventory.proto"),
    Field(name="text", type="code", label=_("Text"), required=True, placeholder="{{ INVENTORY_PROTO }}"),
)

GRPC = Kind(
    name="grpc",
    label=_("gRPC call"),
    summary=_("Calls a method, with one message or a stream of them in each direction."),
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
        Field(
            name="messages",
            type="items",
            label=_("Messages"),
            help=_("What is sent to a method that takes a stream, one after the other."),
        ),
        Field(
            name="exchange",
            type="objects",
            label=_("Conversation"),
            help=_("For a method that streams both ways, one after the other. Messages that come earlier wait."),
            fields=_TURN,
            item=_("turn"),
            alternatives=(Choice(("message", "receive", "closed"), required=True),),
        ),
        Field(
            name="stream",
            type="object",
            label=_("End of the stream"),
            help=_("When to stop reading what the method streams; without it, when the server ends the stream."),
            fields=WANTED,
        ),
        Field(name="metadata", type="pairs", label=_("Metadata")),
        Field(name="tls", type="boolean", label=_("Use TLS"), default=False),
        certificate_authority(),
        client_certificate(),
        Field(
            name="proto",
            type="objects",
            label=_("Proto files"),
            help=_("For a server without reflection: the file of the service, and those that it imports."),
            fields=_PROTO,
            item=_("file"),
        ),
        Field(
            name="descriptors",
            type="multiline",
            label=_("Descriptor set"),
            help=_("Instead of proto files, in Base64: protoc --include_imports --descriptor_set_out."),
            placeholder="{{ SHOP_DESCRIPTORS }}",
        ),
    ),
    choices=(Choice(("message", "messages", "exchange")), Choice(("proto", "descriptors"))),
    subjects=(
        Subject(name="status", label=_("Status"), value="text", operators=("equals", "one_of", "matches")),
        Subject(name="message", label=_("Message"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="messages", label=_("Messages"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="header", label=_("Metadata"), value="text", at="name", at_required=True, operators=TEXT),
        Subject(
            name="trailer", label=_("Trailing metadata"), value="text", at="name", at_required=True, operators=TEXT
        ),
        Subject(name="reason", label=_("Message of the status"), value="text", at="regex", operators=TEXT),
        Subject(name="details", label=_("Details of the status"), value="structured", at="jsonpath", operators=EVERY),
        duration(),
    ),
    main="message",
    further=check_protos,
    implied=({"check": "status", "equals": "OK"},),
)
