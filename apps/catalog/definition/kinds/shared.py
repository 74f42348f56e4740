"""Subjects that every kind has."""

from apps.catalog.definition.fields import Field, Subject
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, NUMERIC

_CLIENT = (
    Field(
        name="certificate",
        type="multiline",
        label=_("Certificate"),
        required=True,
        placeholder="{{ _CLIENT_PEM }}",
        help=_("May hold the key as well, and the certificates of who issued it."),
    ),
    Field(name="key", type="multiline", label=_("Private key"), secret=True, placeholder="{{ _CLIENT_KEY }}"),
    Field(name="password", type="text", label=_("Password of the key"), secret=True),
)


def duration() -> Subject:
    """How long the step took, in milliseconds."""
    return Subject(name="duration", label=_("Duration (ms)"), value="number", operators=NUMERIC)


def of_group() -> tuple[Subject, ...]:
    """What steps with steps of their own show: what those captured, how many passes or copies passed, the time."""
    return (
        Subject(name="values", label=_("Captured inside"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="passed", label=_("How many passed"), value="number", operators=NUMERIC),
        Subject(name="failed", label=_("How many failed"), value="number", operators=NUMERIC),
        duration(),
    )


def broker_url(*, required: bool = True) -> Field:
    """The address of a message broker."""
    return Field(
        name="url",
        type="text",
        label=_("Broker URL"),
        required=required,
        secret=True,
        placeholder="{{ BROKER_URL }}",
        help=_("redis://, amqp:// or mqtt://; with TLS rediss://, amqps:// or mqtts://"),
    )


def certificate_authority() -> Field:
    """An authority to trust."""
    return Field(
        name="ca",
        type="multiline",
        label=_("Own certificate authority"),
        help=_("PEM text of an authority to trust for this step, usually a variable."),
        placeholder="{{ CA_PEM }}",
    )


def client_certificate() -> Field:
    """Whom the step is shown to be."""
    return Field(
        name="client",
        type="object",
        label=_("Client certificate"),
        help=_("For mutual TLS. PEM texts, usually secrets."),
        fields=_CLIENT,
    )
