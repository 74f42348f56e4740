"""Fields that kinds of the web have in common."""

from apps.catalog.definition.fields import Field
from apps.catalog.definition.marks import _

AUTH = (
    Field(name="username", type="text", label=_("User")),
    Field(name="password", type="text", label=_("Password"), secret=True),
    Field(name="bearer", type="text", label=_("Bearer token"), secret=True, placeholder="{{ token }}"),
)

CLIENT = (
    Field(
        name="certificate",
        type="multiline",
        label=_("Certificate"),
        required=True,
        placeholder="{{ CLIENT_PEM }}",
        help=_("May hold the key as well, and the certificates of who issued it."),
    ),
    Field(name="key", type="multiline", label=_("Private key"), secret=True, placeholder="{{ CLIENT_KEY }}"),
    Field(name="password", type="text", label=_("Password of the key"), secret=True),
)

WANTED = (
    Field(name="count", type="integer", label=_("Wait for so many"), placeholder="1"),
    Field(
        name="until",
        type="text",
        label=_("Until one matches"),
        help=_("A pattern that is found in the message."),
    ),
    Field(
        name="where",
        type="pairs",
        label=_("Until one has"),
        help=_("Values at a member or a JSONPath of the message, all in one: state is paid."),
    ),
    Field(
        name="wait",
        type="number",
        label=_("Wait at most (s)"),
        help=_("By itself: takes what comes in this time. Otherwise the step fails when it is over."),
    ),
)


def verify() -> Field:
    """Whether the certificate of the other side is checked."""
    return Field(name="verify", type="boolean", label=_("Verify the TLS certificate"), default=True)


def authority() -> Field:
    """An authority to trust besides those of the worker."""
    return Field(
        name="ca",
        type="multiline",
        label=_("Own certificate authority"),
        help=_("PEM text of an authority to trust for this step, usually a variable."),
        placeholder="{{ CA_PEM }}",
    )
