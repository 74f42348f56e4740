"""HTTP requests: REST, GraphQL, forms, files, streams."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import certificate_authority, client_certificate, duration
from apps.catalog.definition.kinds.web import AUTH, WANTED, verify
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, MARKUP, NUMERIC, TEXT

_GRAPHQL = (
    Field(name="query", type="code", label=_("Query"), required=True),
    Field(name="variables", type="json", label=_("Variables")),
    Field(name="operation", type="text", label=_("Operation name")),
)

_PART = (
    Field(name="name", type="text", label=_("Name"), required=True),
    Field(name="value", type="multiline", label=_("Text")),
    Field(name="json", type="json", label=_("JSON")),
    Field(name="base64", type="multiline", label=_("Base64"), help=_("The bytes of a file, in Base64.")),
    Field(name="filename", type="text", label=_("File name"), placeholder="photo.png"),
    Field(name="type", type="text", label=_("Content type"), placeholder="image/png"),
)

HTTP = Kind(
    name="http",
    label=_("HTTP request"),
    summary=_("Sends a request and checks the response: REST, GraphQL, a form, files or a stream."),
    icon="world",
    fields=(
        Field(
            name="method",
            type="choice",
            label=_("Method"),
            default="GET",
            choices=("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
        ),
        Field(name="url", type="text", label=_("URL"), required=True, placeholder="{{ ORDERS_URL }}/orders"),
        Field(name="params", type="pairs", label=_("Query parameters")),
        Field(name="headers", type="pairs", label=_("Headers")),
        Field(name="auth", type="object", label=_("Sign-in"), fields=AUTH),
        Field(name="json", type="json", label=_("JSON body")),
        Field(name="body", type="multiline", label=_("Text body")),
        Field(name="form", type="pairs", label=_("Form fields")),
        Field(
            name="multipart",
            type="objects",
            label=_("Form with files"),
            help=_("Sent as multipart/form-data. A file is given by what is in it, as text or in Base64."),
            fields=_PART,
            item=_("part"),
            alternatives=(Choice(("value", "json", "base64"), required=True),),
        ),
        Field(
            name="graphql",
            type="object",
            label=_("GraphQL"),
            help=_("Sent by POST as JSON unless another method is chosen."),
            fields=_GRAPHQL,
        ),
        Field(name="follow_redirects", type="boolean", label=_("Follow redirects"), default=False),
        Field(
            name="cookies",
            type="boolean",
            label=_("Keep cookies"),
            default=True,
            help=_("Cookies that the case got are sent, and new ones are kept for its next steps."),
        ),
        Field(
            name="stream",
            type="object",
            label=_("Read as a stream"),
            help=_("Server-sent events, or one message a line: reading ends when what you wait for has come."),
            fields=WANTED,
        ),
        Field(
            name="http_version",
            type="choice",
            label=_("HTTP version"),
            default="auto",
            rare=True,
            choices=("auto", "1.0", "1.1", "2"),
        ),
        Field(
            name="proxy",
            type="text",
            label=_("Proxy"),
            secret=True,
            help=_("http://, https://, socks5:// or socks5h://; a proxy of the worker is never used by itself."),
            placeholder="{{ PROXY_URL }}",
        ),
        verify(),
        certificate_authority(),
        client_certificate(),
    ),
    choices=(Choice(("json", "body", "form", "multipart", "graphql")),),
    subjects=(
        Subject(name="status", label=_("Status"), value="number", operators=NUMERIC),
        Subject(name="header", label=_("Header"), value="text", at="name", at_required=True, operators=LONG_TEXT),
        Subject(name="body", label=_("Body as text"), value="text", at="regex", operators=TEXT),
        Subject(
            name="xml", label=_("Body as XML or HTML"), value="text", at="xpath", at_required=True, operators=MARKUP
        ),
        Subject(name="json", label=_("Body as JSON"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="events", label=_("Events of the stream"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="first_event", label=_("Time to the first event (ms)"), value="number", operators=NUMERIC),
        Subject(name="redirects", label=_("Redirects"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="version", label=_("HTTP version"), value="text", operators=TEXT),
        duration(),
    ),
    main="json",
    implied=({"check": "status", "below": 400},),
)
