"""What a database adapter is: a statement in, rows out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.tls import Client


@dataclass(slots=True)
class Result:
    """What a statement gave. *names* is None for one that has no rows; *rows* are as many as may be kept, their
    values still those of the driver, *cut* says why there are no more of them.

    *affected* counts rows that were changed, or found where all of them were read. *opening* is the milliseconds
    that a new connection took, *running* those of the statement.
    """

    affected: int = 0
    names: Sequence[str] | None = None
    rows: list[Sequence[Any]] = field(default_factory=list)
    cut: str = ""
    opening: float = 0.0
    running: float = 0.0


class DatabaseError(Exception):
    """The database could not be reached, or refused the statement; the text says why."""


class Database(Protocol):
    """The adapter of one kind of database, for one URL; lives as long as the event loop. *ca* is the PEM text of an
    authority to trust, or "", and *client* whom to be shown to be; TLS is used for either.

    Addresses that may not be reached leave it as ``EgressDenied``, what cannot be done at all as ``StepBlocked``.
    """

    schemes: ClassVar[tuple[str, ...]]
    """The beginnings of its URLs."""

    def __init__(self, url: str, ca: str, client: Client | None, settings: EngineSettings) -> None: ...

    async def run(self, query: str, params: Any, seconds: float) -> Result:
        """Run *query*. After *seconds*, or when cancelled, the server ends it. Raises ``DatabaseError``."""

    async def aclose(self) -> None:
        """Close every connection."""


_HARMLESS = re.compile(r"\s*(select|values|table|with|insert|update|delete|merge|replace)\b", re.IGNORECASE)


def is_harmless(statement: str) -> bool:
    """Whether *statement* by its first word leaves the session as it was."""
    return bool(_HARMLESS.match(statement))


def adapted(params: Any, one: Callable[[Any], Any]) -> Any:
    """*params*, a mapping or a list, with each value as *one* makes it for the driver."""
    if isinstance(params, Mapping):
        return {name: one(value) for name, value in params.items()}
    return tuple(one(value) for value in params)


def is_structure(value: Any) -> bool:
    """Whether a parameter goes as JSON: an object, or a list that is more than a list of plain values."""
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict | list) for item in value))


def too_many(limit: int) -> str:
    """Why rows are missing."""
    return f"there are more than {limit} rows: only the first {limit} were read"


def does_not_fit(error: Exception) -> str:
    """Why a statement and its parameters cannot be brought together."""
    reason = f"there is no parameter {error}" if isinstance(error, KeyError) else str(error)
    return f"the statement and its parameters do not fit together: {reason} (a % that is meant as such is %%)"
