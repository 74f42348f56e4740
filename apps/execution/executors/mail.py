"""Mail: sent by SMTP, and awaited in the built-in mailbox."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from apps.core.mailboxes import Mailboxes
from apps.execution.engine.differences import bounded, written
from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import NotObserved, Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.mail_sending import send
from apps.execution.executors.markup import markup
from apps.execution.executors.messages import headers_of
from apps.execution.executors.urls import without_password
from apps.execution.mail.store import MailStore

_BEFORE = "mail"  # in the session's ``carried``: where each box stood when the case began
_BEGINNING = "0-0"
_SHOWN_OTHERS = 10


class MailExecutor:
    """Sends mail, or reads what has come into a box since the case began."""

    kind: ClassVar[str] = "mail"
    grace: ClassVar[float] = 1.0  # waiting ends by itself and tells what came

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._store: MailStore | None = None

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        if "send" not in params:
            return {"receive": dict(params.get("receive") or {})}
        told = {name: value for name, value in params["send"].items() if name != "ca"}
        return {"send": {**told, "url": without_password(str(told.get("url", "")))}}

    async def begin(self, step: StepRequest, context: StepContext) -> None:
        """Note where the boxes stand that the step may look into."""
        receive = step.params.get("receive")
        if not receive or self._settings.mailbox is None:
            return
        before = context.session.carried.setdefault(_BEFORE, {})
        try:
            box = self._box(str(receive.get("to", "")), context)
            if box not in before:
                async with asyncio.timeout(10):
                    before[box] = await self._mail().position(box)
        except (RedisError, OSError, TimeoutError, StepBlocked):
            return  # the step itself tells

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Send, or wait."""
        observed = Observed(request=self.describe(step.params))
        started = time.perf_counter()
        try:
            if "send" in step.params:
                observed.response = await send(step.params["send"], context.traceparent, self._settings)
                observed.subjects = {"messages": [], "count": 0}
            else:
                await self._receive(step, context, observed)
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except SeamError as error:
            error.observed = error.observed or observed
            raise
        except (RedisError, OSError) as error:
            raise StepBlocked(f"the built-in mailbox cannot be read: {type(error).__name__}") from None
        finally:
            observed.timings["total"] = (time.perf_counter() - started) * 1000
        return observed

    async def _receive(self, step: StepRequest, context: StepContext, observed: Observed) -> None:
        given = step.params["receive"]
        box = self._box(str(given["to"]), context)
        position = context.session.carried.get(_BEFORE, {}).get(box, _BEGINNING)
        found, others = await self._wait(box, position, given, step.timeout)
        self._keep(found, others, observed)
        count = int(given.get("count", 1))
        if len(found) < count:
            wait = float(given.get("wait", 10))
            came = f"only {len(found)} of {count} mails" if found else "no mail"
            beside = f"; {len(others)} other {'mail' if len(others) == 1 else 'mails'} did not fit" if others else ""
            raise SeamError(f"{came} came for {given['to']} within {wait:g} s{beside}", observed)

    async def _wait(
        self, box: str, position: str, given: Mapping[str, Any], limit: float
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The mails that fit, and the others of the box."""
        found: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        count, settle = int(given.get("count", 1)), float(given.get("settle") or 0)
        loop = asyncio.get_running_loop()
        end = loop.time() + min(float(given.get("wait", 10)), limit)
        try:
            async with asyncio.timeout_at(end) as until:
                async for mail in self._mail().since(box, position):
                    (found if _fits(mail, given) else others).append(mail)
                    if count and len(found) == count and found[-1] is mail:
                        if not settle:
                            break
                        until.reschedule(min(end, loop.time() + settle))
                    if len(found) >= self._settings.rows:
                        break
        except TimeoutError:
            pass
        return found, others

    def _box(self, address: str, context: StepContext) -> str:
        """The box of *address*: its own, or else that of the environment."""
        settings = self._settings.mailbox
        if settings is None:
            raise StepBlocked("this worker knows no mailbox (INTEGHUB_MAILBOX)")
        box = Mailboxes(settings.key, settings.domain).box_of(address) or context.session.mailbox
        if not box:
            raise StepBlocked(f"{address} is no address of the built-in mailbox: make one with mailbox()")
        return box

    def _mail(self) -> MailStore:
        settings = self._settings.mailbox
        if settings is None:
            raise StepBlocked("this worker knows no mailbox (INTEGHUB_MAILBOX)")
        if self._store is None:
            self._store = MailStore(Redis.from_url(settings.redis_url, protocol=2))
        return self._store

    def _keep(self, found: list[dict[str, Any]], others: list[dict[str, Any]], observed: Observed) -> None:
        room = self._settings.body_stored
        stored: list[dict[str, Any]] = []
        for mail in found:
            room -= len(written(mail, room))
            if room < 0:
                observed.notes.append(f"the first {len(stored)} mails are kept in the result")
                break
            stored.append(mail)
        observed.response = {"messages": stored}
        if others:
            observed.response["others"] = [
                {name: bounded(one[name], 200) for name in ("from", "to", "subject")} for one in others[:_SHOWN_OTHERS]
            ]
        observed.subjects = {"messages": found, "count": len(found), **_of_first(found)}

    async def aclose(self) -> None:
        """Close every connection."""
        store, self._store = self._store, None
        if store is not None:
            await store.aclose()


def _fits(mail: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    recipient = _plain(str(given["to"]))
    if recipient not in {_plain(address) for address in mail["to"]}:
        return False
    sender = given.get("from")
    if sender and _plain(str(sender)) != _plain(mail["from"]):
        return False
    subject = given.get("subject")
    return not subject or str(subject).lower() in mail["subject"].lower()


def _plain(address: str) -> str:
    """An address to compare, without case; its tag counts."""
    return address.strip().lower()


def _of_first(found: list[dict[str, Any]]) -> dict[str, Any]:
    def nothing() -> Any:
        raise NotObserved("there is no mail")

    if not found:
        return dict.fromkeys(("subject", "text", "html", "xml", "header"), nothing)
    first = found[0]
    parts = {name: first[name] for name in ("subject", "text", "html")}
    return {**parts, "xml": lambda: markup(first["html"], "text/html", "the mail"), "header": headers_of(first)}
