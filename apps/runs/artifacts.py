"""Files of steps. A file that cannot be kept costs the file, never the result."""

from collections.abc import Iterable

import structlog
from django.core.files.base import ContentFile

from apps.runs.models import Artifact, StepResult
from apps.runs.results import File, StepRecord

logger = structlog.get_logger(__name__)

Kept = tuple[int, int, StepRecord, File]  # execution, attempt, step, file


def keep(files: Iterable[Kept]) -> None:
    """Store *files* with their steps, which are stored already; a step whose file is lost says so in its notes."""
    for execution_id, attempt, step, file in files:
        stored = StepResult.objects.get(
            execution=execution_id, attempt=attempt, phase=step.phase, position=step.position, path=step.path
        )
        artifact = Artifact(
            execution=stored.execution,
            step=stored,
            name=file.name[:200],
            content_type=file.content_type,
            size=len(file.content),
        )
        try:
            artifact.file.save(file.name, ContentFile(file.content), save=False)
        except OSError as error:
            logger.error("artifact.lost", execution_id=execution_id, file=file.name, error=str(error))
            _say_lost(stored, file, error)
            continue
        artifact.save()


def _say_lost(stored: StepResult, file: File, error: OSError) -> None:
    notes = [*stored.response.get("notes", []), f"the file {file.name} could not be kept: {error.strerror or error}"]
    stored.response = {**stored.response, "notes": notes}
    stored.save(update_fields=["response"])
