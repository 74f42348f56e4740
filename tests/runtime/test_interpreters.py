"""Another build of the same Python is taken only when it works and is clearly quicker."""

import math
import shutil
import sys
from pathlib import Path

import pytest

from integhub.runtime import interpreters

NAME = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program by the name of this Python, the only one beside it."""
    monkeypatch.delenv("INTEGHUB_PYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreters, "USUAL_FOLDERS", ())
    return Path(shutil.copy("/bin/true", tmp_path / NAME))


@pytest.fixture
def timed(other: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Seconds that each build is said to take."""
    seconds = {sys.executable: 1.0, str(other): 1.0}
    monkeypatch.setattr(interpreters, "_seconds", seconds.__getitem__)
    return seconds


def test_one_that_is_clearly_quicker_is_taken(timed: dict[str, float], other: Path) -> None:
    timed[str(other)] = 0.7
    assert interpreters.quickest() == str(other)


@pytest.mark.parametrize("seconds", [0.97, 1.0, 1.3, math.inf])
def test_any_other_is_not(timed: dict[str, float], other: Path, seconds: float) -> None:
    timed[str(other)] = seconds
    assert interpreters.quickest() == sys.executable


def test_nor_when_one_was_named(timed: dict[str, float], other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed[str(other)] = 0.1
    monkeypatch.setenv("INTEGHUB_PYTHON", sys.executable)
    assert interpreters.quickest() == sys.executable


def test_a_folder_of_that_name_is_passed_over(other: Path) -> None:
    other.unlink()
    other.mkdir()
    assert interpreters.quickest() == sys.executable


def test_what_is_no_python_is_passed_over(other: Path) -> None:
    assert interpreters.quickest() == sys.executable
    assert interpreters._seconds(str(other)) == math.inf
    assert interpreters._seconds(sys.executable) < 30


def test_this_one_by_another_name_and_scripts_are_not_tried(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(build: str) -> float:
        raise AssertionError(f"{build} was tried")

    monkeypatch.setattr(interpreters, "_seconds", never)
    other.unlink()
    other.symlink_to(sys.executable)
    assert interpreters.quickest() == sys.executable
    other.unlink()
    other.write_text("#!/bin/sh\nexit 0\n")
    other.chmod(0o755)
    assert interpreters.quickest() == sys.executable
