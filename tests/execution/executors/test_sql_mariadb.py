"""SQL steps against a real MariaDB."""

import asyncio
import time
from typing import Any

import pytest

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run, run_step
from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.mariadb import MariaDB

# Minutes of work, during which the server does not notice that its client went away.
BUSY = "SELECT benchmark(1000000000, sha2('x', 512))"


def ask(server: MariaDB, query: str, params: Any = None, **more: Any) -> StepOutcome:
    given = {"url": more.pop("url", server.url()), "query": query, **more.pop("given", {})}
    return run_step("sql", given if params is None else {**given, "params": params}, **more)


def running(server: MariaDB, marker: str) -> int:
    """How many sessions run a statement with *marker*."""
    query = (
        "SELECT count(*) AS n FROM information_schema.processlist WHERE id <> connection_id() AND info LIKE %(like)s"
    )
    return int(ask(server, query, {"like": f"%{marker}%"}).response["rows"][0]["n"])


def ends(server: MariaDB, marker: str) -> None:
    for _ in range(50):
        if not running(server, marker):
            return
        time.sleep(0.1)
    pytest.fail("the statement still runs in the server")


def test_rows_are_objects_of_json_values(mariadb: MariaDB) -> None:
    query = """
        SELECT 7 AS id, 18446744073709551615 AS big, CAST(19.90 AS decimal(10,2)) AS total, 3.0 AS whole, NULL AS note,
               DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05.250000' AS at, TIME '-25:06:07' AS lasting,
               x'00ff' AS raw, 'señor 🛒' AS text, 1.5e0 AS number, b'101' AS bits,
               CAST('12345678901234567890.123' AS decimal(30,3)) AS exact
    """
    outcome = ask(mariadb, query)
    assert outcome.state is State.PASSED, outcome.message
    row = outcome.response["rows"][0]
    assert row["raw"].startswith("base64:")
    assert {name: row[name] for name in row if name not in ("raw", "bits")} == {
        "id": 7,
        "big": 18446744073709551615,
        "total": 19.9,
        "whole": 3,
        "note": None,
        "day": "2026-01-02",
        "at": "2026-01-02T03:04:05.250000",
        "lasting": "-25:06:07",
        "text": "señor 🛒",
        "number": 1.5,
        "exact": "12345678901234567890.123",
    }


def test_parameters_are_bound_and_never_pasted(mariadb: MariaDB) -> None:
    evil = "x\\'; DROP TABLE orders; --"
    named = ask(mariadb, "SELECT %(v)s AS v, 5 %% 3 AS rest", {"v": "{{ evil }}"}, row={"evil": evil})
    assert named.response["rows"] == [{"v": evil, "rest": 2}]
    listed = ask(mariadb, "SELECT json_value(%s, '$.a') AS a, 2 IN %s AS inside, %s AS yes", [{"a": 1}, [1, 2], True])
    assert listed.response["rows"] == [{"a": "1", "inside": 1, "yes": 1}]
    assert ask(mariadb, "SELECT 'a%' AS v").response["rows"] == [{"v": "a%"}]
    wrong = ask(mariadb, "SELECT %s, %s", [1])
    assert wrong.state is State.BLOCKED
    assert "do not fit together" in wrong.message
    assert "no parameter" in ask(mariadb, "SELECT %(a)s", {"b": 1}).message


def test_writing_statements_count_and_return_rows(mariadb: MariaDB) -> None:
    insert = "INSERT INTO orders (sku, total, state) VALUES (%s, 5, 'new'), (%s, 6, 'new')"
    made = ask(mariadb, insert, ["W1", "W2"], expect=[{"check": "row_count", "equals": 2}])
    assert made.state is State.PASSED, made.message
    back = ask(
        mariadb,
        "INSERT INTO orders (sku) VALUES ('W3') RETURNING id, sku",
        expect=[{"check": "rows", "at": "$[0].sku", "equals": "W3"}],
        capture={"made": "$[0].id"},
    )
    assert back.state is State.PASSED, back.message
    assert isinstance(back.captured["made"], int)
    assert ask(mariadb, "UPDATE orders SET state = 'paid' WHERE sku LIKE 'W_'").response["row_count"] == 3
    assert ask(mariadb, "DELETE FROM orders WHERE sku LIKE 'W_'").response["row_count"] == 3
    assert ask(mariadb, "SELECT 1 AS a; SELECT 2 AS b").response["rows"] == [{"b": 2}]
    assert ask(mariadb, "SELECT sku FROM orders WHERE false").response == {
        "columns": ["sku"],
        "row_count": 0,
        "rows": [],
    }


