"""What a broker adapter is: publishing, and reading from a mark that was set before the action."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from apps.execution.engine.settings import EngineSettings

Mark = Mapping[str, Any]
"""Where reading begins, as JSON: it may be kept, and used by another process later."""

CASE, NOW, START = "case", "now", "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to publish. *headers* hold plain values; *options* are those fields of the step that only this
    broker understands."""

    to: str
    body: bytes
    content_type: str
    headers: Mapping[str, Any]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where messages come from. *options* are those fields of the step that only this broker understands."""

    name: str
    options: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Message:
    """A message that arrived. *headers* are JSON; *extra* is what else its broker tells about it.

    *receipt* is the adapter's own, to say which message was taken.
    """

    id: str
    headers: dict[str, Any]
    body: bytes
    extra: dict[str, Any] = field(default_factory=dict)
    receipt: Any = None


class Reading(Protocol):
    """Messages from a mark on, in the order of their arrival; one reading for each step."""

    def __aiter__(self) -> AsyncIterator[Message]:
        """Waits for the next message, for ever."""

    async def take(self, messages: Sequence[Message]) -> None:
        """Called at the end with those the step asked for. Where reading takes messages away from a queue, only
        these are gone; the others are put back."""


class Broker(Protocol):
    """The adapter of one kind of broker, for one address; lives as long as the event loop. *ca* is the PEM text of
    an authority to trust, or "".

    Network and protocol errors leave it as ``BrokerError``, addresses that may not be reached as ``EgressDenied``,
    what cannot be done at all as ``StepBlocked``.
    """

    schemes: ClassVar[tuple[str, ...]]
    """The beginnings of its URLs."""
    publishes: ClassVar[frozenset[str]]
    """Fields of ``publish`` that it understands, besides those that every broker has."""
    receives: ClassVar[frozenset[str]]
    """The same of ``receive``."""
    trace_header: ClassVar[str]
    """Where the trace context goes along."""

    def __init__(self, url: str, ca: str, settings: EngineSettings) -> None: ...

    async def publish(self, message: Outgoing) -> str:
        """Send it, wait until the broker has it, and give its id ("" where it has none)."""

    async def mark(self, source: Source, since: str) -> Mark:
        """From where *source* is read: ``now``, ``start`` (everything that is there), or an id.

        What was opened for it stays until ``forget``; should nobody come back, the broker itself ends it.
        """

    def read(self, source: Source, mark: Mark) -> AbstractAsyncContextManager[Reading]:
        """Read from *mark* on. May be done again from the same mark, with the same messages."""

    async def forget(self, mark: Mark) -> None:
        """Close what ``mark`` opened."""

    async def aclose(self) -> None:
        """Close every connection."""


@runtime_checkable
class Pauses(Protocol):
    """A broker whose marks hold something in this process: a case that waits for a person may go on in another."""

    async def pause(self, mark: Mark) -> Mark:
        """Let go of it, and give the mark with which another process goes on."""


class BrokerError(Exception):
    """The broker could not be reached or refused what was asked; the text says why."""
