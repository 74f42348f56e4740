"""SQL steps against a real PostgreSQL."""

import asyncio
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run, run_step
from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.postgresql_tls import PostgresTls


def ask(url: str, query: str, params: Any = None, **more: Any) -> StepOutcome:
    given = {"url": "{{ DB }}", "query": query}
    return run_step("sql", given if params is None else {**given, "params": params}, variables={"DB": url}, **more)


def test_rows_are_objects_of_json_values(database_url: str) -> None:
    query = """
        SELECT 7 AS id, 19.90::numeric AS total, 3::numeric AS whole, true AS paid, NULL AS note,
               '2026-01-02'::date AS day, '2026-01-02 03:04:05+00'::timestamptz AS at, '{1,2}'::int[] AS list,
               '{"a": [1]}'::jsonb AS doc, '\\x00ff'::bytea AS raw, 'NaN'::float8 AS nan,
               'c7f1f5b2-0000-4000-8000-000000000000'::uuid AS key, 12345678901234567890.123::numeric AS exact
    """
    outcome = ask(database_url, query)
    assert outcome.state is State.PASSED, outcome.message
    row = outcome.response["rows"][0]
    assert row["id"] == 7
    assert row["total"] == 19.9
    assert row["whole"] == 3
    assert row["paid"] is True
    assert row["note"] is None
    assert row["day"] == "2026-01-02"
    assert row["at"].startswith("2026-01-02T03:04:05")
    assert row["list"] == [1, 2]
    assert row["doc"] == {"a": [1]}
    assert row["raw"].startswith("base64:")
    assert row["nan"] == "nan"
    assert row["key"] == "c7f1f5b2-0000-4000-8000-000000000000"
    assert row["exact"] == "12345678901234567890.123"


def test_parameters_are_bound_and_never_pasted(database_url: str) -> None:
    evil = "x'; DROP TABLE orders; --"
    named = ask(database_url, "SELECT %(v)s AS v, 5 %% 3 AS rest", {"v": "{{ evil }}"}, row={"evil": evil})
    assert named.response["rows"] == [{"v": evil, "rest": 2}]
    listed = ask(database_url, "SELECT %s::jsonb AS doc, %s = ANY(%s) AS inside", [{"a": 1}, 2, [1, 2]])
    assert listed.response["rows"] == [{"doc": {"a": 1}, "inside": True}]
    assert ask(database_url, "SELECT 'a%' AS v").response["rows"] == [{"v": "a%"}]
    wrong = ask(database_url, "SELECT %s, %s", [1])
    assert wrong.state is State.BLOCKED
    assert "do not fit together" in wrong.message
    assert "no parameter" in ask(database_url, "SELECT %(a)s", {"b": 1}).message


def test_writing_statements_count_and_return_rows(database_url: str) -> None:
    insert = "INSERT INTO orders (sku, total, state) VALUES (%s, 5, 'new'), (%s, 6, 'new') RETURNING id, sku;"
    made = ask(
        database_url,
        insert,
        ["W1", "W2"],
        expect=[{"check": "row_count", "equals": 2}, {"check": "rows", "at": "$[1].sku", "equals": "W2"}],
        capture={"first": "$[0].id"},
    )
    assert made.state is State.PASSED, made.message
    assert isinstance(made.captured["first"], int)
    changed = ask(database_url, "UPDATE orders SET state = 'paid' WHERE sku IN ('W1', 'W2')")
    assert changed.response["row_count"] == 2
    with_write = "WITH gone AS (DELETE FROM orders WHERE sku LIKE 'W_' RETURNING sku) SELECT count(*) AS n FROM gone"
    assert ask(database_url, with_write).response["rows"] == [{"n": 2}]
    assert ask(database_url, "SELECT 1 AS a; SELECT 2 AS b").response["rows"] == [{"b": 2}]
    assert ask(database_url, "SELECT 1 AS a -- and a comment").response["rows"] == [{"a": 1}]


def test_rows_are_limited_by_the_server_and_the_result_says_so(database_url: str) -> None:
    settings = EngineSettings(rows=10)
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE SEQUENCE rows_made")
        series = "SELECT nextval('rows_made') AS n FROM generate_series(1, 5000)"
        outcome = ask(database_url, series, settings=settings)
        cursor.execute("SELECT last_value FROM rows_made")  # a sequence counts whatever becomes of the rows
        made = cursor.fetchone()
    assert made is not None
    assert made[0] < 100, "The server was asked for rows that nobody reads."
    assert outcome.state is State.PASSED, outcome.message
    assert len(outcome.response["rows"]) == 10
    assert outcome.truncated
    assert "more than 10 rows" in outcome.notes[0]


