"""Cases that make a worker do without end what nothing inside it can stop: it is replaced, and others go on."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment, Variable
from tests.execution.test_worker import asking, ended, start, target, wait_until  # noqa: F401 (a fixture)
from tests.workers import ROOT, Worker, environ


def endless_schema() -> dict[str, Any]:
    """Small, and 2⁴⁰ checks."""
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    return {"$defs": {**steps, "d40": {"type": "object"}}, "$ref": "#/$defs/d0"}


@pytest.mark.django_db(transaction=True)
def test_a_case_without_end_does_not_keep_others_from_their_worker(
    environment: Environment,
    make_case: Callable[..., TestCase],
    tester: User,
    target: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    Variable.objects.create(environment=environment, name="TARGET", value=target)
    endless = asking("/0", expect=[{"check": "json", "schema": endless_schema()}])
    with Worker(tmp_path / "worker.log", INTEGHUB_STUCK_AFTER="2") as worker:
        start(environment, [make_case("Endless", endless)], tester)
        wait_until(lambda: "Timeout (" in worker.log.read_text(errors="replace"))
        other = start(environment, [make_case("Other", asking("/0"))], tester)
        wait_until(ended(other))

    other.refresh_from_db()
    assert other.verdict == "passed"


def said(program: str, **variables: str) -> str:
    """What a process of the product says after it was made a worker's."""
    environment = environ(DJANGO_SETTINGS_MODULE="integhub.settings", **variables)
    lines = ["import django", "django.setup()", "from apps.execution.guarding import *", program]
    words = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


GREEDY = """
bound_memory()
try:
    bytearray(512 * 1024 * 1024)
except MemoryError:
    print("refused")
"""
# 3 is PR_GET_DUMPABLE: whether /proc/PID/environ and the memory may be read by processes of the same user.
SEALED = """
keep_environment()
import subprocess
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), subprocess.run(["true"]).returncode)
"""


@pytest.mark.django_db
def test_a_worker_does_not_take_the_memory_of_the_machine() -> None:
    assert said(GREEDY, INTEGHUB_WORKER_MEMORY="256") == "refused"


@pytest.mark.django_db
@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_commands_cannot_read_the_keys_in_the_environment_of_their_worker() -> None:
    assert said(SEALED) == "0 0"
