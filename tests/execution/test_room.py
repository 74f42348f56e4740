"""An environment's limit and exclusive names hold over all worker processes; nobody waits for ever."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment, Variable
from apps.execution import control, sweeping
from apps.execution.models import Share as Row
from apps.execution.models import Worker as Registered
from apps.execution.shares import Share
from apps.runs import services as runs
from apps.runs.models import Execution, TestRun
from tests.execution.test_worker import asking, ended, executed, start, wait_until
from tests.workers import Worker

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]


class Counting(BaseHTTPRequestHandler):
    """Counts how many requests it has at once, of all and by the last part of the path."""

    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        with self.lock:
            for key in ("all", name):
                self.now[key] += 1
                self.most[key] = max(self.most[key], self.now[key])
        time.sleep(0.15)
        with self.lock:
            self.now.subtract(["all", name])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def counting(environment: Environment) -> Iterator[Counter[str]]:
    Counting.now, Counting.most = Counter(), Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Variable.objects.create(environment=environment, name="TARGET", value=f"http://127.0.0.1:{server.server_port}")
    yield Counting.most
    server.shutdown()
    server.server_close()


def limit(environment: Environment, most: int) -> None:
    Environment.objects.filter(pk=environment.pk).update(max_parallel=most)


def wanting(run: TestRun) -> dict[str, Execution]:
    return {execution.title: execution for execution in run.executions.all()}


def claim(*executions: Execution) -> list[str]:
    ids = [execution.pk for execution in executions]
    taken = [one.id for one in runs.claim(ids, "w", timedelta(seconds=60))]
    return list(Execution.objects.filter(pk__in=taken).order_by("pk").values_list("title", flat=True))


def end(*executions: Execution) -> None:
    Execution.objects.filter(pk__in=[execution.pk for execution in executions]).update(state="passed", lease_until=None)


def named(make_case: MakeCase, title: str, *names: str) -> TestCase:
    return make_case(title, asking("/x") | {"exclusive": list(names)})


def test_all_shares_together_keep_to_the_limit(environment: Environment) -> None:
    limit(environment, 10)
    first, second, third = Share.of(environment.pk), Share.of(environment.pk), Share.of(environment.pk)

    assert first.take(7, first=True) == 7
    assert second.take(7, first=True) == 3
    assert third.take(7, first=True) == 0
    assert first.take(7, running=7) == 7, "what runs keeps its place"
    assert first.take(7, running=2) == 3, "somebody has none: an equal part for each"
    assert third.take(7, first=True) == 4


def test_at_first_a_share_is_no_more_than_its_part_of_all_processes_that_listen(environment: Environment) -> None:
    limit(environment, 10)
    now = timezone.now()
    Registered.objects.create(name="w:1", queues=["execution"], concurrency=2, started_at=now, seen_at=now)

    share = Share.of(environment.pk)

    assert share.take(50, first=True) == 5
    assert share.take(50, running=5) == 10, "nobody else wanted any"


def test_the_share_of_a_lost_worker_ends(environment: Environment) -> None:
    limit(environment, 2)
    Share.of(environment.pk).take(2, first=True)
    Row.objects.update(until=timezone.now() - timedelta(seconds=1))

    assert Share.of(environment.pk).take(2, first=True) == 2


def test_a_limit_is_the_environments_own(environment: Environment) -> None:
    limit(environment, 1)
    other = Environment.objects.create(system=environment.system, name="Other", slug="other", max_parallel=3)

    assert Share.of(environment.pk).take(9, first=True) == 1
    assert Share.of(other.pk).take(9, first=True) == 3


def test_executions_that_share_a_name_never_run_at_once_in_one_environment(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    cases = [named(make_case, "A", "stock"), named(make_case, "B", "stock", "mail"), named(make_case, "C", "mail")]
    run = start(environment, [*cases, make_case("Free")], tester)
    other = Environment.objects.create(system=environment.system, name="Other", slug="other")
    elsewhere = start(other, cases[:1], tester)
    all_of = wanting(run)

    assert claim(*all_of.values()) == ["A", "Free"], "C waits behind B, which is older"
    assert claim(all_of["B"]) == []
    assert claim(elsewhere.executions.get()) == ["A"]
    end(all_of["A"])
    assert claim(all_of["B"], all_of["C"]) == ["B"]
    end(all_of["B"])
    assert claim(all_of["C"]) == ["C"]


def test_who_waits_for_two_names_gets_them_though_others_keep_coming_for_one(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    cases = [named(make_case, "Both", "a", "b")] + [named(make_case, f"One {n}", "a") for n in range(3)]
    found = wanting(start(environment, cases, tester))
    assert claim(found["One 0"]) == ["One 0"]
    assert claim(found["Both"]) == []
    assert runs.park([found["Both"].pk]) == 1
    end(found["One 0"])

    assert claim(found["One 1"]) == [], "the older one comes first"
    assert claim(found["Both"]) == ["Both"]


def test_what_waits_is_sent_once_however_many_make_room(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    run = start(environment, [make_case(f"Case {n}") for n in range(3)], tester)
    ids = list(run.executions.order_by("position").values_list("pk", flat=True))
    runs.park(ids[:1])
    runs.park(ids)

    assert [runs.wake(environment.pk, 2), runs.wake(environment.pk), runs.wake(environment.pk)] == [
        ids[:2],
        ids[2:],
        [],
    ]
    runs.park(ids[1:2])
    assert runs.wake(environment.pk) == ids[1:2], "it came, and found no room"
    Execution.objects.update(woken_at=timezone.now() - timedelta(seconds=31))
    assert runs.wake(environment.pk) == ids, "the message was lost"


@pytest.mark.django_db(transaction=True)
def test_a_message_about_what_was_executed_long_ago_asks_for_no_place(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(environment, [make_case("Case")], tester)
    ids = list(run.executions.values_list("pk", flat=True))
    control.cancel_run(run, by=tester)
    monkeypatch.delattr(Share, "take")

    executed(run.pk, ids)


def test_what_waits_in_a_paused_run_or_for_a_lost_worker_holds_up_nobody(
    environment: Environment, make_case: MakeCase, tester: User, sent: Any
) -> None:
    first = start(environment, [named(make_case, "First", "a")], tester)
    second = start(environment, [named(make_case, "Second", "a")], tester)
    runs.park([first.executions.get().pk])
    assert claim(second.executions.get()) == []

    sweeping.wake_parked()

    assert claim(second.executions.get()) == ["Second"], "no worker is there that could take the first"


@pytest.mark.django_db(transaction=True)
def test_two_workers_keep_to_the_limit_and_to_exclusive_names_and_finish_everything(
    environment: Environment, make_case: MakeCase, tester: User, counting: Counter[str], tmp_path: Path
) -> None:
    limit(environment, 3)
    cases = [make_case(f"Free {n}", asking("/free")) for n in range(24)]
    cases += [make_case(f"Stock {n}", asking("/stock") | {"exclusive": ["stock"]}) for n in range(12)]
    with ExitStack() as stack:
        for number in range(2):
            stack.enter_context(Worker(tmp_path / f"{number}.log"))
        some, more = start(environment, cases[::2], tester), start(environment, cases[1::2], tester)
        wait_until(lambda: ended(some)() and ended(more)(), 90)

    assert (some.executions.filter(state="passed").count(), more.executions.filter(state="passed").count()) == (18, 18)
    assert counting["stock"] == 1
    assert 2 <= counting["all"] <= 3
    assert not Row.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_urgent_run_overtakes_a_large_one_that_waits(
    environment: Environment, make_case: MakeCase, tester: User, counting: Counter[str], tmp_path: Path
) -> None:
    limit(environment, 2)
    large = start(environment, [make_case(f"Large {n}", asking("/large")) for n in range(150)], tester)
    with Worker(tmp_path / "worker.log"):
        wait_until(lambda: large.executions.filter(state="passed").count() >= 1)
        smoke = start(environment, [make_case("Smoke", asking("/smoke"))], tester)
        wait_until(ended(smoke), 60)

        assert (large.priority, smoke.priority) == ("normal", "urgent")
        assert large.executions.filter(state="queued").count() > 50
        large.refresh_from_db()
        control.cancel_run(large, by=tester)
        wait_until(ended(large), 30)
