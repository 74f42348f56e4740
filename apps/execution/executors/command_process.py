"""A child process in a group of its own, with limits, that leaves nothing behind."""

import asyncio
import contextlib
import os
import signal
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from apps.execution.engine.settings import CommandLimits

MARK = "INTEGHUB_STEP"
"""A variable in the environment of what we start: finds children that left its process group."""
_MARK = 13  # characters of a mark: 52 bits, which every shell can count
_LINGER = 0.3  # seconds in which children may still write after the command itself has ended
_DEATH = 5.0  # seconds that what was killed has to end in
_PAUSE = 0.005  # seconds between two looks at what was killed

# The limit of file locks, which Linux no longer looks at, is a mark that also children with an empty environment bear.
# Set by a shell that then becomes the command: unlike code run between fork and exec, this is safe in
# a process with threads. Bytes are in the units of ulimit; what a system does not know is passed over.
_LIMITS = """\
ulimit -c 0
ulimit -w {mark} 2>/dev/null || ulimit -x {mark} 2>/dev/null
ulimit -t {cpu} 2>/dev/null
ulimit -d {memory} 2>/dev/null
ulimit -f {file_size} 2>/dev/null
ulimit -n {open_files} 2>/dev/null
ulimit -u {processes} 2>/dev/null || ulimit -p {processes} 2>/dev/null
exec "$@"
"""


@dataclass(slots=True)
class Output:
    """What came out of one pipe: at most *limit* bytes of it."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)
    size: int = 0

    def add(self, part: bytes) -> None:
        """Keep what there is room for."""
        self.size += len(part)
        room = self.limit - len(self.kept)
        if room > 0:
            self.kept += part[:room]

    @property
    def is_cut(self) -> bool:
        """Whether more came than was kept."""
        return self.size > len(self.kept)

    def text(self) -> str:
        """The text, marked where it was cut."""
        return self.kept.decode(errors="replace") + ("…" if self.is_cut else "")


@dataclass(slots=True)
class Ended:
    """How the command ended. *overflow* says that it was killed for writing without end."""

    exit_code: int
    overflow: bool


class _Protocol(asyncio.SubprocessProtocol):
    """Collects what the command writes. It may end while its children keep the pipes open."""

    def __init__(self, stdout: Output, stderr: Output, most: int) -> None:
        self._outputs = {1: stdout, 2: stderr}
        self._most = most
        self._open = {1, 2}
        self._group = 0
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.drained: asyncio.Future[None] = loop.create_future()
        self.overflow = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._group = cast(asyncio.SubprocessTransport, transport).get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        output = self._outputs[fd]
        output.add(data)
        if output.size > self._most and not self.overflow:
            self.overflow = True
            _kill_group(self._group)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open and not self.drained.done():
            self.drained.set_result(None)

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)


class Process:
    """One command. ``run`` returns when it and all its children are gone, also when cancelled."""

    def __init__(self, limits: CommandLimits, max_output: int) -> None:
        self._limits = limits
        self.stdout = Output(max_output)
        self.stderr = Output(max_output)
        self.mark = uuid.uuid4().hex[:_MARK]
        """What everything that it starts bears."""

    async def run(
        self, argv: Sequence[str], env: Mapping[str, str], folder: Path, stdin: bytes, cpu_seconds: int
    ) -> Ended:
        """Run *argv* in *folder* to its end. Raises ``OSError`` when it cannot be started."""
        script = await asyncio.to_thread(self._script, cpu_seconds)
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Protocol(self.stdout, self.stderr, self._limits.output),
            "/bin/sh", "-c", script, "integhub", *argv,
            cwd=folder,
            env={**env, MARK: self.mark},
            start_new_session=True,
        )  # fmt: skip
        try:
            _feed(transport, stdin)
            await protocol.exited
            await asyncio.wait([protocol.drained], timeout=_LINGER)
        finally:
            await asyncio.shield(self._clean_up(transport, protocol))
        return Ended(transport.get_returncode() or 0, protocol.overflow)

    def _script(self, cpu_seconds: int) -> str:
        limits = self._limits
        return _LIMITS.format(
            mark=_number(self.mark),
            cpu=cpu_seconds,
            memory=limits.memory // 1024,
            file_size=limits.file_size // 512,
            open_files=limits.open_files,
            processes=_tasks_of_user() + limits.processes,
        )

    async def _clean_up(self, transport: asyncio.SubprocessTransport, protocol: _Protocol) -> None:
        """Kill what is left of the group, and what left the group but carries the mark."""
        _kill_group(transport.get_pid())
        await asyncio.to_thread(kill_marked, self.mark)
        await asyncio.wait([protocol.exited, protocol.drained], timeout=_LINGER)
        transport.close()


def _feed(transport: asyncio.SubprocessTransport, content: bytes) -> None:
    """Give the command its input; it need not read it."""
    pipe = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
    pipe.write(content)
    pipe.close()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def is_marked_left(mark: str) -> bool:
    """Whether a process bears *mark* (Linux)."""
    return bool(_bearing(mark))


def kill_marked(mark: str) -> None:
    """Kill processes that bear *mark*, in their environment or as a limit, and see them end (Linux)."""
    ends_at = time.monotonic() + _DEATH
    while (found := _bearing(mark)) and time.monotonic() < ends_at:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not all(_has_ended(pid) for pid in found):
            time.sleep(_PAUSE)  # a busy machine takes its time over a kill, and a child may fork before it dies
        elif _bearing(mark) <= found:
            return


def _has_ended(pid: int) -> bool:
    """Whether nothing of *pid* runs any more, though its parent may not have heard of it yet."""
    state = _told(pid, "stat").rpartition(b")")[2].split()[:1]
    return state in ([], [b"Z"], [b"X"]) and _tasks(pid) <= 1


def _bearing(mark: str) -> set[int]:
    in_environment, as_limit = f"{MARK}={mark}".encode(), f" {_number(mark)} ".encode()
    return {pid for pid in _processes() if in_environment in _told(pid, "environ") or as_limit in _told(pid, "limits")}


def _number(mark: str) -> int:
    """*mark* as a limit."""
    return int(mark[:_MARK], 16) | 1 << 51


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - hot, names only
    except OSError:
        return []


def _told(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


def _tasks_of_user() -> int:
    """Processes and threads that this user has already: the limit counts them all."""
    user = os.getuid()
    count = 0
    for pid in _processes():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}").stat().st_uid == user:
                count += _tasks(pid)
    return count


def _tasks(pid: int) -> int:
    """Threads of a process; 0 when it is gone."""
    try:
        return Path(f"/proc/{pid}/task").stat().st_nlink - 2
    except OSError:
        return 0
