"""Redis commands and streams."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY

_STREAM = (
    Field(name="key", type="text", label=_("Stream"), required=True, placeholder="orders.created"),
    Field(
        name="count",
        type="integer",
        label=_("At most"),
        default=100,
        help=_("How many messages to take."),
    ),
    Field(
        name="since",
        type="text",
        label=_("After message"),
        default="0",
        help=_("0 for the beginning, or the id of a message that was captured."),
    ),
    Field(name="where", type="pairs", label=_("Only where"), help=_("Fields that must have these values.")),
    Field(name="decode", type="list", label=_("Fields with JSON"), help=_("Their text is read as JSON.")),
)

REDIS = Kind(
    name="redis",
    label=_("Redis"),
    summary=_("Sends a command to Redis, or reads messages of a stream."),
    icon="stack-2",
    fields=(
        Field(
            name="url",
            type="text",
            label=_("Redis URL"),
            required=True,
            secret=True,
            placeholder="{{ REDIS_URL }}",
        ),
        Field(
            name="command", type="list", label=_("Command"), help=_("One word a line: the command, then its arguments.")
        ),
        Field(name="stream", type="object", label=_("Stream"), fields=_STREAM),
    ),
    choices=(Choice(("command", "stream"), required=True),),
    subjects=(
        Subject(name="value", label=_("Reply"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="messages", label=_("Messages"), value="structured", at="jsonpath", operators=EVERY),
        duration(),
    ),
    main="value",
)
