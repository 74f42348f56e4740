"""Fields that kinds of the web have in common."""

from apps.catalog.definition.fields import Field
from apps.catalog.definition.marks import _

AUTH = (
    Field(name="username", type="text", label=_("User")),
    Field(name="password", type="text", label=_("Password"), secret=True),
    Field(name="bearer", type="text", label=_("Bearer token"), secret=True, placeholder="{{ token }}"),
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
