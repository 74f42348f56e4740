"""WebSockets: open one, send and receive in the order of the step, close it."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from apps.execution.engine.egress import EgressDenied
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.turns import Ended, Missing
from apps.execution.executors.urls import without_password
from apps.execution.executors.websocket_conversation import Conversation


class WebSocketExecutor:
    """A new connection for each step: what is said on one must not be heard by the next case."""

    kind: ClassVar[str] = "websocket"
    grace: ClassVar[float] = 2.0  # it keeps the time itself and shows what came until then

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        shown: dict[str, Any] = {"url": without_password(str(params.get("url", "")))}
        shown |= {name: params[name] for name in ("headers", "subprotocols", "exchange") if params.get(name)}
        return shown

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Hold the conversation."""
        talk = Conversation(self._settings, step, context)
        talk.observed.request |= self.describe(step.params)
        try:
            async with asyncio.timeout(step.timeout):
                await talk.hold()
        except TimeoutError:
            raise SeamError(talk.timed_out(), talk.seen()) from None
        except EgressDenied as error:
            raise StepBlocked(str(error)) from None
        except (ConnectionClosed, Ended):
            raise SeamError(talk.closed_early(), talk.seen()) from None
        except Missing as missing:
            raise SeamError(str(missing), talk.seen()) from None
        except (OSError, InvalidHandshake) as error:
            raise SeamError(talk.not_opened(error), talk.seen()) from None
        finally:
            talk.drop()
        return talk.seen()

    async def aclose(self) -> None:
        """Nothing stays open between steps."""
