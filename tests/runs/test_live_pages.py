"""The stream of a run's events, over a real server and a real Redis, with connections that break."""

import http.client
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core import live
from apps.environments.models import Environment
from apps.runs import services
from apps.runs.models import TestRun
from tests.runs.story import ended, planned_run, step, taken
from tests.servers import Server

pytestmark = pytest.mark.django_db(transaction=True)
MakeCase = Callable[..., TestCase]


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("live") / "server.log") as running:
        yield running


@pytest.fixture
def run(environment: Environment, make_case: MakeCase) -> TestRun:
    return planned_run(environment, [make_case(f"Case {n}") for n in range(6)])


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


class Stream:
    """One connection of a reader; remembers the id of the last event, as a browser does."""

    def __init__(self, server: Server, user: User | None, run: TestRun, query: str = "", last: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
        headers = {"Cookie": session_of(user)} if user else {}
        if last:
            headers["Last-Event-ID"] = last
        self._connection.request("GET", f"/live/s/shop/runs/{run.number}/{query}", headers=headers)
        self.answer = self._connection.getresponse()
        self.last = last

    def read(self, count: int) -> list[str]:
        """Names of the next *count* events; waits for them."""
        names: list[str] = []
        while len(names) < count:
            line = self.answer.readline().decode()
            assert line, "the stream ended"
            if line.startswith("id: "):
                self.last = line[4:].strip()
            if line.startswith("event: "):
                names.append(line[7:].strip())
        return names

    def cut(self) -> None:
        self._connection.close()


def test_a_reader_that_was_cut_off_reads_on_after_the_last_event_it_saw(
    server: Server, run: TestRun, viewer: User
) -> None:
    start = f"?after={live.position(run.topic)}"
    live.publish(run.topic, "one", {})
    live.publish(run.topic, "two", {})
    first = Stream(server, viewer, run, start)
    assert first.answer.getheader("Content-Type") == "text/event-stream"
    assert first.read(2) == ["one", "two"]
    first.cut()
    live.publish(run.topic, "three", {})
    server.kill()
    live.publish(run.topic, "four", {})
    server.start()

    again = Stream(server, viewer, run, start, last=first.last)
    live.publish(run.topic, "five", {})

    assert again.read(3) == ["three", "four", "five"]
    again.cut()


def test_results_that_are_recorded_arrive_while_the_stream_is_open(server: Server, run: TestRun, viewer: User) -> None:
    stream = Stream(server, viewer, run, f"?after={live.position(run.topic)}")
    executions = taken(run)
    assert set(stream.read(2)) == {"executions", "progress"}  # it runs, and so do they

    services.record([ended(execution, step()) for execution in executions[:5]])
    assert stream.read(2) == ["executions", "progress"]
    services.record([ended(executions[5], step())])
    assert stream.read(3) == ["executions", "progress", "finished"]
    stream.cut()


def test_an_open_stream_holds_no_database_connection(server: Server, run: TestRun, viewer: User) -> None:
    def connections() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0])

    before = connections()
    live.publish(run.topic, "one", {})
    streams = [Stream(server, viewer, run, "?after=0-0") for _ in range(5)]
    for stream in streams:
        stream.read(1)

    assert connections() <= before
    for stream in streams:
        stream.cut()


def test_a_reader_who_leaves_is_nothing_to_warn_of(server: Server, run: TestRun, viewer: User) -> None:
    live.publish(run.topic, "one", {})
    stream = Stream(server, viewer, run, "?after=0-0")
    stream.read(1)
    stream.cut()
    Stream(server, None, run)  # answered after the first was ended

    assert "cancelled" not in server.log.read_text()


@pytest.mark.parametrize("query", ["?after=nonsense", "?after=1", "?after=1-1%0d%0aX"])
def test_a_place_that_is_no_event_is_refused(server: Server, run: TestRun, viewer: User, query: str) -> None:
    assert Stream(server, viewer, run, query).answer.status == 400


def test_only_members_hear_a_run(server: Server, run: TestRun, outsider: User, viewer: User) -> None:
    assert Stream(server, None, run).answer.status == 401
    assert Stream(server, outsider, run).answer.status == 404
    run.number = 99
    assert Stream(server, viewer, run).answer.status == 404


def test_the_page_joins_the_stream_where_it_stands(
    run: TestRun, tester: User, sign_in: Callable[[User], Client], environment: Environment, make_case: Any
) -> None:
    live.publish(run.topic, "one", {})

    page = sign_in(tester).get(f"/s/shop/runs/{run.number}/").content.decode()

    assert f"?after={live.position(run.topic)}" in page
    assert live.position(run.topic) != "0-0"
