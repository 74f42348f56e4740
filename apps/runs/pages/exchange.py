"""What a step sent and what came back, laid out the same way for every kind, also for those that are not ours."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.runs.pages.bodies import INLINE, Body, body

NOTES = "notes"  # what was cut, in words
_HEADERS = ("headers", "header", "metadata")
_LABELS = {
    "body": gettext_lazy("Body"),
    "json": gettext_lazy("Body"),
    "form": gettext_lazy("Form"),
    "params": gettext_lazy("Parameters"),
    "query": gettext_lazy("Query"),
    "rows": gettext_lazy("Rows"),
    "row_count": gettext_lazy("Number of rows"),
    "message": gettext_lazy("Message"),
    "messages": gettext_lazy("Messages"),
    "value": gettext_lazy("Value"),
    "stdout": gettext_lazy("Standard output"),
    "stderr": gettext_lazy("Standard error"),
    "stdin": gettext_lazy("Standard input"),
    "exit_code": gettext_lazy("Exit code"),
    "status": gettext_lazy("Status"),
    "version": gettext_lazy("Protocol version"),
    "size": gettext_lazy("Bytes"),
    "address": gettext_lazy("Answered from"),
    "new_connection": gettext_lazy("New connection"),
    "redirects": gettext_lazy("Redirects"),
    "cookies": gettext_lazy("Cookies"),
    "events": gettext_lazy("Events"),
    "first_event_ms": gettext_lazy("First event (ms)"),
    "subprotocol": gettext_lazy("Subprotocol"),
    "subprotocols": gettext_lazy("Subprotocols"),
    "exchange": gettext_lazy("Conversation"),
    "close_code": gettext_lazy("Close code"),
    "close_reason": gettext_lazy("Reason of the close"),
    "calls": gettext_lazy("Calls"),
    "columns": gettext_lazy("Columns"),
    "scanned": gettext_lazy("Messages looked at"),
    "url": gettext_lazy("URL"),
    "method": gettext_lazy("Method"),
    "target": gettext_lazy("Target"),
    "command": gettext_lazy("Command"),
    "stream": gettext_lazy("Stream"),
    "argv": gettext_lazy("Command"),
    "shell": gettext_lazy("Command"),
    "env": gettext_lazy("Environment variables"),
    "graphql": gettext_lazy("GraphQL"),
    "headers": gettext_lazy("Headers"),
    "header": gettext_lazy("Headers"),
    "metadata": gettext_lazy("Metadata"),
    "times": gettext_lazy("Times"),
    "each": gettext_lazy("For each of"),
    "branches": gettext_lazy("Branches"),
    "spread_ms": gettext_lazy("Began within (ms)"),
    "step": gettext_lazy("Shared step"),
    "revision": gettext_lazy("Revision"),
    "arguments": gettext_lazy("Values of its parameters"),
    "seconds": gettext_lazy("Seconds"),
    "reports": gettext_lazy("JUnit reports"),
    "details": gettext_lazy("Details"),
    "tests": gettext_lazy("Tests"),
    "passed": gettext_lazy("passed"),
    "failed": gettext_lazy("failed"),
    "skipped": gettext_lazy("skipped"),
    "title": gettext_lazy("Title of the page"),
    "errors": gettext_lazy("Errors on the console"),
    "failed_requests": gettext_lazy("Failed requests"),
    "request_count": gettext_lazy("Requests"),
    "ready_ms": gettext_lazy("The browser was ready after (ms)"),
    "dialogs": gettext_lazy("Dialogs"),
    "downloads": gettext_lazy("Downloads"),
    "session": gettext_lazy("Session"),
    "language": gettext_lazy("Language"),
    "width": gettext_lazy("Width (px)"),
    "height": gettext_lazy("Height (px)"),
}
_ALWAYS_BLOCKS = frozenset(
    {"body", "json", "form", "query", "rows", "message", "messages", "value", "stdout", "stderr", "stdin", "shell"}
)
_SHORT = 120  # characters of a value that fits in a line


@dataclass(frozen=True)
class Block:
    """A long part: a body, a query, rows. *name* is its key in the record."""

    name: str
    label: Any
    body: Body


@dataclass(frozen=True)
class Side:
    """The request or the response: a headline, short facts, headers, long parts, and what was cut."""

    headline: str = ""
    facts: list[tuple[Any, str]] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    headers_label: Any = ""
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.headline or self.facts or self.headers or self.blocks or self.notes)


def label(name: str) -> Any:
    """What people read for a key of a request or response."""
    return _LABELS.get(name) or name.replace("_", " ").capitalize()


def side(record: Mapping[str, Any], limit: int = INLINE) -> Side:
    """Lay out a step's ``request`` or ``response``; each long part is cut at *limit* characters."""
    rest = dict(record)
    headline = _headline(rest)
    notes = [str(note) for note in rest.pop(NOTES, None) or []]
    if rest.get("rows"):
        rest.pop("columns", None)  # each row names them
    headers, headers_label = _headers(rest)
    facts: list[tuple[Any, str]] = []
    blocks: list[Block] = []
    for name, value in rest.items():
        if value is None or value == "" or value == {} or value == []:
            continue
        if name not in _ALWAYS_BLOCKS and not isinstance(value, dict | list) and len(str(value)) <= _SHORT:
            facts.append((label(name), _word(value)))
        elif found := body(value, limit):
            blocks.append(Block(name, label(name), found))
    return Side(headline, facts, headers, headers_label, blocks, notes)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return str(value)


def _headers(rest: dict[str, Any]) -> tuple[list[tuple[str, str]], Any]:
    for name in _HEADERS:
        found = rest.pop(name, None)
        if isinstance(found, Mapping) and found:
            return [(key, _header(value)) for key, value in found.items()], label(name)
        if isinstance(found, list) and found and all(isinstance(pair, list) and len(pair) == 2 for pair in found):
            return [(str(key), _header(value)) for key, value in found], label(name)
    return [], ""


def _header(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _headline(rest: dict[str, Any]) -> str:
    """The line that says most, taken out of *rest*: ``POST http://…``, ``201 Created``, ``XLEN orders``."""
    if "url" in rest and "method" in rest:
        return f"{rest.pop('method')} {rest.pop('url')}"
    if "target" in rest and "method" in rest:
        return f"{rest.pop('target')} · {rest.pop('method')}"
    if "status" in rest:
        return " ".join(str(part) for part in (rest.pop("status"), rest.pop("reason", "")) if part != "")
    for name in ("argv", "command"):
        if isinstance(rest.get(name), list):
            return shlex.join(str(part) for part in rest.pop(name))
    return ""


def as_curl(request: Mapping[str, Any]) -> str:
    """The HTTP *request* as a curl command; masked values stay masked. "" for what is no HTTP request."""
    if not request.get("url") or not request.get("method"):
        return ""
    parts = ["curl", "--request", str(request["method"]), str(request["url"])]
    for name, value in _headers(dict(request))[0]:
        parts += ["--header", f"{name}: {value}"]
    if request.get("cookies"):
        parts += ["--cookie", str(request["cookies"])]
    sent = request.get("body")
    if sent not in (None, ""):
        parts += ["--data-raw", sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False)]
    return shlex.join(parts)
