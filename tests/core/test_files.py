"""A file is kept completely or not at all, also on a disk that is full."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

LIMIT = 100_000  # bytes


@pytest.fixture
def small_disk() -> Iterator[None]:
    """The system refuses to write more than ``LIMIT`` bytes to a file of this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def files_below(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_what_does_not_fit_leaves_nothing_behind(settings: Any, small_disk: None) -> None:
    storage = storages["default"]

    with pytest.raises(OSError, match="File too large"):
        storage.save("artifacts/1/2/big.bin", ContentFile(b"x" * (LIMIT + 1)))

    assert files_below(settings.MEDIA_ROOT) == []


def test_what_fits_is_kept_and_names_do_not_collide(settings: Any, small_disk: None) -> None:
    storage = storages["default"]

    first = storage.save("artifacts/1/2/a.txt", ContentFile(b"one"))
    second = storage.save("artifacts/1/2/a.txt", ContentFile(b"two"))

    assert first == "artifacts/1/2/a.txt"
    assert second != first
    assert (settings.MEDIA_ROOT / first).read_bytes() == b"one"
    assert (settings.MEDIA_ROOT / second).read_bytes() == b"two"
    assert files_below(settings.MEDIA_ROOT) == sorted([first, second])
