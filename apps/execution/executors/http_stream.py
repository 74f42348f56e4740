"""Responses that go on: server-sent events, or one message a line, read until what is wanted has come."""

import codecs
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.execution.executors.messages_wanted import Wanted, decoded

_MOST = 10_000  # events that are kept
_LONGEST = 1024 * 1024  # characters of one event


class EventStream:
    """Reads events out of the parts of a body; ``done`` once what the step waits for has come.

    Each event is ``{"event", "id", "data", "json", "at"}``: its type, its id if it has one, its text, what the text
    means where it is JSON, and the milliseconds since the request.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.wanted = Wanted(given, text="data")
        self.events: list[dict[str, Any]] = []
        self.matched = 0
        self._started = time.perf_counter()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._sse: bool | None = None
        self._event = _Event()

    @property
    def done(self) -> bool:
        """Whether reading can end."""
        count = self.wanted.count
        return (count is not None and self.matched >= count) or len(self.events) >= _MOST

    def feed(self, part: bytes, content_type: Callable[[], str]) -> bool:
        """Take *part* of the body; returns whether reading can end."""
        if self._sse is None:
            self._sse = content_type().lower().startswith("text/event-stream")
        for line in self._lines(self._decoder.decode(part)):
            if not self.done:
                self._take(line)
        return self.done

    def finish(self) -> None:
        """The body has ended; a last line may have no end. An event of SSE that has none does not count."""
        if self._rest and not self._sse and not self.done:
            self._take(self._rest.removesuffix("\r"))
        self._rest = ""

    def _lines(self, text: str) -> Iterator[str]:
        """Complete lines; they end with LF, CRLF or, in server-sent events, CR."""
        text = self._rest + text
        waits = text.endswith("\r")  # perhaps half of a CRLF
        *lines, self._rest = (text[:-1] if waits else text).replace("\r\n", "\n").split("\n")
        if self._sse and "\r" in "".join([*lines, self._rest]):
            *lines, self._rest = "\n".join([*lines, self._rest]).replace("\r", "\n").split("\n")
        self._rest = self._rest[-_LONGEST:] + ("\r" if waits else "")
        yield from lines

    def _take(self, line: str) -> None:
        if not self._sse:
            if line:
                self._keep({"data": line})
        elif line:
            self._event.take(line)
        else:
            event, self._event = self._event.ended(), _Event(self._event.id)
            if event:
                self._keep(event)

    def _keep(self, event: dict[str, Any]) -> None:
        at = round((time.perf_counter() - self._started) * 1000, 3)
        event = {**event, **decoded(event["data"]), "at": at}
        self.events.append(event)
        self.matched += self.wanted.matches(event)

    def missing(self, why: str) -> str:
        """Why the step fails, or "" when everything came."""
        count = self.wanted.count
        if count is None or self.matched >= count:
            return ""
        of = f" {self.wanted}" if self.wanted.selective else ""
        also = f"; {len(self.events)} came in all" if self.wanted.selective else ""
        return f"{self.matched} of {count} events{of} came {why}{also}"


class _Event:
    """One server-sent event that is being read, by the rules of the HTML standard."""

    def __init__(self, last_id: str = "") -> None:
        self.id = last_id
        self._type = ""
        self._data: list[str] = []
        self._size = 0

    def take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and self._size < _LONGEST:
            self._data.append(value)
            self._size += len(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self.id = value

    def ended(self) -> dict[str, Any]:
        """The event; nothing when it had no data."""
        if not self._data:
            return {}
        identity = {"id": self.id} if self.id else {}
        return {"event": self._type or "message", **identity, "data": "\n".join(self._data)}
