"""Calls that the system makes to a one-time address."""

from apps.catalog.definition.fields import Field, Kind, Subject
from apps.catalog.definition.kinds.shared import duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, MARKUP, NUMERIC, TEXT

WEBHOOK = Kind(
    name="webhook",
    label=_("Wait for a callback"),
    summary=_("Waits for calls to an address that an earlier step gave away: {{ webhook('paid') }}."),
    icon="webhook",
    fields=(
        Field(
            name="name",
            type="text",
            label=_("Name of the address"),
            required=True,
            placeholder="paid",
            help=_("The one in {{ webhook('paid') }}. Calls are kept from the moment the address was made."),
        ),
        Field(
            name="where",
            type="pairs",
            label=_("Only where"),
            help=_("$.path of the JSON body, or the name of a header, and the value it must have."),
        ),
        Field(
            name="count",
            type="integer",
            label=_("Wait for so many"),
            default=1,
            help=_("Fewer is a failure. 0: whatever comes in the whole time, even nothing."),
        ),
        Field(name="wait", type="number", label=_("Wait at most (s)"), default=10),
        Field(
            name="settle",
            type="number",
            label=_("Then listen on for (s)"),
            default=0,
            help=_("To see that no further one comes, such as a duplicate."),
        ),
    ),
    subjects=(
        Subject(
            name="json", label=_("Body of the first call as JSON"), value="structured", at="jsonpath", operators=EVERY
        ),
        Subject(name="body", label=_("Body of the first call"), value="text", at="regex", operators=TEXT),
        Subject(
            name="xml",
            label=_("First call as XML or HTML"),
            value="text",
            at="xpath",
            at_required=True,
            operators=MARKUP,
        ),
        Subject(
            name="header",
            label=_("Header of the first call"),
            value="text",
            at="name",
            at_required=True,
            operators=LONG_TEXT,
        ),
        Subject(name="calls", label=_("Calls"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="count", label=_("How many calls"), value="number", operators=NUMERIC),
        duration(),
    ),
    main="json",
)