def test_large_rows_are_kept_in_part(database_url: str) -> None:
    settings = EngineSettings(body_stored=10_000)
    outcome = ask(database_url, "SELECT repeat('x', 4000) AS v FROM generate_series(1, 10)", settings=settings)
    assert len(outcome.response["rows"]) == 2
    assert "first 2 rows" in outcome.notes[0]


def test_columns_of_one_name_are_told_apart(database_url: str) -> None:
    assert ask(database_url, "SELECT 1 AS id, 2 AS id").response["rows"] == [{"id": 1, "id_2": 2}]


def test_refused_statement_is_a_failure_with_the_database_s_words(database_url: str) -> None:
    outcome = ask(database_url, "SELECT * FROM no_such_table")
    assert outcome.state is State.FAILED
    assert "no_such_table" in outcome.message
    assert "42P01" in outcome.message


def test_statement_is_stopped_at_its_limit_and_in_the_server(database_url: str) -> None:
    outcome = ask(database_url, "SELECT pg_sleep(30)", timeout=0.3)
    assert outcome.state is State.FAILED
    assert "did not end within 0.3 s" in outcome.message


def running_in_server(url: str, marker: str) -> int:
    """How many sessions run a statement with *marker*."""
    with closing(psycopg2.connect(url)) as connection:
        cursor = connection.cursor()
        active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
        cursor.execute(f"{active} AND query LIKE %s", [f"%{marker}%"])
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def test_cancelled_statement_ends_in_the_server_too(database_url: str) -> None:
    async def main() -> None:
        async with Executors() as executors:
            given = {"url": database_url, "query": "SELECT pg_sleep(30) /* cancelled here */"}
            step = {"name": "s", "kind": "sql", "with": given}
            task = asyncio.create_task(run_case(request_for(case_of(step)), executors))
            while not running_in_server(database_url, "cancelled here"):  # noqa: ASYNC110 - the server has no event
                await asyncio.sleep(0.05)
            task.cancel()
            assert (await task).state is State.CANCELLED

    asyncio.run(main())
    for _ in range(50):
        if not running_in_server(database_url, "cancelled here"):
            return
        time.sleep(0.1)
    pytest.fail("the statement still runs in the server")


def test_connections_are_used_again_unless_something_was_left_in_them(database_url: str) -> None:
    def step(query: str) -> dict[str, Any]:
        return {"name": "s", "kind": "sql", "with": {"url": database_url, "query": query}}

    pid = "SELECT pg_backend_pid() AS pid"
    leaving = ["SET application_name = 'x'", "BEGIN", "SELECT set_config('a.b', '1', false)", "LISTEN news"]
    plain = run(case_of(step(pid), step(pid))).steps
    assert plain[0].response["rows"] == plain[1].response["rows"]
    assert plain[1].timings["connect"] == 0
    for statement in leaving:
        first, _between, last = run(case_of(step(pid), step(statement), step(pid))).steps
        assert first.response["rows"] != last.response["rows"], statement


def test_many_steps_at_once_share_a_few_connections(database_url: str) -> None:
    settings = EngineSettings(connections_per_database=4)
    query = "SELECT pg_backend_pid() AS pid, pg_sleep(0.01)"
    step = {"name": "s", "kind": "sql", "with": {"url": database_url, "query": query}}

    async def main() -> set[int]:
        async with Executors(settings) as executors:
            cases = [run_case(request_for(case_of(step)), executors) for _ in range(40)]
            outcomes = await asyncio.gather(*cases)
        assert all(outcome.state is State.PASSED for outcome in outcomes)
        return {outcome.steps[0].response["rows"][0]["pid"] for outcome in outcomes}

    assert 1 <= len(asyncio.run(main())) <= 4


