"""Commands run on the worker."""

from apps.catalog.definition.fields import Choice, Field, Kind, Subject
from apps.catalog.definition.kinds.shared import duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, LONG_TEXT, NUMERIC

COMMAND = Kind(
    name="command",
    label=_("Command"),
    summary=_("Runs a program on the worker, in an empty folder with a clean environment and limits."),
    icon="terminal-2",
    fields=(
        Field(name="argv", type="list", label=_("Program and arguments"), help=_("One a line; no shell is involved.")),
        Field(name="shell", type="code", label=_("Shell script")),
        Field(name="env", type="pairs", label=_("Environment variables")),
        Field(name="stdin", type="multiline", label=_("Standard input")),
        Field(
            name="max_output",
            type="integer",
            label=_("Keep at most (bytes)"),
            default=262_144,
            help=_("More output is cut, and the result says so."),
        ),
        Field(
            name="reports",
            type="list",
            label=_("JUnit reports"),
            help=_(
                "Files that the command writes in its folder, such as report.xml or out/*.xml: each test is a result."
            ),
        ),
    ),
    choices=(Choice(("argv", "shell"), required=True),),
    subjects=(
        Subject(name="exit_code", label=_("Exit code"), value="number", operators=NUMERIC),
        Subject(name="stdout", label=_("Output"), value="text", at="regex", operators=LONG_TEXT),
        Subject(name="stderr", label=_("Error output"), value="text", at="regex", operators=LONG_TEXT),
        Subject(name="failed", label=_("How many tests failed"), value="number", operators=NUMERIC),
        Subject(name="passed", label=_("How many tests passed"), value="number", operators=NUMERIC),
        Subject(name="skipped", label=_("How many tests were skipped"), value="number", operators=NUMERIC),
        Subject(name="tests", label=_("Tests"), value="structured", at="jsonpath", operators=EVERY),
        duration(),
    ),
    main="stdout",
    implied=({"check": "exit_code", "equals": 0},),
    restricted=True,
)