def test_rows_are_limited_and_the_server_stops(mariadb: MariaDB) -> None:
    query = "SELECT seq AS n /* a long list */ FROM seq_1_to_2000000000"
    outcome = ask(mariadb, query, settings=EngineSettings(rows=10))
    assert outcome.state is State.PASSED, outcome.message
    assert [row["n"] for row in outcome.response["rows"]] == list(range(1, 11))
    assert outcome.response["row_count"] == 10
    assert "more than 10 rows" in outcome.notes[0]
    ends(mariadb, "a long list")


def test_large_rows_are_not_read_without_end(mariadb: MariaDB) -> None:
    outcome = ask(mariadb, "SELECT repeat('x', 1000000) AS v FROM seq_1_to_900")
    assert outcome.state is State.PASSED, outcome.message
    assert "too large" in outcome.notes[0]
    assert 16 <= outcome.response["row_count"] <= 128


def test_refused_statement_is_a_failure_with_the_database_s_words(mariadb: MariaDB) -> None:
    outcome = ask(mariadb, "SELECT * FROM no_such_table")
    assert outcome.state is State.FAILED
    assert "no_such_table" in outcome.message
    assert "(1146, 42S02)" in outcome.message


def test_statement_is_stopped_at_its_limit_and_in_the_server(mariadb: MariaDB) -> None:
    outcome = ask(mariadb, f"{BUSY} /* limited here */", timeout=0.5)
    assert outcome.state is State.FAILED
    assert outcome.message == "the statement did not end within 0.5 s"
    ends(mariadb, "limited here")


def test_cancelled_statement_ends_in_the_server_too(mariadb: MariaDB) -> None:
    async def main() -> None:
        async with Executors() as executors:
            given = {"url": mariadb.url(), "query": f"{BUSY} /* cancelled here */"}
            task = asyncio.create_task(
                run_case(request_for(case_of({"name": "s", "kind": "sql", "with": given})), executors)
            )
            while not await asyncio.to_thread(running, mariadb, "cancelled here"):  # noqa: ASYNC110 - the server has no event
                await asyncio.sleep(0.05)
            task.cancel()
            assert (await task).state is State.CANCELLED

    asyncio.run(main())
    ends(mariadb, "cancelled here")


def test_connections_are_used_again_unless_something_was_left_in_them(mariadb: MariaDB) -> None:
    def step(query: str) -> dict[str, Any]:
        return {"name": "s", "kind": "sql", "with": {"url": mariadb.url(), "query": query}}

    session = "SELECT connection_id() AS id"
    leaving = ["SET @a = 1", "BEGIN", "SELECT get_lock('a', 0)", "CREATE TEMPORARY TABLE t (a int)"]
    plain = run(case_of(step(session), step("SELECT no_such"), step(session))).steps
    assert plain[0].timings["connect"] > 0
    for statement in leaving:
        first, _between, last = run(case_of(step(session), step(statement), step(session))).steps
        assert first.response["rows"] != last.response["rows"], statement
    again = run(case_of(step(session), step("SELECT 1"), step(session))).steps
    assert again[0].response["rows"] == again[2].response["rows"]
    assert again[2].timings["connect"] == 0


def test_many_steps_at_once_share_a_few_connections(mariadb: MariaDB) -> None:
    given = {"url": mariadb.url(), "query": "SELECT connection_id() AS id, sleep(0.01)"}

    async def main() -> set[int]:
        async with Executors(EngineSettings(connections_per_database=4)) as executors:
            definition = case_of({"name": "s", "kind": "sql", "with": given})
            outcomes = await asyncio.gather(*(run_case(request_for(definition), executors) for _ in range(40)))
        assert all(outcome.state is State.PASSED for outcome in outcomes)
        return {outcome.steps[0].response["rows"][0]["id"] for outcome in outcomes}

    assert 1 <= len(asyncio.run(main())) <= 4


CIPHER = "SHOW STATUS LIKE 'Ssl_cipher'"


