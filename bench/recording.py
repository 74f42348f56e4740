"""A run whose results are recorded at a steady rate, by the services that workers use; ``python -m bench.recording``.

``prepare N`` makes the run and prints what is needed to look at it; ``record RATE`` records it to its end. When each
result was committed comes on its one line of output.
"""

import json
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import django

CASES = 200
TICK = 0.05  # seconds between batches
DEFINITION = {"title": "Ask", "steps": [{"name": "Ask", "kind": "http", "with": {"url": "http://127.0.0.1/"}}]}


def prepare(executions: int) -> dict[str, Any]:
    """A run of *executions*, and the session of somebody who may look at it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from apps.accounts.models import User
    from apps.accounts.services import create_team
    from apps.catalog.models import TestSuite
    from apps.catalog.services import save_case
    from apps.environments.models import Environment
    from apps.runs import services
    from apps.runs.models import TestRun
    from apps.systems.models import System

    by = User.objects.create(email="live@example.org", name="Live")
    system = System.objects.create(team=create_team("Live", by), name="Live", slug="live")
    local = Environment.objects.create(system=system, name="Local", slug="local")
    suite = TestSuite.objects.create(system=system, name="All")
    cases = [save_case(system, suite, DEFINITION | {"title": f"Case {n}"}, by) for n in range(CASES)]
    planned = [
        services.Planned(case=cases[n % CASES], row={"n": n}, row_label=f"row {n // CASES}") for n in range(executions)
    ]
    services.create_run(
        environment=local, title="Live", planned=planned, started_by=by, trigger=TestRun.Trigger.PERSON, seed=1
    )
    session = SessionStore()
    session[SESSION_KEY] = str(by.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = by.get_session_auth_hash()
    session.create()
    return {"cookie": session.session_key}


def record(rate: int) -> dict[str, Any]:
    """Claim and record executions in any order, *rate* a second: when each batch was committed, and each execution."""
    from django.db import transaction

    from apps.runs import services
    from apps.runs.models import Execution

    ids = list(Execution.objects.values_list("pk", flat=True))
    random.Random(1).shuffle(ids)  # noqa: S311 - so that some of those on the page are in every batch
    batch = max(int(rate * TICK), 1)
    commits: list[tuple[float, int]] = []
    committed: dict[int, float] = {}
    began, done = time.monotonic(), 0
    while done < len(ids):
        taken = services.claim(ids[done : done + batch], "bench", timedelta(seconds=60))
        results = [_result(one) for one in taken]
        done += len(results)

        def stamp(done: int = done, taken: Any = taken) -> None:
            commits.append((now := time.time(), done))
            committed.update((one.id, now) for one in taken)

        with transaction.atomic():
            transaction.on_commit(stamp)
            services.record(results)
        time.sleep(max(began + done / rate - time.monotonic(), 0))
    return {"commits": commits, "of": committed}


def _result(taken: Any) -> Any:
    from apps.runs.results import Result, StepRecord

    now = datetime.now(UTC)
    step = StepRecord(
        position=0, name="Ask", kind="http", state="passed", started_at=now, duration_ms=3.2, latency_ms=3.2
    )
    return Result(
        execution_id=taken.id,
        run_id=taken.run_id,
        claim=taken.claim,
        state="passed",
        steps=[step],
        started_at=now,
        finished_at=now,
        duration_ms=3.2,
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integhub.settings")
    django.setup()
    verb, number = sys.argv[1], int(sys.argv[2])
    print(json.dumps(prepare(number) if verb == "prepare" else record(number)))
