"""Commands on the worker: an empty folder, a clean environment, limits, and no child left behind."""

import asyncio
import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, SeamError, StepBlocked, StepContext, StepRequest
from apps.execution.executors.command_process import MARK, Ended, Process, kill_marked
from apps.execution.executors.command_reports import collect, tell

_DEFAULT_OUTPUT = 262_144
_FOLDER = "integhub-command-"
LOOK_EVERY = 10.0
"""Seconds between looks at what killed workers left: a case that was lost with one comes back later than that."""


class CommandExecutor:
    """Runs programs; only workers that are started for it do."""

    kind: ClassVar[str] = "command"
    grace: ClassVar[float] = 5.0  # it keeps its time itself, and then has to clean up

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._looking = asyncio.Lock()
        self._looked_at = -math.inf

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as people see it."""
        names = ("argv", "shell", "env", "stdin", "reports")
        return {name: params[name] for name in names if params.get(name)}

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        """Run the command to its end, or to its limit."""
        params = step.params
        observed = Observed(request=self.describe(params))
        argv = ["/bin/sh", "-c", str(params["shell"])] if "shell" in params else [_word(w) for w in params["argv"]]
        given = params.get("max_output")
        keep = min(_DEFAULT_OUTPUT if given is None else int(given), self._settings.body_read)
        process = Process(self._settings.commands, keep)
        await self._end_what_was_left()
        folder = await asyncio.to_thread(_new_folder, process.mark)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(step.timeout):
                ended = await process.run(
                    argv,
                    self._environment(params, folder, context),
                    folder,
                    str(params.get("stdin") or "").encode(),
                    math.ceil(step.timeout) + 1,
                )
            reports = [_word(one) for one in params.get("reports") or ()]
            collected = await asyncio.to_thread(collect, folder, reports) if reports else None
        except TimeoutError:
            self._read(process, None, observed)
            raise SeamError(
                f"the command did not end within {step.timeout:g} s: it was killed with its children", observed
            ) from None
        except (OSError, ValueError) as error:
            raise StepBlocked(f"the command cannot be started: {error}") from None
        finally:
            observed.timings["total"] = (time.perf_counter() - started) * 1000
            await asyncio.shield(asyncio.to_thread(_remove, folder))
        self._read(process, ended, observed)
        if collected is not None:
            tell(collected, observed)
        if ended.overflow:
            limit = self._settings.commands.output
            raise SeamError(f"the command wrote more than {limit} bytes: it was killed", observed)
        return observed

    async def _end_what_was_left(self) -> None:
        """Now and then, and first of all: the temporary folder may hold much that is not ours."""
        async with self._looking:
            now = time.monotonic()
            if now - self._looked_at >= LOOK_EVERY:
                await asyncio.to_thread(_end_left)
                self._looked_at = now

    def _environment(self, params: Mapping[str, Any], folder: Path, context: StepContext) -> dict[str, str]:
        """Nothing of the worker's own: it holds the keys of IntegHub."""
        given = {str(name): _word(value) for name, value in (params.get("env") or {}).items()}
        return {
            "PATH": self._settings.commands.path,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            "TRACEPARENT": context.traceparent,
            **{name: value for name, value in given.items() if name != MARK},
        }

    def _read(self, process: Process, ended: Ended | None, observed: Observed) -> None:
        for name, output in (("stdout", process.stdout), ("stderr", process.stderr)):
            observed.response[name] = observed.subjects[name] = output.text()
            if output.is_cut:
                observed.notes.append(f"{name} was cut: {len(output.kept)} of {output.size} bytes are kept")
        if ended is not None:
            observed.response["exit_code"] = observed.subjects["exit_code"] = ended.exit_code
            if ended.exit_code < 0:
                observed.response["signal"] = _signal_name(-ended.exit_code)

    async def aclose(self) -> None:
        """Nothing to close."""


def _new_folder(mark: str) -> Path:
    """A folder for the command with *mark*."""
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{_process_space()}-{os.getpid()}-{mark}-"))


def _end_left() -> None:
    """End and remove what workers left that were killed: their commands would go on beside those that are started
    again."""
    ours = f"{_FOLDER}{_process_space()}-"
    for left in Path(tempfile.gettempdir()).glob(f"{ours}*"):
        owner, _, rest = left.name.removeprefix(ours).partition("-")
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and not left.is_symlink():
            kill_marked(rest.partition("-")[0])
            _remove(left)


def _process_space() -> str:
    """Where process ids count: containers may share a folder for temporary files."""
    try:
        return f"{Path('/proc/self/ns/pid').stat().st_ino:x}"
    except OSError:
        return "0"


def _remove(folder: Path) -> None:
    """Remove *folder*, also what is nested deeper than Python goes, or was made read-only (as Go's modules are)."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for words in (("/bin/chmod", "-R", "u+rwX"), ("/bin/rm", "-rf")):
            subprocess.run([*words, "--", str(folder)], check=False, env={}, stderr=subprocess.DEVNULL)  # noqa: S603


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
