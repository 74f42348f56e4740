"""The last thing before an outcome leaves the engine: secrets out, sizes bounded."""

from dataclasses import replace

from apps.execution.engine.archives import masked_zip
from apps.execution.engine.differences import bounded
from apps.execution.engine.masking import Masker
from apps.execution.engine.model import Artifact, StepOutcome


def seal(outcome: StepOutcome, masker: Masker) -> None:
    """Mask and bound everything in *outcome* that may hold what a case sent, received or captured."""
    outcome.captured = {name: bounded(value) for name, value in outcome.captured.items()}
    checks = [[check.label, check.expected, check.actual, check.diff, check.message] for check in outcome.checks]
    sealed = masker.value(
        [
            outcome.name,
            outcome.message,
            outcome.request,
            outcome.response,
            outcome.captured,
            outcome.notes,
            checks,
        ]
    )
    (
        outcome.name,
        outcome.message,
        outcome.request,
        outcome.response,
        outcome.captured,
        outcome.notes,
        checks,
    ) = sealed
    for check, parts in zip(outcome.checks, checks, strict=True):
        check.label, check.expected, check.actual, check.diff, check.message = parts
    if outcome.artifacts:
        outcome.artifacts = [sealed for one in outcome.artifacts if (sealed := _artifact(one, masker)) is not None]


def _artifact(artifact: Artifact, masker: Masker) -> Artifact | None:
    """*artifact* without secrets; None when nobody can tell whether there are any in it."""
    is_packed = artifact.media_type == "application/zip"
    content = masked_zip(artifact.content, masker) if is_packed else masker.content(artifact.content)
    return None if content is None else replace(artifact, name=masker.text(artifact.name), content=content)
