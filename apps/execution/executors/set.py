"""Variables for the steps behind: the values were worked out when the step was rendered."""

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, StepContext, StepRequest


class SetExecutor:
    """Gives its values on."""

    kind: ClassVar[str] = "set"
    grace: ClassVar[float] = 0.0

    def __init__(self, settings: EngineSettings) -> None:
        del settings

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing is sent; the values are shown as what the step gave on."""
        return {}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """The values, kept under their names."""
        values = dict(step.params["values"])
        return Observed(subjects={"values": values}, gives=values)

    async def aclose(self) -> None:
        """Nothing to close."""
