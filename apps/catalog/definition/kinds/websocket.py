"""Conversations over a WebSocket."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import certificate_authority, client_certificate, duration
from apps.catalog.definition.kinds.web import AUTH, WANTED, verify
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, NUMERIC, TEXT

_TURN = (
    Field(name="send", type="multiline", label=_("Send text")),
    Field(name="json", type="json", label=_("Send JSON")),
    Field(name="base64", type="multiline", label=_("Send bytes"), help=_("In Base64.")),
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
        label=_("Wait for the close (s)"),
        help=_("The other side must close the connection within this time."),
    ),
)

WEBSOCKET = Kind(
    name="websocket",
    label=_("WebSocket"),
    summary=_("Opens a WebSocket, sends messages and waits for those that come."),
    icon="arrows-exchange",
    fields=(
        Field(name="url", type="text", label=_("URL"), required=True, placeholder="{{ LIVE_URL }}/orders"),
        Field(name="headers", type="pairs", label=_("Headers")),
        Field(name="auth", type="object", label=_("Sign-in"), fields=AUTH),
        Field(name="subprotocols", type="list", label=_("Subprotocols"), help=_("The best one first.")),
        Field(
            name="exchange",
            type="objects",
            label=_("Conversation"),
            help=_("One after the other. Messages that come earlier wait to be received."),
            fields=_TURN,
            item=_("turn"),
            alternatives=(Choice(("send", "json", "base64", "receive", "closed"), required=True),),
        ),
        Field(
            name="cookies",
            type="boolean",
            label=_("Send cookies"),
            default=True,
            help=_("Those that earlier steps of the case got for this place."),
        ),
        verify(),
        certificate_authority(),
        client_certificate(),
    ),
    subjects=(
        Subject(name="messages", label=_("Messages"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="status", label=_("Status of the handshake"), value="number", operators=NUMERIC),
        Subject(name="header", label=_("Header"), value="text", at="name", at_required=True, operators=LONG_TEXT),
        Subject(name="subprotocol", label=_("Subprotocol"), value="text", operators=TEXT),
        Subject(name="close_code", label=_("Close code"), value="number", operators=NUMERIC),
        Subject(name="close_reason", label=_("Reason of the close"), value="text", operators=TEXT),
        duration(),
    ),
    main="messages",
    implied=({"check": "status", "equals": 101},),
)
