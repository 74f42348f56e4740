"""Browser steps on a real Celery worker: a few at once, pictures kept, and nothing left of the browser."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment, Variable
from apps.environments.services import set_secret
from apps.execution import dispatch, queues
from apps.execution.executors.command_process import MARK
from apps.runs.models import Artifact, StepResult
from tests.execution.executors.servers.pages import Site, _site, chromium_path, site  # noqa: F401
from tests.execution.test_worker import ended, start, wait_until
from tests.workers import Worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

MakeCase = Callable[..., TestCase]


def looking(path: str, title: str, **fields: Any) -> dict[str, Any]:
    given = {"actions": [{"open": "{{ SITE }}" + path}], "wait": 0, **fields}
    return {
        "steps": [{"name": "Look", "kind": "browser", "with": given, "expect": [{"check": "title", "equals": title}]}]
    }


def browsers() -> list[int]:
    """Processes with the mark of a step."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environ = (folder / "environ").read_bytes()
            except OSError:
                continue
            if f"{MARK}=".encode() in environ and b"integhub-browser-" in environ:
                found.append(int(folder.name))
    return found


def test_cases_are_executed_with_their_pictures_and_no_browser_is_left(
    environment: Environment,
    make_case: MakeCase,
    tester: User,
    site: Site,  # noqa: F811
    chromium_path: str,  # noqa: F811
    tmp_path: Path,
    settings: Any,
) -> None:
    Variable.objects.create(environment=environment, name="SITE", value=site.url)
    set_secret(environment, "PASSWORD", "s3cr3t-value", by=tester)
    typing = looking("/", "Nobody")
    typing["steps"][0]["with"]["actions"].append({"fill": {"at": "label=E-mail", "value": "{{ PASSWORD }}"}})
    cases = [make_case(f"Good {n}", looking("/help", "Help")) for n in range(3)] + [make_case("Wrong", typing)]
    before = set(browsers())

    media = str(settings.MEDIA_ROOT)
    options = {"INTEGHUB_ALLOW": "browser", "INTEGHUB_CHROMIUM": chromium_path, "INTEGHUB_MEDIA_ROOT": media}
    with Worker(tmp_path / "worker.log", **options):
        run = start(environment, cases, tester)
        wait_until(ended(run), seconds=90)

    assert dict(run.executions.values_list("case__title", "state")) == {
        **{f"Good {n}": "passed" for n in range(3)},
        "Wrong": "failed",
    }, [execution.message for execution in run.executions.all()]
    step = StepResult.objects.get(execution__case=cases[-1])
    assert "s3cr3t-value" not in f"{step.request}{step.response}{step.checks}{step.message}"
    assert step.response["actions"][1]["action"] == "fill label=E-mail: ***"
    assert sorted(step.artifacts.values_list("name", flat=True)) == ["screenshot.png", "trace.zip"]
    assert Artifact.objects.filter(execution__case=cases[0]).get().file.read(4) == b"\x89PNG"
    deadline = time.monotonic() + 15
    while set(browsers()) - before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not set(browsers()) - before


def test_a_killed_worker_takes_its_browser_with_it(
    environment: Environment,
    make_case: MakeCase,
    tester: User,
    site: Site,  # noqa: F811
    chromium_path: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    Variable.objects.create(environment=environment, name="SITE", value=site.url)
    before = set(browsers())
    with Worker(tmp_path / "worker.log", INTEGHUB_ALLOW="browser", INTEGHUB_CHROMIUM=chromium_path) as worker:
        start(environment, [make_case("Never", looking("/never", "-"))], tester)
        wait_until(lambda: ("127.0.0.1", "/never") in site.asked, seconds=60)
        assert set(browsers()) - before
        worker.kill()
    deadline = time.monotonic() + 15
    while set(browsers()) - before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not set(browsers()) - before


def test_browser_cases_travel_in_small_chunks_to_workers_that_allow_them(
    environment: Environment, make_case: MakeCase, tester: User, monkeypatch: pytest.MonkeyPatch, commits: Any
) -> None:
    messages: list[tuple[str, int, str]] = []

    def note(name: str, args: Any, queue: str, **_: Any) -> None:
        _run, ids, needs = args
        messages.append((queue, len(ids), needs))

    monkeypatch.setattr("apps.execution.dispatch.current_app.send_task", note)
    cases = [make_case(f"Page {n}", looking("/", "Shop")) for n in range(5)]
    with commits():
        start(environment, [*cases, make_case("Plain")], tester)

    assert sorted(messages) == [
        ("execution", 1, ""),
        *[("execution+browser", size, "browser") for size in (1, 2, 2)],
    ]
    assert queues.width_of("browser+command") == 2
    assert queues.width_of("command") is None
    assert [len(chunk) for chunk in dispatch.chunks(range(20))] == [4, 4, 12]