def test_unreachable_database_is_a_failure_and_a_wrong_url_is_blocked(database_url: str) -> None:
    refused = ask("postgresql://user:hunter2@127.0.0.1:1/x", "SELECT 1")
    assert refused.state is State.FAILED
    assert "no connection" in refused.message
    assert "hunter2" not in str(refused.as_dict())
    denied = ask(database_url, "SELECT 1", settings=EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"])))
    assert denied.state is State.BLOCKED
    for url in (
        "mysql://127.0.0.1/x",
        "127.0.0.1",
        "postgresql:///x",
        "postgresql://127.0.0.1/x?sslkey=/etc/shadow",
        "postgresql://a,b/x",
        "postgresql://169.254.169.254/x",
        "postgresql://127.0.0.1/x?service=prod",
        "postgresql://127.0.0.1:99999/x",
        "postgresql://127.0.0.1:port/x",
        "postgresql:///x?host=/var/run/postgresql",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/x",
        "postgresql:///x?host=@abstract",
    ):
        outcome = ask(url, "SELECT 1")
        assert outcome.state is State.BLOCKED, (url, outcome.message)
        assert "IntegHub could not" not in outcome.message, url


def test_wrong_password_says_so_without_it(database_url: str) -> None:
    place = database_url.rpartition("@")[2]
    outcome = ask(f"postgresql://nobody:wr0ng-pass@{place}", "SELECT 1")
    assert outcome.state is State.FAILED
    assert "nobody" in outcome.message
    assert "wr0ng-pass" not in str(outcome.as_dict())


def test_row_that_comes_later_is_waited_for(database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True

        async def main() -> StepOutcome:
            async with Executors() as executors:
                given = {"url": database_url, "query": "SELECT state FROM orders WHERE sku = 'late'"}
                step = {
                    "name": "s",
                    "kind": "sql",
                    "with": given,
                    "expect": [{"check": "rows", "at": "$[0].state", "equals": "paid"}],
                    "retry": {"for": 5, "every": 0.05},
                }
                task = asyncio.create_task(run_case(request_for(case_of(step)), executors))
                await asyncio.sleep(0.3)
                connection.cursor().execute("INSERT INTO orders (sku, state) VALUES ('late', 'paid')")
                return (await task).steps[0]

        outcome = asyncio.run(main())
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.tries > 2


def test_own_authority_means_tls_or_nothing(database_url: str, authority: Authority) -> None:
    outcome = run_step("sql", {"url": database_url, "query": "SELECT 1", "ca": authority.pem})
    assert outcome.state is State.FAILED
    assert "SSL" in outcome.message  # the server of the tests has none


@pytest.mark.parametrize("password", ["", "pass phrase"])
def test_a_client_certificate_is_shown(postgres_tls: PostgresTls, authority: Authority, password: str) -> None:
    shown = authority.client("ann", password)
    in_one = {**shown, "certificate": shown["certificate"] + shown["key"], "key": ""}
    for given in ({"client": shown, "ca": authority.pem}, {"client": in_one}):
        outcome = run_step("sql", {"url": postgres_tls.url, "query": "SELECT 1 AS one", **given})
        assert outcome.state is State.PASSED, outcome.message
        assert outcome.response["rows"] == [{"one": 1}]
    assert postgres_tls.clients == ["ann", "ann"]


def test_a_client_certificate_is_that_of_the_step_or_none(
    postgres_tls: PostgresTls, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"url": postgres_tls.url, "query": "SELECT 1", "ca": authority.pem}
    (tmp_path / ".postgresql").mkdir()
    for name, text in zip(("crt", "key"), authority.client("the worker").values(), strict=True):
        (tmp_path / ".postgresql" / f"postgresql.{name}").write_text(text)
        (tmp_path / ".postgresql" / f"postgresql.{name}").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    stranger = Authority("Nobody's authority").client("ann")
    for shown, why in (({}, "PEER_DID_NOT_RETURN_A_CERTIFICATE"), ({"client": stranger}, "CERTIFICATE_VERIFY_FAILED")):
        outcome = run_step("sql", {**given, **shown})
        assert outcome.state is State.FAILED, outcome.message
        assert postgres_tls.refused.get(timeout=10) == why
    assert postgres_tls.clients == []


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_who_is_trusted_is_never_what_the_worker_s_home_says(
    mode: str, postgres_tls: PostgresTls, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".postgresql").mkdir()
    of_home = tmp_path / ".postgresql" / "root.crt"
    of_home.write_text(authority.pem)
    monkeypatch.setenv("HOME", str(tmp_path))
    given = {"url": f"{postgres_tls.url}?sslmode={mode}", "query": "SELECT 1", "client": authority.client("ann")}
    unknown = run_step("sql", given)
    assert unknown.state is State.FAILED, "It trusts the authority in the home of the worker."
    assert "certificate verify failed" in unknown.message
    of_worker = tmp_path / "authorities.pem"
    of_worker.write_text(authority.pem)
    of_home.write_text(Authority("Nobody's authority").pem)
    trusting = EngineSettings(ca_file=str(of_worker))
    assert run_step("sql", given, settings=trusting).state is State.PASSED
    lenient = {**given, "url": f"{postgres_tls.url}?sslmode=require"}
    assert run_step("sql", lenient).state is State.PASSED, "An authority in the home of the worker made it look."


def test_a_client_certificate_that_cannot_be_shown_blocks(postgres_tls: PostgresTls, authority: Authority) -> None:
    shown = authority.client("ann", "pass phrase")
    for wrong in (
        {**shown, "password": "another"},
        {**shown, "password": ""},
        {**authority.client("ann"), "key": authority.client("ann")["key"]},
        {"certificate": "nonsense"},
    ):
        outcome = run_step("sql", {"url": postgres_tls.url, "query": "SELECT 1", "client": wrong})
        assert outcome.state is State.BLOCKED, outcome.message
        assert "client certificate cannot be used" in outcome.message
    without = {"url": f"{postgres_tls.url}?sslmode=disable", "query": "SELECT 1", "client": shown}
    assert run_step("sql", without).state is State.BLOCKED
