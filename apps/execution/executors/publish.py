"""Publishes a message, by the broker that its URL names."""

import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import NotObserved, Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.brokers.base import Broker, BrokerError, Outgoing
from apps.execution.executors.brokers.registry import Brokers
from apps.execution.executors.urls import without_password

_COMMON = frozenset({"url", "ca", "to", "json", "body", "headers"})


class PublishExecutor:
    """Sends one message and waits until the broker has it."""

    kind: ClassVar[str] = "publish"
    grace: ClassVar[float] = 0.0

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._brokers = Brokers(settings)

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        body = _body(params).decode()
        limit = self._settings.body_stored
        hidden = {"url", "ca", "json", "body"}
        return {
            "url": without_password(str(params.get("url", ""))),
            **{name: value for name, value in params.items() if name not in hidden},
            "body": body if len(body) <= limit else body[:limit] + "…",
        }

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Publish the message."""
        params = step.params
        broker = self._brokers.find(str(params["url"]), str(params.get("ca") or ""))
        options = options_of(params, _COMMON, broker, broker.publishes)
        headers = dict(params.get("headers") or {})
        if context.traceparent and broker.trace_header not in map(str.lower, headers):
            headers[broker.trace_header] = context.traceparent
        observed = Observed(request=self.describe({**params, "headers": headers}))
        content_type = "application/json" if "json" in params else "text/plain"
        message = Outgoing(
            to=str(params.get("to") or ""),
            body=_body(params),
            content_type=content_type,
            headers=headers,
            options=options,
        )
        started = time.perf_counter()
        try:
            given = await broker.publish(message)
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except BrokerError as error:
            raise SeamError(str(error), observed) from None
        finally:
            observed.timings["total"] = (time.perf_counter() - started) * 1000
        observed.response = {"id": given}
        observed.subjects = {"id": given or _no_id}
        return observed

    async def aclose(self) -> None:
        """Close every connection."""
        await self._brokers.aclose()


def options_of(
    params: Mapping[str, Any], common: frozenset[str], broker: Broker, understood: frozenset[str]
) -> dict[str, Any]:
    """The fields that only this *broker* understands. Raises ``StepBlocked`` for those that it does not."""
    options = {name: value for name, value in params.items() if name not in common}
    for name in options:
        if name not in understood:
            raise StepBlocked(f"with.{name} means nothing to a broker at {broker.schemes[0]}://")
    return options


def _body(params: Mapping[str, Any]) -> bytes:
    if "json" in params:
        return json.dumps(params["json"], ensure_ascii=False).encode()
    return str(params.get("body") or "").encode()


def _no_id() -> Any:
    raise NotObserved("this broker gives messages no id")
