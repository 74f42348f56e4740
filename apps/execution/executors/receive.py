"""Waits for messages, by the broker that its URL names."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from apps.execution.engine.differences import bounded, written
from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import NotObserved, Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.brokers.base import CASE, NOW, Broker, BrokerError, Message, Reading, Source
from apps.execution.executors.brokers.registry import Brokers
from apps.execution.executors.markup import markup
from apps.execution.executors.messages import Filter, headers_of, shown
from apps.execution.executors.publish import options_of
from apps.execution.executors.subscriptions import Place, Subscription, Subscriptions
from apps.execution.executors.urls import without_password

_COMMON = frozenset(
    {"url", "ca", "from", "subscription", "where", "count", "wait", "settle", "since", "listen"}
)  # fmt: skip
_SHOWN_OTHERS = 10
_OPENING = 10.0  # seconds that a broker may take before the case begins without it


@dataclass(slots=True)
class _Harvest:
    """What came: *found* are those the step is about."""

    found: list[tuple[Message, dict[str, Any]]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    scanned: int = 0
    notes: list[str] = field(default_factory=list)


class ReceiveExecutor:
    """Reads from where the case began, from a subscription that was opened before, or from now on."""

    kind: ClassVar[str] = "receive"
    grace: ClassVar[float] = 1.0  # it ends by itself and tells what came

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._brokers = Brokers(settings)

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        shown_too = {name: value for name, value in params.items() if name not in ("url", "ca")}
        return {"url": without_password(str(params["url"])), **shown_too} if params.get("url") else shown_too

    async def begin(self, step: StepRequest, context: StepContext) -> None:
        """Take the position of steps that read since the case began."""
        params = step.params
        if params.get("subscription") or params.get("listen") or str(params.get("since") or CASE) != CASE:
            return
        try:
            place, broker = self._place(params)
        except StepBlocked:
            return
        subscriptions = Subscriptions.of(context.session, self._brokers)
        if subscriptions.find(place.key) is not None:
            return
        try:
            async with asyncio.timeout(min(_OPENING, step.timeout)):
                await subscriptions.open(place.key, place, broker, NOW)
        except TimeoutError:
            context.session.held[place.key] = SeamError("the broker did not answer when the case began")
        except BrokerError as error:
            context.session.held[place.key] = SeamError(f"{error} (when the case began)")
        except (EgressDenied, StepBlocked) as error:
            context.session.held[place.key] = StepBlocked(str(error))

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Wait for the messages."""
        observed = Observed(request=self.describe(step.params))
        started = time.perf_counter()
        try:
            await self._run(step, context, observed)
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except BrokerError as error:
            raise SeamError(str(error), observed) from None
        finally:
            observed.timings["total"] = (time.perf_counter() - started) * 1000
        return observed

    async def _run(self, step: StepRequest, context: StepContext, observed: Observed) -> None:
        params = step.params
        wanted = Filter(params.get("where") or {})
        subscriptions = Subscriptions.of(context.session, self._brokers)
        if params.get("listen"):
            place, broker = self._place(params)
            await subscriptions.open(str(params["listen"]), place, broker, NOW)
            observed.response = {"listening": True}
            observed.subjects = {"messages": [], "count": 0}
            return
        subscription, passing = await self._subscription(params, context, subscriptions)
        broker = self._brokers.find(subscription.place.url, subscription.place.ca)
        harvest = _Harvest()
        try:
            async with broker.read(subscription.place.source, subscription.mark) as reading:
                await self._gather(reading, wanted, step, harvest)
                await reading.take([message for message, _shown in harvest.found])
        finally:
            if passing:
                await broker.forget(subscription.mark)
            self._keep(harvest, observed)
        self._judge(harvest, params, observed)

    async def _subscription(
        self, params: Mapping[str, Any], context: StepContext, subscriptions: Subscriptions
    ) -> tuple[Subscription, bool]:
        """What the step reads, and whether it is only for this step."""
        name = str(params.get("subscription") or "")
        if name:
            found = subscriptions.find(name)
            if found is None:
                raise StepBlocked(f"nothing listens as “{name}”: a step before needs “listen: {name}”")
            return found, False
        place, broker = self._place(params)
        since = str(params.get("since") or CASE)
        if since != CASE:
            return Subscription(place, await broker.mark(place.source, since)), True
        failed = context.session.held.get(place.key)
        if failed is not None:
            raise failed
        found = subscriptions.find(place.key)
        if found is None:
            raise StepBlocked(
                "it cannot receive since the case began, because its address was not known then: "
                "open it in a step before the action, with “listen”, and receive by “subscription”"
            )
        return found, False

    def _place(self, params: Mapping[str, Any]) -> tuple[Place, Broker]:
        if not params.get("url"):
            raise StepBlocked("with.url is missing")
        url, ca = str(params["url"]), str(params.get("ca") or "")
        broker = self._brokers.find(url, ca)
        options = options_of(params, _COMMON, broker, broker.receives)
        return Place(url, ca, Source(name=str(params.get("from") or ""), options=options)), broker

    async def _gather(self, reading: Reading, wanted: Filter, step: StepRequest, harvest: _Harvest) -> None:
        """Read until there are enough, or the time is over."""
        params = step.params
        count, settle = int(params.get("count", 1)), float(params.get("settle") or 0)
        room = 4 * self._settings.body_read
        loop = asyncio.get_running_loop()
        end = loop.time() + min(float(params.get("wait", 10)), step.timeout)
        try:
            async with asyncio.timeout_at(end) as limit:
                async for message in reading:
                    harvest.scanned += 1
                    value = shown(message)
                    if not wanted.fits(value):
                        self._pass_over(value, harvest)
                    else:
                        harvest.found.append((message, value))
                        room -= len(message.body)
                        if count and len(harvest.found) == count:
                            if not settle:
                                return
                            limit.reschedule(min(end, loop.time() + settle))
                    if self._is_full(room, harvest):
                        return
        except TimeoutError:
            return

    def _pass_over(self, value: dict[str, Any], harvest: _Harvest) -> None:
        if len(harvest.others) < _SHOWN_OTHERS:
            harvest.others.append({name: bounded(part, 1000) for name, part in value.items() if name != "json"})

    def _is_full(self, room: int, harvest: _Harvest) -> bool:
        if room < 0:
            harvest.notes.append(f"the messages are too large: only {len(harvest.found)} were read")
        elif len(harvest.found) >= self._settings.rows:
            harvest.notes.append(f"only the first {len(harvest.found)} messages were read")
        else:
            return False
        return True

    def _keep(self, harvest: _Harvest, observed: Observed) -> None:
        messages = [value for _message, value in harvest.found]
        room = self._settings.body_stored
        stored: list[dict[str, Any]] = []
        for value in messages:
            room -= len(written(value, room))
            if room < 0:
                harvest.notes.append(f"the first {len(stored)} messages are kept in the result")
                break
            stored.append(value)
        observed.notes = harvest.notes
        observed.response = {"messages": stored, "scanned": harvest.scanned}
        if harvest.others:
            observed.response["others"] = harvest.others
        observed.subjects = {"messages": messages, "count": len(messages), **_of_first(messages)}

    def _judge(self, harvest: _Harvest, params: Mapping[str, Any], observed: Observed) -> None:
        count, came = int(params.get("count", 1)), len(harvest.found)
        if came >= count:
            return
        wait = float(params.get("wait", 10))
        others = harvest.scanned - came
        beside = f"; {others} other {'message' if others == 1 else 'messages'} did not fit “where”" if others else ""
        message = f"no message came within {wait:g} s" if not came else f"only {came} of {count} came within {wait:g} s"
        if harvest.notes:
            message = harvest.notes[0]
        raise SeamError(message + beside, observed)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._brokers.aclose()


def _of_first(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The subjects that look at the first message."""

    def nothing() -> Any:
        raise NotObserved("there is no message")

    def no_json() -> Any:
        raise NotObserved("the body of the first message is not JSON")

    if not messages:
        return {"json": nothing, "body": nothing, "xml": nothing, "header": nothing}
    first = messages[0]
    headers = headers_of(first)
    content_type = headers.get("content-type") or str(first.get("properties", {}).get("content_type", ""))
    return {
        "json": first.get("json", no_json),
        "body": first["body"],
        "xml": lambda: markup(first["body"], content_type),
        "header": headers,
    }
