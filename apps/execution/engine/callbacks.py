"""The template function ``webhook()``: one-time addresses at which a case is called back."""

import hashlib
import secrets
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple, Protocol

from apps.execution.executors.sessions import CaseSession

BASE_VARIABLE = "INTEGHUB_BASE_URL"
"""A variable of the environment that says how its components reach IntegHub's web, where they see it differently."""
MARK = "webhook"
"""What the session of a case carries for its addresses."""
_LONGEST = 100


class Callbacks(Protocol):
    """Where calls arrive, whoever keeps them. A *key* names one address of one case."""

    def address(self, key: str, base: str) -> str:
        """The address to call, below *base* or where the web is known to be."""

    async def calls(self, key: str, after: int) -> list[dict[str, Any]]:
        """The calls that arrived, without the first *after*: ``{method, path, query, headers, body, at}``."""

    async def close(self, key: str) -> None:
        """Take no more calls, and forget those that came."""


class _Hooks(NamedTuple):
    callbacks: Callbacks | None
    session: CaseSession
    base: str


# Of the task in which a case runs; its branches inherit it.
_CURRENT: ContextVar[_Hooks | None] = ContextVar("hooks", default=None)


def use_callbacks(callbacks: Callbacks | None, session: CaseSession, base: str) -> None:
    """From here on, in this task, ``webhook()`` gives addresses of the case with *session*."""
    _CURRENT.set(_Hooks(callbacks, session, base))


def webhook(name: str) -> str:
    """The address of which the step that waits for *name* tells; the same all through the case."""
    hooks = _CURRENT.get()
    if hooks is None or hooks.callbacks is None:
        raise ValueError("nothing can be called back here")
    return hooks.callbacks.address(key_of(hooks.session, hooks.callbacks, name), hooks.base)


def key_of(session: CaseSession, callbacks: Callbacks, name: str) -> str:
    """The key of the address *name*; its calls are forgotten when the case ends."""
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST:
        raise ValueError(f"the name of a webhook is a text of at most {_LONGEST} characters")
    case = session.carried.setdefault(MARK, secrets.token_hex(16))
    key = hashlib.sha256(f"{case}:{name.strip()}".encode()).hexdigest()[:32]
    if (MARK, key) not in session.held:
        session.held[MARK, key] = True
        session.at_end(partial(callbacks.close, key))
    return key
