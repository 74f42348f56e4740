"""Files that people attach to a manual step. Whatever the browser says of them is distrusted."""

import re
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, DomainError
from apps.core.states import State
from apps.runs.models import Artifact, Execution, StepResult

LARGEST = 10 * 1024 * 1024  # bytes of one file
MOST = 20  # files of one step
_NAME = 120  # characters of a file name
# What a file is, told by its first bytes; only these may be shown as pictures.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png", {"png"}),
    (b"\xff\xd8\xff", "image/jpeg", {"jpg", "jpeg"}),
    (b"GIF87a", "image/gif", {"gif"}),
    (b"GIF89a", "image/gif", {"gif"}),
    (b"%PDF-", "application/pdf", {"pdf"}),
)
_TEXTS = frozenset({"txt", "log", "csv", "json", "har", "yaml", "yml", "md", "xml"})
_ARCHIVES = frozenset({"zip", "gz"})


def kind_of(name: str, head: bytes) -> str:
    """Media type of a file by its *name* and first bytes (at least 16). DomainError when it is not accepted."""
    extension = PurePosixPath(name).suffix.lower().removeprefix(".")
    for signature, media_type, extensions in _SIGNATURES:
        if head.startswith(signature) and extension in extensions:
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and extension == "webp":
        return "image/webp"
    if extension in _TEXTS and b"\0" not in head:
        return "text/plain"
    if extension in _ARCHIVES:
        return "application/octet-stream"
    raise DomainError(
        "file-type",
        _("“%(name)s” is not accepted: attach pictures (PNG, JPEG, GIF, WebP), PDF, text, JSON, HAR, or ZIP.")
        % {"name": name},
        status=415,
    )


def safe_name(name: str) -> str:
    """*name* without folders and without characters that mean something to a shell, a header or a file system."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = re.sub(r"[^\w.() +-]", "_", last).strip(" .") or "attachment"
    stem, dot, extension = clean.rpartition(".")
    return clean if len(clean) <= _NAME else f"{stem[: _NAME - len(extension) - 1]}{dot}{extension}"


@transaction.atomic
def attach(execution: Execution, upload: UploadedFile[Any]) -> Artifact:
    """Keep *upload* with the manual step for which *execution* waits; sent twice, it is kept once.

    DomainError: too large (413), too many (409), a type that is not accepted (415). Conflict when nothing waits.
    """
    step = waiting_step(execution)
    if upload.size is None or upload.size > LARGEST:
        limit = LARGEST // 1024 // 1024
        detail = _("“%(name)s” is larger than %(limit)s MB.") % {"name": upload.name, "limit": limit}
        raise DomainError("file-too-large", detail, status=413)
    name = safe_name(upload.name or "")
    if (same := _same(step, name, upload)) is not None:
        return same
    if step.artifacts.count() >= MOST:
        raise Conflict("too-many-files", _("A step takes %(most)s files at most.") % {"most": MOST})
    head = upload.read(512)
    upload.seek(0)
    artifact = Artifact(execution=execution, step=step, name=name, content_type=kind_of(name, head), size=upload.size)
    artifact.file.save(name, upload, save=False)
    artifact.save()
    return artifact


def _same(step: StepResult, name: str, upload: UploadedFile[Any]) -> Artifact | None:
    """The very file of an earlier request, whose answer a lost connection may have swallowed."""
    for artifact in step.artifacts.filter(name=name, size=upload.size or 0):
        with artifact.file.open("rb") as kept:
            if kept.read() == upload.read():
                return artifact
        upload.seek(0)
    return None


@transaction.atomic
def detach(execution: Execution, artifact_id: int) -> None:
    """Take a file away again while its step still waits; the file itself goes after the commit."""
    artifact = waiting_step(execution).artifacts.filter(pk=artifact_id).first()
    if artifact is None:
        return
    file = artifact.file
    artifact.delete()
    transaction.on_commit(partial(file.delete, save=False))


def waiting_step(execution: Execution) -> StepResult:
    """The step result on which *execution* waits for a person, locked. Conflict when it waits for none."""
    locked = Execution.objects.select_for_update().get(pk=execution.pk)
    step = StepResult.objects.filter(
        execution=locked, attempt=locked.attempt, phase="steps", position=locked.resume_at, state=State.WAITING
    ).first()
    if locked.state != State.WAITING or step is None:
        raise Conflict("not-waiting", _("This execution does not wait for a person now."))
    return step
