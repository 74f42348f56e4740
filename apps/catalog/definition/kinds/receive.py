"""Messages that arrive at a broker."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import broker_url, certificate_authority, duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, MARKUP, NUMERIC, TEXT

RECEIVE = Kind(
    name="receive",
    label=_("Receive messages"),
    summary=_("Waits for messages of a Redis stream, of a queue or an exchange of RabbitMQ, or of a topic of MQTT."),
    icon="inbox",
    fields=(
        broker_url(required=False),
        Field(name="from", type="text", label=_("Stream, queue or topic"), placeholder="orders.created"),
        Field(
            name="exchange",
            type="text",
            label=_("Exchange"),
            placeholder="orders",
            help=_("Watched by a queue of its own: nothing is taken from anybody."),
        ),
        Field(
            name="subscription",
            type="text",
            label=_("Opened before as"),
            help=_("The name that an earlier step listens as."),
        ),
        Field(name="routing_key", type="text", label=_("Routing key"), default="#", placeholder="order.*"),
        Field(
            name="where",
            type="pairs",
            late=True,
            label=_("Only where"),
            help=_("$.path of the JSON body, or the name of a header, and the value it must have."),
        ),
        Field(
            name="count",
            type="integer",
            late=True,
            label=_("Wait for so many"),
            default=1,
            help=_("Fewer is a failure. 0: whatever comes in the whole time, even nothing."),
        ),
        Field(name="wait", type="number", late=True, label=_("Wait at most (s)"), default=10),
        Field(
            name="settle",
            type="number",
            late=True,
            label=_("Then listen on for (s)"),
            default=0,
            help=_("To see that no further one comes, such as a duplicate."),
        ),
        Field(
            name="since",
            type="text",
            label=_("Since"),
            default="case",
            help=_("case: since the case began; now: since this step; start: everything there is; or a message's id."),
        ),
        Field(
            name="listen",
            type="text",
            label=_("Only begin to listen, as"),
            help=_("A later step receives what has come since, by this name."),
        ),
        Field(
            name="qos",
            type="integer",
            label=_("Quality of service"),
            default=2,
            help=_("Of MQTT: at most this one; 2 takes messages as they were published."),
        ),
        Field(
            name="body_field",
            type="text",
            label=_("Field of the body"),
            default="body",
            help=_("Of a Redis stream's entry: the field that holds the body."),
        ),
        certificate_authority(),
    ),
    choices=(Choice(("from", "exchange", "subscription"), required=True),),
    subjects=(
        Subject(name="messages", label=_("Messages"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="count", label=_("Number of messages"), value="number", operators=NUMERIC),
        Subject(name="json", label=_("First body as JSON"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="body", label=_("First body as text"), value="text", at="regex", operators=TEXT),
        Subject(
            name="xml",
            label=_("First body as XML or HTML"),
            value="text",
            at="xpath",
            at_required=True,
            operators=MARKUP,
        ),
        Subject(name="header", label=_("First header"), value="text", at="name", at_required=True, operators=LONG_TEXT),
        duration(),
    ),
    main="json",
    begins=True,
)
