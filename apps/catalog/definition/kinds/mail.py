"""Mail: sent by SMTP, and received in the built-in mailbox."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import certificate_authority, duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, MARKUP, NUMERIC, TEXT

_SEND = (
    Field(
        name="url",
        type="text",
        label=_("Mail server"),
        required=True,
        secret=True,
        placeholder="{{ SMTP_URL }}",
        help=_("smtp://user:password@host:587, or smtps:// for TLS from the beginning"),
    ),
    Field(name="from", type="text", label=_("From"), required=True, placeholder="shop@example.test"),
    Field(name="to", type="list", label=_("To"), required=True, help=_("One address a line.")),
    Field(name="cc", type="list", label=_("Copy to"), help=_("One address a line.")),
    Field(name="subject", type="text", label=_("Subject")),
    Field(name="text", type="multiline", label=_("Text")),
    Field(name="html", type="code", label=_("HTML")),
    Field(name="headers", type="pairs", label=_("Headers")),
    Field(name="starttls", type="boolean", label=_("Switch to TLS (STARTTLS)"), default=False),
    certificate_authority(),
)
_RECEIVE = (
    Field(
        name="to",
        type="text",
        label=_("Recipient"),
        required=True,
        placeholder="{{ mailbox('orders') }}",
        help=_("An address made by mailbox(), or any one that a component wrote to after it signed in."),
    ),
    Field(name="from", type="text", late=True, label=_("From"), placeholder="shop@example.test"),
    Field(name="subject", type="text", late=True, label=_("Subject contains")),
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
)

MAIL = Kind(
    name="mail",
    label=_("Mail"),
    summary=_("Sends a mail by SMTP, or waits for mail in the built-in mailbox."),
    icon="mail",
    fields=(
        Field(name="receive", type="object", label=_("Receive"), fields=_RECEIVE),
        Field(name="send", type="object", label=_("Send"), fields=_SEND),
    ),
    choices=(Choice(("receive", "send"), required=True),),
    subjects=(
        Subject(name="messages", label=_("Messages"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="count", label=_("Number of messages"), value="number", operators=NUMERIC),
        Subject(name="subject", label=_("Subject of the first"), value="text", operators=TEXT),
        Subject(name="text", label=_("Text of the first"), value="text", at="regex", operators=LONG_TEXT),
        Subject(name="html", label=_("HTML of the first"), value="text", at="regex", operators=LONG_TEXT),
        Subject(
            name="xml",
            label=_("HTML of the first, by XPath"),
            value="text",
            at="xpath",
            at_required=True,
            operators=MARKUP,
        ),
        Subject(
            name="header",
            label=_("Header of the first"),
            value="text",
            at="name",
            at_required=True,
            operators=LONG_TEXT,
        ),
        duration(),
    ),
    main="text",
    begins=True,
)
