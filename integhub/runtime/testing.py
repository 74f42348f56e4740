"""``script/test``: everything that CI runs, on embedded servers of its own that are thrown away after."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from integhub.runtime import chromium, credentials, environment
from integhub.runtime.embedded import discard, servers
from integhub.runtime.layout import EMBEDDED, PYTHON, ROOT, Layout
from integhub.runtime.locks import Busy, exclusive
from integhub.runtime.progress import Failure, say, stage

# Of pytest-xdist, each with a database of its own. Each begins with its half of the modules, in order, and so starts
# Chromium and the shop once; whichever ends first takes over from the other.
SPREAD = ("-n", "2", "--dist", "worksteal")
IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True)
class Step:
    """One check: its *title* and the command line after ``python``; *live* shows its output as it comes."""

    title: str
    words: tuple[str, ...]
    production: bool = False
    live: bool = False


CHECKS = (
    Step("ruff check", ("-m", "ruff", "check", ".")),
    Step("ruff format", ("-m", "ruff", "format", "--check", ".")),
    Step("djlint", ("-m", "djlint", "--lint", "templates")),
    Step("import-linter", ("-c", IMPORT_LINTER)),
    Step("mypy", ("-m", "mypy")),
    Step("migrations complete", ("manage.py", "makemigrations", "--check", "--dry-run")),
    Step("static files", ("manage.py", "collectstatic", "--no-input", "--verbosity", "0"), production=True),
    Step("deployment check", ("manage.py", "check", "--deploy", "--fail-level", "WARNING"), production=True),
)


def main(words: list[str]) -> int:
    """Command line of ``script/test``: ``--quick`` runs the tests only; the rest goes to pytest."""
    signal.signal(signal.SIGTERM, _interrupt)
    quick = "--quick" in words
    words = [word for word in words if word != "--quick"]
    started = time.monotonic()
    try:
        browser = _browser()
        steps = (*(() if quick else CHECKS), _pytest(words, browser))
        with _throw_away() as layout, servers(layout, throw_away=True) as running:
            failed = [step.title for step in steps if not _run(step, layout, running.environment, browser)]
    except Failure as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    return _sum_up(failed, len(steps), browser, time.monotonic() - started)


def _browser() -> str | None:
    found = chromium.find()
    if not found and chromium.may_install():
        with stage("Chromium"):
            found = chromium.install()
    if not found and os.environ.get("CI") == "true":
        raise Failure("There is no Chromium, and in CI the browser tests must run.")
    return found


def _pytest(words: list[str], browser: str | None) -> Step:
    spread = [] if any(word.startswith(("-n", "--numprocesses")) for word in words) else list(SPREAD)
    left_out = [] if browser or "-m" in words else ["-m", "not browser"]
    return Step("pytest", ("-m", "pytest", *spread, *left_out, *words), live=True)


@contextmanager
def _throw_away() -> Iterator[Layout]:
    """A data folder for this run; those that killed runs left are removed on the way."""
    EMBEDDED.make()
    for left in EMBEDDED.data.glob("test-*"):
        try:
            with exclusive(Layout(left).lock):
                _remove(Layout(left))
        except Busy:
            continue
    layout = Layout(EMBEDDED.data / f"test-{os.getpid()}")
    with exclusive(layout.lock):
        try:
            yield layout
        finally:
            _remove(layout)


def _remove(layout: Layout) -> None:
    discard(layout)
    shutil.rmtree(layout.data)


def _run(step: Step, layout: Layout, embedded: dict[str, str], browser: str | None) -> bool:
    variables = _production(layout) if step.production else embedded
    if browser:
        variables = variables | {chromium.VARIABLE: browser, "INTEGHUB_REQUIRE_BROWSER": "1"}
    command = [str(PYTHON), *step.words]
    if step.live:
        say(f"\n{step.title}")
        started = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
        say(f"{'✓' if code == 0 else '✗'} {step.title} {time.monotonic() - started:.1f} s")
        return code == 0
    try:
        with stage(step.title):
            done = subprocess.run(
                command, cwd=ROOT, env=variables, check=False, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            if done.returncode != 0:
                raise Failure(done.stdout)
    except Failure as output:
        say(str(output))
        return False
    return True


def _production(layout: Layout) -> dict[str, str]:
    """The environment of a real deployment, for the checks that only then say anything."""
    made_up = credentials.load(layout.data / "production.json")
    return environment.of_machine() | {
        "INTEGHUB_SECRET_KEY": made_up.secret_key,
        "INTEGHUB_FIELD_KEYS": made_up.field_keys,
        "INTEGHUB_BASE_URL": "https://integhub.example",
        "DATABASE_URL": f"postgresql://integhub:{made_up.integhub}@postgres/integhub",
        "REDIS_URL": "redis://redis:6379/0",
        "INTEGHUB_STATIC_ROOT": str(layout.data / "static"),
    }


def _sum_up(failed: list[str], steps: int, browser: str | None, seconds: float) -> int:
    if not browser:
        say(
            "\n!! The browser tests did NOT run: there is no Chromium on this machine."
            f"\n!! Install one (apt-get install chromium), or name it in {chromium.VARIABLE}."
        )
    if failed:
        say(f"\n{len(failed)} of {steps} steps failed in {seconds:.0f} s: {', '.join(failed)}")
        return 1
    say(f"\nAll {steps} steps in order after {seconds:.0f} s.")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
