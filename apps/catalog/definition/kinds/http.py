"""HTTP requests: REST, GraphQL, forms."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, NUMERIC, TEXT

_GRAPHQL = (
    Field(name="query", type="code", label=_("Query"), required=True),
    Field(name="variables", type="json", label=_("Variables")),
    Field(name="operation", type="text", label=_("Operation name")),
)

HTTP = Kind(
    name="http",
    label=_("HTTP request"),
    summary=_("Sends a request and checks the response: REST, GraphQL or a form."),
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
        Field(name="json", type="json", label=_("JSON body")),
        Field(name="body", type="multiline", label=_("Text body")),
        Field(name="form", type="pairs", label=_("Form fields")),
        Field(
            name="graphql",
            type="object",
            label=_("GraphQL"),
            help=_("Sent by POST as JSON unless another method is chosen."),
            fields=_GRAPHQL,
        ),
        Field(name="follow_redirects", type="boolean", label=_("Follow redirects"), default=False),
        Field(
            name="verify",
            type="boolean",
            label=_("Verify the TLS certificate"),
            default=True,
        ),
        Field(
            name="ca",
            type="multiline",
            label=_("Own certificate authority"),
            help=_("PEM text of an authority to trust for this step, usually a variable."),
            placeholder="{{ CA_PEM }}",
        ),
    ),
    choices=(Choice(("json", "body", "form", "graphql")),),
    subjects=(
        Subject(name="status", label=_("Status"), value="number", operators=NUMERIC),
        Subject(name="header", label=_("Header"), value="text", at="name", at_required=True, operators=LONG_TEXT),
        Subject(name="body", label=_("Body as text"), value="text", at="regex", operators=TEXT),
        Subject(name="json", label=_("Body as JSON"), value="structured", at="jsonpath", operators=EVERY),
        duration(),
    ),
    main="json",
    implied=({"check": "status", "below": 400},),
)
