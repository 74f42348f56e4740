"""The whole way on a real worker: a seam breaks, a defect is opened, the seam is mended, the retest verifies it."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.defects import services
from apps.environments.models import Environment, Variable
from apps.execution.services import start_run
from apps.runs.models import TestRun
from apps.systems.models import IntegrationPoint, System
from tests.defects.play import POINT, MakeCase
from tests.workers import Worker

WITHIN = 30  # seconds


class Seam(BaseHTTPRequestHandler):
    """Answers what the test says."""

    status: ClassVar[int] = 500

    def do_POST(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def seam() -> Iterator[str]:
    Seam.status = 500
    server = ThreadingHTTPServer(("127.0.0.1", 0), Seam)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def wait_until(true: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-4000:]
        time.sleep(0.1)


@pytest.mark.django_db(transaction=True)
def test_a_mended_seam_is_verified_and_one_that_breaks_again_reopens(
    environment: Environment, system: System, point: IntegrationPoint, make_case: MakeCase, tester: User, seam: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    Variable.objects.create(environment=environment, name="SHOP", value=seam)
    step = {
        "name": "Place the order",
        "kind": "http",
        "point": POINT,
        "with": {"method": "POST", "url": "{{ SHOP }}/orders"},
        "expect": [{"check": "status", "equals": 201}],
    }
    case = make_case(title="An order is placed", definition={"steps": [step]})
    log = tmp_path / "worker.log"

    def ended(run: TestRun) -> bool:
        return not TestRun.objects.get(pk=run.pk).is_open

    with Worker(log):
        first = start_run(system=system, environment=environment, cases=[case], started_by=tester)
        wait_until(lambda: ended(first), log)
        defect = services.open_defect(first.executions.get(), system=system, by=tester)
        assert (defect.point, "500" in defect.title) == (point, True)

        def state() -> str:
            defect.refresh_from_db()
            return str(defect.state)

        services.mark_fixed(defect, by=tester)
        services.retest(defect, by=tester)
        wait_until(lambda: state() == "reopened", log)

        Seam.status = 201
        services.mark_fixed(defect, by=tester)
        services.retest(defect, by=tester)
        wait_until(lambda: state() == "verified", log)

        Seam.status = 500
        start_run(system=system, environment=environment, cases=[case], started_by=tester)
        wait_until(lambda: state() == "reopened", log)

    assert list(defect.evidence.order_by("pk").values_list("kind", flat=True)) == [
        "failure",
        "failure",
        "pass",
        "failure",
    ]
