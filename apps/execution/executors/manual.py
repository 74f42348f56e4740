"""Steps that a person carries out: the engine stops here and hands over."""

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import NeedsPerson, Observed, StepContext, StepRequest


class ManualExecutor:
    """Always waits for a person."""

    kind: ClassVar[str] = "manual"
    grace: ClassVar[float] = 0.0

    def __init__(self, settings: EngineSettings) -> None:
        del settings

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What the person reads."""
        return {"instructions": params.get("instructions", ""), "expected": params.get("expected", "")}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Raises ``NeedsPerson``."""
        raise NeedsPerson

    async def aclose(self) -> None:
        """Nothing to close."""
