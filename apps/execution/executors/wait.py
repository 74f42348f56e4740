"""A pause."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, StepBlocked, StepContext, StepRequest

MAX_SECONDS = 3600


class WaitExecutor:
    """Waits as long as it is told; the limit for one try does not cut it short."""

    kind: ClassVar[str] = "wait"
    grace: ClassVar[float] = float(MAX_SECONDS)

    def __init__(self, settings: EngineSettings) -> None:
        del settings

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """How long."""
        return {"seconds": params.get("seconds")}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Wait. Raises ``StepBlocked`` for more than an hour."""
        seconds = float(step.params["seconds"])
        if seconds > MAX_SECONDS:
            raise StepBlocked(f"{seconds:g} s are longer than the {MAX_SECONDS} s that a step may wait")
        await asyncio.sleep(seconds)
        return Observed(request=self.describe(step.params))

    async def aclose(self) -> None:
        """Nothing to close."""
