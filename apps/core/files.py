"""Where files are kept: each is there completely, or not at all."""

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

UNFINISHED = "unfinished"  # folder for what is being written


class WholeFiles(FileSystemStorage):
    """Writes a file beside its place and moves it there.

    Django's own leaves the beginning of a file that did not fit, or whose writer was killed: it takes up what is left
    of a full disk, and nobody knows of it.
    """

    def _save(self, name: str, content: File[Any]) -> str:
        if hasattr(content, "temporary_file_path"):  # an upload, which is a file already
            return self._place(name, content)
        folder = Path(self.location) / UNFINISHED
        folder.mkdir(parents=True, exist_ok=True)
        beside = NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115 - closed before it is moved
        try:
            with beside:
                for chunk in content.chunks():
                    beside.write(chunk)
            return self._place(name, _Written(content, beside.name))
        finally:
            Path(beside.name).unlink(missing_ok=True)

    def _place(self, name: str, file: File[Any]) -> str:
        placed: str = super()._save(name, file)  # type: ignore[misc]  # unknown to the stubs
        return placed


class _Written(File):  # type: ignore[type-arg]
    """A file that lies complete at *place*, to be moved."""

    def __init__(self, content: File[Any], place: str) -> None:
        super().__init__(content.file, content.name)
        self._place = place

    def temporary_file_path(self) -> str:
        """For Django: the file may be moved from here."""
        return self._place
