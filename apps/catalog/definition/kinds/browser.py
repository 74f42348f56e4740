"""Pages in a real browser: what a person does there, and what the page shows then."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, MARKUP, NUMERIC

WHEN = ("always", "on_failure", "never")


def _place(*, required: bool = True) -> Field:
    return Field(name="at", type="locator", label=_("Where"), required=required)


_ACTION = (
    Field(name="open", type="text", label=_("Open"), placeholder="{{ SHOP_URL }}/cart"),
    Field(name="click", type="locator", label=_("Click")),
    Field(
        name="fill",
        type="object",
        label=_("Fill in"),
        fields=(_place(), Field(name="value", type="multiline", label=_("Text"), required=True)),
    ),
    Field(
        name="select",
        type="object",
        label=_("Select"),
        fields=(
            _place(),
            Field(name="option", type="text", label=_("Option"), required=True, help=_("As it is read.")),
        ),
    ),
    Field(name="check", type="locator", label=_("Tick")),
    Field(name="uncheck", type="locator", label=_("Untick")),
    Field(
        name="press",
        type="object",
        label=_("Press a key"),
        fields=(
            Field(
                name="key", type="text", label=_("Key"), required=True, placeholder="Enter", help=_("Control+A, Tab")
            ),
            _place(required=False),
        ),
    ),
    Field(name="hover", type="locator", label=_("Point at")),
    Field(
        name="upload",
        type="object",
        label=_("Choose a file"),
        fields=(
            _place(),
            Field(name="filename", type="text", label=_("File name"), required=True, placeholder="photo.png"),
            Field(name="text", type="multiline", label=_("Text")),
            Field(name="base64", type="multiline", label=_("Base64"), help=_("The bytes of a file, in Base64.")),
        ),
        alternatives=(Choice(("text", "base64"), required=True),),
    ),
    Field(
        name="wait_for",
        type="object",
        label=_("Wait for"),
        fields=(
            _place(),
            Field(
                name="state",
                type="choice",
                label=_("To be"),
                default="visible",
                choices=("visible", "hidden", "attached", "detached"),
            ),
        ),
    ),
    Field(name="go", type="choice", label=_("Go"), choices=("back", "forward", "reload")),
    Field(name="tab", type="integer", label=_("Change to tab"), placeholder="1"),
)

_BOOLEAN = ("equals",)

BROWSER = Kind(
    name="browser",
    label=_("Browser"),
    summary=_("Does in Chromium what a person does, and checks what the page shows."),
    icon="browser",
    fields=(
        Field(
            name="actions",
            type="objects",
            label=_("Actions"),
            required=True,
            help=_("One after the other; each waits until it can be done."),
            fields=_ACTION,
            item=_("action"),
            alternatives=(Choice(tuple(field.name for field in _ACTION), required=True),),
        ),
        Field(
            name="wait",
            type="number",
            label=_("Look for at most (s)"),
            default=5,
            help=_("What is checked is looked at again until it holds."),
        ),
        Field(
            name="session",
            type="text",
            label=_("Session"),
            placeholder="admin",
            help=_(
                "A browser of its own, for another person. Steps of a case with the same name share page and cookies."
            ),
        ),
        Field(name="screenshot", type="choice", label=_("Screenshot"), default="always", choices=WHEN, rare=True),
        Field(
            name="trace",
            type="choice",
            label=_("Trace"),
            default="on_failure",
            choices=WHEN,
            rare=True,
            help=_("A recording for Playwright's trace viewer."),
        ),
        Field(
            name="dialogs",
            type="choice",
            label=_("Dialogs"),
            default="accept",
            choices=("accept", "dismiss"),
            rare=True,
            help=_("What is answered to alert, confirm and prompt."),
        ),
        Field(name="width", type="integer", label=_("Width (px)"), default=1280),
        Field(name="height", type="integer", label=_("Height (px)"), default=800),
        Field(name="language", type="text", label=_("Language"), placeholder="es-ES"),
        Field(name="verify", type="boolean", label=_("Verify the TLS certificate"), default=True),
    ),
    subjects=(
        Subject(name="text", label=_("Text"), value="text", at="locator", operators=MARKUP),
        Subject(
            name="visible",
            label=_("Is visible"),
            value="structured",
            at="locator",
            at_required=True,
            operators=_BOOLEAN,
        ),
        Subject(
            name="count",
            label=_("Number of elements"),
            value="number",
            at="locator",
            at_required=True,
            operators=NUMERIC,
        ),
        Subject(
            name="value", label=_("Value of a field"), value="text", at="locator", at_required=True, operators=MARKUP
        ),
        Subject(
            name="checked",
            label=_("Is ticked"),
            value="structured",
            at="locator",
            at_required=True,
            operators=_BOOLEAN,
        ),
        Subject(
            name="enabled",
            label=_("Is enabled"),
            value="structured",
            at="locator",
            at_required=True,
            operators=_BOOLEAN,
        ),
        Subject(
            name="attribute", label=_("Attribute"), value="text", at="attribute", at_required=True, operators=MARKUP
        ),
        Subject(name="title", label=_("Title of the page"), value="text", at="regex", operators=LONG_TEXT),
        Subject(name="url", label=_("Address of the page"), value="text", at="regex", operators=LONG_TEXT),
        Subject(name="status", label=_("Status of the page"), value="number", operators=NUMERIC),
        Subject(name="errors", label=_("Errors on the console"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="console", label=_("Console"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="failed_requests", label=_("Failed requests"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="requests", label=_("Requests"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="dialogs", label=_("Dialogs"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="downloads", label=_("Downloads"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="tabs", label=_("Number of tabs"), value="number", operators=NUMERIC),
        duration(),
    ),
    main="text",
    implied=({"check": "status", "below": 400},),
    restricted=True,
    width=2,
    live=True,
)
