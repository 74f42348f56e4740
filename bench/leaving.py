"""A step kind that leaves a file, as one from another package would be: for what becomes of files on a full disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from apps.catalog.definition.fields import Field, Kind
from apps.execution.engine.model import Artifact
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, StepContext, StepRequest

KIND = Kind(
    name="leave",
    label="Leave a file",
    summary="Leaves a file.",
    icon="file",
    fields=(Field(name="bytes", type="number", label="Bytes", required=True),),
    subjects=(),
    main="",
)


class LeaveExecutor:
    """Leaves a file of so many bytes, or none for 0."""

    kind: ClassVar[str] = "leave"
    grace: ClassVar[float] = 1.0

    def __init__(self, settings: EngineSettings) -> None:
        del settings

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """How many bytes."""
        return {"bytes": params["bytes"]}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Leave it."""
        size = int(step.params["bytes"])
        files = [Artifact("left.bin", "application/octet-stream", b"x" * size)] if size else []
        return Observed(request=self.describe(step.params), artifacts=files)

    async def aclose(self) -> None:
        """Nothing to close."""


def install(folder: Path) -> None:
    """Make *folder*, put on PYTHONPATH, offer the kind by entry points."""
    about = folder / "integhub_leaving-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: integhub-leaving\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[integhub.kinds]\nleave = bench.leaving:KIND\n[integhub.executors]\nleave = bench.leaving:LeaveExecutor\n"
    )
