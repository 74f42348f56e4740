"""Commands for real: what they see, what they may use, and that nothing of them is left."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from apps.execution import chunk, registration
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import CommandLimits, EngineSettings
from apps.execution.executors import command
from apps.execution.executors.registry import Executors
from apps.execution.models import SILENT_AFTER
from tests.execution.engine.running import case_of, request_for, run_step

ALLOWED = frozenset({"command"})


def sh(script: str, **more: Any) -> StepOutcome:
    params = {"shell": script, **more.pop("params", {})}
    return run_step("command", params, allowed=ALLOWED, **more)


def living(marker: str) -> list[str]:
    """Command lines of processes that hold *marker*."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if marker in line and state != "Z":
                found.append(line)
    return found


def test_not_allowed_unless_the_worker_was_started_for_it(tmp_path: Path) -> None:
    target = tmp_path / "made"
    outcome = run_step("command", {"shell": f"touch {target}"})
    assert outcome.state is State.BLOCKED
    assert "INTEGHUB_ALLOW=command" in outcome.message
    assert not target.exists()


def test_program_gets_its_arguments_input_and_variables() -> None:
    outcome = run_step(
        "command",
        {
            "argv": ["sh", "-c", 'printf "%s|%s|%s|" "$1" "$GREETING" "$NUMBER"; cat', "x", "a b; echo no"],
            "env": {"GREETING": "hello {{ who }}", "NUMBER": 5},
            "stdin": "from stdin",
        },
        variables={"who": "you"},
        allowed=ALLOWED,
        expect=[{"check": "stdout", "equals": "a b; echo no|hello you|5|from stdin"}],
        capture={"last": {"from": "stdout", "at": r"from (\w+)"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"last": "stdin"}


def test_environment_is_clean_and_the_folder_is_new_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTEGHUB_SECRET_KEY", "worker-key")
    outcome = sh("env; pwd; ls -A; touch here; mkdir -p deep/er")
    text = outcome.response["stdout"]
    names = {line.partition("=")[0] for line in text.splitlines() if "=" in line}
    assert names <= {"PATH", "HOME", "TMPDIR", "LANG", "TRACEPARENT", "INTEGHUB_STEP", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "worker-key" not in text
    home = next(line.partition("=")[2] for line in text.splitlines() if line.startswith("HOME="))
    assert home in text.splitlines()
    assert Path(home).parent == Path(tempfile.gettempdir())
    assert not Path(home).exists()


def test_exit_code_must_be_zero_unless_the_case_says_otherwise() -> None:
    failed = sh("echo oops >&2; exit 3")
    assert failed.state is State.FAILED
    assert "3" in failed.message
    assert failed.response["stderr"] == "oops\n"
    assert sh("exit 3", expect=[{"check": "exit_code", "equals": 3}]).state is State.PASSED
    missing = run_step("command", {"argv": ["no-such-program"]}, allowed=ALLOWED)
    assert missing.state is State.FAILED
    assert missing.response["exit_code"] == 127


def test_secret_that_is_printed_is_masked_in_every_form() -> None:
    script = 'echo "$KEY"; printf %s "$KEY" | base64; printf %s "user:$KEY" | base64; echo "$KEY" >&2; echo "{{ KEY }}"'
    outcome = sh(
        script,
        params={"env": {"KEY": "{{ KEY }}"}},
        secrets={"KEY": "hunter2-hunter2/&"},
        capture={"got": {"from": "stdout", "at": "(.+)"}},
    )
    text = json.dumps(outcome.as_dict(), ensure_ascii=False)
    assert outcome.state is State.PASSED
    assert "hunter2" not in text
    assert "aHVudGVyMi" not in text
    assert "h1bnRlcjI" not in text
    assert outcome.captured == {"got": "***"}


def test_secret_at_the_place_of_a_cut_is_masked_too() -> None:
    outcome = sh("printf 'xxxxxxx{{ KEY }}'", params={"max_output": 15}, secrets={"KEY": "hunter2-hunter2"})
    assert outcome.truncated
    assert outcome.response["stdout"] == "xxxxxxx***…"


def test_command_that_never_ends_is_killed_with_its_children() -> None:
    marker = "31.4159"
    script = f"sleep {marker} & (sleep {marker} & sleep {marker}) & setsid sleep {marker} & sleep {marker}"
    outcome = sh(script, timeout=0.5)
    assert outcome.state is State.FAILED
    assert "0.5 s" in outcome.message
    assert living(marker) == []


def test_children_left_behind_die_with_the_command_and_do_not_hold_it_up() -> None:
    marker = "27.1828"
    outcome = sh(f"nohup sleep {marker} & setsid nohup sleep {marker} & sleep 0.3; echo done")
    assert outcome.state is State.PASSED, outcome.message
    assert "done" in outcome.response["stdout"]
    assert living(marker) == []


def test_children_with_a_session_and_an_empty_environment_of_their_own_die_too() -> None:
    marker = "29.9792"
    outcome = sh(f"setsid env -i /bin/sh -c 'while :; do /bin/sleep {marker}; done' >/dev/null 2>&1 & sleep 0.3")
    assert outcome.state is State.PASSED, outcome.message
    assert living(marker) == []


def test_what_is_killed_has_ended_when_the_command_has_also_where_a_kill_takes_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marker, kill = "6.67430", os.kill

    def kill_later(pid: int, signal: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal)

    monkeypatch.setattr(os, "kill", lambda pid, signal: threading.Timer(0.3, kill_later, (pid, signal)).start())
    outcome = sh(f"setsid /bin/sleep {marker} >/dev/null 2>&1 & sleep 0.1")
    assert outcome.state is State.PASSED, outcome.message
    assert living(marker) == []


LEFT_BEHIND = """
import sys
from tests.execution.engine.running import run_step
run_step("command", {"shell": sys.argv[1]}, allowed=frozenset({"command"}), timeout=600)
"""


def left_behind(marker: str, note: Path) -> Path:
    """Two commands of a worker that was killed, which go on, and their folder."""
    script = f"pwd > {note}; sleep {marker} & setsid env -i /bin/sleep {marker}"
    worker = subprocess.Popen([sys.executable, "-c", LEFT_BEHIND, script])
    ends_at = time.monotonic() + 60
    while len(living(f"sleep {marker}")) < 2 and time.monotonic() < ends_at:
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    assert living(marker)
    return Path(note.read_text().strip())


def test_what_a_killed_worker_left_running_ends_with_the_first_command_of_another(tmp_path: Path) -> None:
    marker = "66.2607"
    folder = left_behind(marker, tmp_path / "home")
    assert sh("true").state is State.PASSED
    assert living(marker) == []
    assert not folder.exists()


def test_a_worker_looks_now_and_then_for_what_others_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker, looked, end_left = "1.60217", [], command._end_left
    monkeypatch.setattr(command, "_end_left", lambda: looked.append(end_left()))
    case = request_for(case_of({"name": "s", "kind": "command", "with": {"shell": "true"}}), allowed=ALLOWED)

    async def looks_of_three(executors: Executors) -> int:
        looked.clear()
        outcomes = await asyncio.gather(*(run_case(case, executors) for _ in range(3)))
        assert [outcome.state for outcome in outcomes] == [State.PASSED] * 3
        return len(looked)

    async def main() -> None:
        async with Executors() as executors:
            assert await looks_of_three(executors) == 1
            folder = await asyncio.to_thread(left_behind, marker, tmp_path / "home")
            executor: Any = executors.find("command")
            executor._looked_at -= command.LOOK_EVERY
            assert await looks_of_three(executors) == 1
            assert (living(marker), folder.exists()) == ([], False)

    asyncio.run(main())


def test_what_is_left_has_ended_before_its_case_comes_back() -> None:
    """A worker's silence is noticed after its last heartbeat, a lost lease after it was renewed last."""
    assert SILENT_AFTER.total_seconds() - registration.EVERY >= command.LOOK_EVERY
    assert chunk.LEASE.total_seconds() - chunk.RENEW_EVERY >= command.LOOK_EVERY


def test_folder_that_is_too_deep_for_python_is_removed(tmp_path: Path) -> None:
    script = "import os\nfor _ in range(2500):\n  os.mkdir('d'); os.chdir('d')\nopen('file', 'w').close()"
    note = tmp_path / "home"
    outcome = sh(f'pwd > {note}; python3 -c "$SCRIPT"', params={"env": {"SCRIPT": script}})
    assert outcome.state is State.PASSED, outcome.message
    assert not Path(note.read_text().strip()).exists()


def test_cancel_kills_the_command_and_removes_its_folder(tmp_path: Path) -> None:
    marker = "16.1803"
    note = tmp_path / "home"

    async def main() -> None:
        async with Executors() as executors:
            step = {"name": "s", "kind": "command", "with": {"shell": f"pwd > {note}; sleep {marker} & sleep {marker}"}}
            task = asyncio.create_task(run_case(request_for(case_of(step), allowed=ALLOWED), executors))
            await asyncio.sleep(0.5)
            assert living(marker)
            task.cancel()
            assert (await task).state is State.CANCELLED

    asyncio.run(main())
    assert living(marker) == []
    assert not Path(note.read_text().strip()).exists()


def test_output_is_cut_and_says_so() -> None:
    outcome = sh("head -c 100000 /dev/zero | tr '\\0' x", params={"max_output": 1000})
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.response["stdout"] == "x" * 1000 + "…"
    assert outcome.truncated
    assert "1000 of 100000 bytes" in outcome.notes[0]


def test_output_without_end_is_stopped() -> None:
    settings = EngineSettings(commands=CommandLimits(output=1_000_000))
    outcome = sh("yes", timeout=20, settings=settings)
    assert outcome.state is State.FAILED
    assert "wrote more than" in outcome.message


def test_processor_time_files_and_memory_are_limited() -> None:
    settings = EngineSettings(commands=CommandLimits(file_size=1_000_000, memory=200 * 1024 * 1024))
    spin = sh("while :; do :; done", timeout=1.5)
    assert spin.state is State.FAILED
    large = sh("head -c 5000000 /dev/zero > large; stat -c %s large", settings=settings)
    assert int(large.response["stdout"].strip() or 0) <= 1_000_000
    hungry = sh("python3 -c 'x = bytearray(400 * 1024 * 1024); print(len(x))'", settings=settings, timeout=10)
    assert hungry.state is State.FAILED
    assert sh("python3 -c 'print(1)'", settings=settings, timeout=10).state is State.PASSED


def test_program_need_not_read_its_input() -> None:
    assert sh("exit 0", params={"stdin": "x" * 1_000_000}).state is State.PASSED


def test_unprintable_output_can_be_stored() -> None:
    outcome = sh("printf 'a\\000b\\377'")
    stored = json.dumps(outcome.as_dict(), ensure_ascii=False)
    stored.encode()
    assert "\\u0000" not in stored