def test_tls_is_used_and_the_server_s_name_checked(mariadb: MariaDB) -> None:
    assert ask(mariadb, CIPHER).response["rows"][0]["Value"] == ""
    trusted = {"ca": mariadb.ca_pem}
    for url, given in (
        (mariadb.url("localhost"), trusted),
        (mariadb.url("localhost", "?ssl-mode=VERIFY_IDENTITY"), trusted),
        (mariadb.url(query="?ssl-mode=VERIFY_CA"), trusted),
        (mariadb.url(query="?ssl-mode=required"), {}),
    ):
        outcome = ask(mariadb, CIPHER, url=url, given=given)
        assert outcome.state is State.PASSED, (url, outcome.message)
        assert outcome.response["rows"][0]["Value"], url
    unknown = ask(mariadb, CIPHER, url=mariadb.url("localhost", "?ssl-mode=verify_identity"))
    assert unknown.state is State.FAILED
    assert "certificate" in unknown.message.lower()
    # The certificate names localhost, not the address.
    other = ask(mariadb, CIPHER, url=mariadb.url("127.0.0.1"), given=trusted)
    assert other.state is State.FAILED
    assert "127.0.0.1" in other.message
    no_pem = ask(mariadb, CIPHER, url=mariadb.url("localhost"), given={"ca": "nonsense"})
    assert no_pem.state is State.BLOCKED
    assert "PEM" in no_pem.message


@pytest.mark.parametrize("password", ["", "pass phrase"])
def test_a_client_certificate_is_who_the_user_is(mariadb: MariaDB, authority: Authority, password: str) -> None:
    url = f"mysql://badge@localhost:{mariadb.port}/shop"
    shown = authority.client("client", password)
    in_one = {**shown, "certificate": shown["certificate"] + shown["key"], "key": ""}
    for given in ({"client": shown, "ca": mariadb.ca_pem}, {"client": in_one}):
        outcome = ask(mariadb, "SELECT current_user() AS me", url=url, given=given)
        assert outcome.state is State.PASSED, outcome.message
        assert outcome.response["rows"] == [{"me": "badge@%"}]
    for refused in ({"ca": mariadb.ca_pem}, {"client": authority.client("somebody else"), "ca": mariadb.ca_pem}):
        outcome = ask(mariadb, "SELECT 1", url=url, given=refused)
        assert outcome.state is State.FAILED
        assert "Access denied" in outcome.message


def test_a_client_certificate_that_cannot_be_shown_blocks(mariadb: MariaDB, authority: Authority) -> None:
    shown = authority.client("client", "pass phrase")
    for wrong in (
        {**shown, "password": "another"},
        {**shown, "password": ""},
        {**authority.client("client"), "key": authority.client("client")["key"]},
        {"certificate": "nonsense"},
    ):
        outcome = ask(mariadb, "SELECT 1", given={"client": wrong})
        assert outcome.state is State.BLOCKED, outcome.message
        assert "client certificate cannot be used" in outcome.message
    without = ask(mariadb, "SELECT 1", url=mariadb.url(query="?ssl-mode=DISABLED"), given={"client": shown})
    assert without.state is State.BLOCKED
    assert "DISABLED" in without.message


def test_what_cannot_be_reached_or_is_no_url(mariadb: MariaDB) -> None:
    refused = ask(mariadb, "SELECT 1", url="mysql://user:hunter2@127.0.0.1:1/x")
    assert refused.state is State.FAILED
    assert "no connection" in refused.message
    assert "hunter2" not in str(refused.as_dict())
    denied = ask(mariadb, "SELECT 1", settings=EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"])))
    assert denied.state is State.BLOCKED
    wrong = ask(mariadb, "SELECT 1", url=f"mysql://nobody:wr0ng-pass@127.0.0.1:{mariadb.port}/shop")
    assert wrong.state is State.FAILED
    assert "nobody" in wrong.message
    assert "wr0ng-pass" not in str(wrong.as_dict())
    for url, words in (
        ("mysql://127.0.0.1/x", "no user"),
        ("mysql://u@/x", "no host"),
        ("mysql://u@h/x?ssl-mode=maybe", "ssl-mode is one of"),
        ("mysql://u@h/x?read_default_file=/etc/my.cnf", "not allowed"),
        ("mysql://u@h:port/x", "cannot be used"),
        ("mysql://u@169.254.169.254/x", "denied"),
        ("oracle://u@h/x", "oracle:// is not supported"),
    ):
        outcome = ask(mariadb, "SELECT 1", url=url)
        assert outcome.state is State.BLOCKED, (url, outcome.message)
        assert words in outcome.message


def test_the_server_gets_no_file_of_the_worker(mariadb: MariaDB) -> None:
    outcome = ask(mariadb, "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE orders (sku)")
    assert outcome.state is State.FAILED, outcome.message
    assert ask(mariadb, "SELECT count(*) AS n FROM orders").response["rows"] == [{"n": 0}]
