"""The template function ``mailbox()``: addresses of the built-in mailbox for the case that runs."""

from contextvars import ContextVar
from typing import NamedTuple

from apps.core.mailboxes import Mailboxes, box_of_execution
from apps.execution.engine.model import CaseRequest
from apps.execution.engine.settings import MailboxSettings


class _Boxes(NamedTuple):
    settings: MailboxSettings
    execution_id: str
    environment: str


# Of the task in which a case runs; its branches inherit it.
_CURRENT: ContextVar[_Boxes | None] = ContextVar("boxes", default=None)


def use_mailbox(settings: MailboxSettings | None, request: CaseRequest) -> None:
    """From here on, in this task, ``mailbox()`` gives addresses of *request*."""
    _CURRENT.set(_Boxes(settings, request.execution_id, request.mailbox) if settings else None)


def mailbox(name: str = "", scope: str = "case") -> str:
    """An address that nobody can guess, of this execution or (``"environment"``) of the environment."""
    boxes = _CURRENT.get()
    if boxes is None:
        raise ValueError("no mailbox runs here (INTEGHUB_MAILBOX)")
    if scope not in ("case", "environment"):
        raise ValueError("the second argument of mailbox() is “case” or “environment”")
    box = box_of_execution(boxes.execution_id) if scope == "case" else boxes.environment
    if not box:
        raise ValueError("the environment has no mailbox here")
    return Mailboxes(boxes.settings.key, boxes.settings.domain).address(box, name)
