"""Messages sent to a broker."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import broker_url, certificate_authority, duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import TEXT

PUBLISH = Kind(
    name="publish",
    label=_("Publish a message"),
    summary=_("Sends a message to a Redis stream, to a queue or an exchange of RabbitMQ, or to a topic of MQTT."),
    icon="send",
    fields=(
        broker_url(),
        Field(name="to", type="text", label=_("Stream, queue or topic"), placeholder="orders.created"),
        Field(name="exchange", type="text", label=_("Exchange"), placeholder="orders"),
        Field(
            name="routing_key",
            type="text",
            label=_("Routing key"),
            placeholder="order.created",
            help=_("By which the exchange chooses queues."),
        ),
        Field(name="json", type="json", label=_("JSON body")),
        Field(name="body", type="multiline", label=_("Text body")),
        Field(name="headers", type="pairs", label=_("Headers"), help=_("In a Redis stream: fields of the entry.")),
        Field(
            name="properties",
            type="pairs",
            label=_("Properties"),
            help=_(
                "Of AMQP: content_type, correlation_id, reply_to, message_id, type, priority, expiration … "
                "Of MQTT: content_type, response_topic, correlation_data, message_expiry_interval."
            ),
        ),
        Field(
            name="persistent",
            type="boolean",
            label=_("Persistent"),
            default=True,
            help=_("RabbitMQ keeps it on disk."),
        ),
        Field(
            name="mandatory",
            type="boolean",
            label=_("Somebody must take it"),
            default=False,
            help=_("Fails when no queue is bound to the exchange for it, or nobody has subscribed to the topic."),
        ),
        Field(
            name="qos",
            type="integer",
            label=_("Quality of service"),
            default=1,
            help=_("Of MQTT: 0 at most once, 1 at least once, 2 exactly once."),
        ),
        Field(
            name="retain",
            type="boolean",
            label=_("Retained"),
            default=False,
            help=_("An MQTT broker keeps it for those who subscribe later."),
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
    choices=(Choice(("to", "exchange"), required=True), Choice(("json", "body"))),
    subjects=(Subject(name="id", label=_("Message id"), value="text", operators=TEXT), duration()),
    main="id",
)
