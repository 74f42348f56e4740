"""The embedded PostgreSQL comes back whole from every kind of end."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from integhub.runtime import orphans
from integhub.runtime.layout import Layout
from integhub.runtime.ports import keep
from integhub.runtime.postgres import Postgres, first_line
from integhub.runtime.progress import Failure
from tests.runtime.conftest import eventually, gone, python

# Starts a server on the data folder argv[1], writes a row, says its process id, and dies without a word.
KILLED_STARTER = """
import os, sys
from pathlib import Path
from tests.runtime.test_postgres import main_process, server, write
from integhub.runtime.layout import Layout
postgres = server(Layout(Path(sys.argv[1])))
postgres.start()
write(postgres)
print(main_process(postgres), flush=True)
os.kill(os.getpid(), 9)
"""


PASSWORD = "secret"
NO_WAITING = {"fsync": "off"}  # killed processes lose nothing by it, only a machine without power would


def server(layout: Layout, password: str = PASSWORD) -> Postgres:
    port = keep(layout.ports, ["postgres"])["postgres"]
    return Postgres(layout.postgres, port, password, layout.logs / "postgres.log", NO_WAITING)


def main_process(postgres: Postgres) -> int:
    return int(first_line(postgres.data / "postmaster.pid"))


def write(postgres: Postgres) -> None:
    with (
        closing(psycopg2.connect(postgres.url("postgres", PASSWORD, "postgres"))) as session,
        session.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE kept AS SELECT 42 AS value")
        session.commit()


def read(postgres: Postgres) -> int:
    with (
        closing(psycopg2.connect(postgres.url("postgres", PASSWORD, "postgres"))) as session,
        session.cursor() as cursor,
    ):
        cursor.execute("SELECT value FROM kept")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def postgres(layout: Layout) -> Iterator[Postgres]:
    made = server(layout)
    made.start()
    yield made
    made.stop()


def test_a_clean_stop_leaves_no_process_and_keeps_the_data(layout: Layout, postgres: Postgres) -> None:
    write(postgres)
    postgres.stop()
    assert orphans.working_in(layout.postgres) == []
    postgres.start()
    assert read(postgres) == 42


def test_data_survives_kill_9_of_the_main_process(layout: Layout, postgres: Postgres) -> None:
    write(postgres)
    os.kill(main_process(postgres), signal.SIGKILL)
    again = server(layout)
    again.start()
    assert read(again) == 42
    again.stop()


def test_a_dead_server_is_noticed_and_starts_again_at_the_same_address(postgres: Postgres) -> None:
    write(postgres)
    before = main_process(postgres)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: not postgres.alive())
    postgres.start()
    assert postgres.alive()
    assert main_process(postgres) != before
    assert read(postgres) == 42


def test_the_server_that_a_killed_starter_left_is_ended_first(layout: Layout) -> None:
    starter = python(KILLED_STARTER, str(layout.data))
    output, _ = starter.communicate(timeout=60)
    left = int(output.splitlines()[-1])
    assert not gone(left), "the server outlives its starter; otherwise this test shows nothing"
    again = server(layout)
    again.start()
    assert gone(left)
    assert read(again) == 42
    again.stop()


def test_a_pid_file_with_the_number_of_a_stranger_does_not_stop_the_start(layout: Layout, postgres: Postgres) -> None:
    write(postgres)
    postgres.stop()
    (layout.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n{layout.postgres}\n")
    postgres.start()
    assert read(postgres) == 42


def test_a_half_made_data_folder_is_removed_and_made_anew(layout: Layout) -> None:
    half = layout.data / "postgres.new-killed"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (layout.data / "postgres.new-killed.password").write_text("secret")
    postgres = server(layout)
    postgres.start()
    assert list(layout.data.glob("postgres.new-*")) == []
    postgres.stop()


def test_roles_reach_their_own_database_only(postgres: Postgres) -> None:
    postgres.ensure_role("shop", "one")
    postgres.ensure_role("other", "two", createdb=True)
    psycopg2.connect(postgres.url("shop", "one", "shop")).close()
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        psycopg2.connect(postgres.url("shop", "one", "other"))
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(postgres.url("shop", "two", "shop"))


def test_a_folder_of_another_version_is_left_alone_and_said(layout: Layout, postgres: Postgres) -> None:
    postgres.stop()
    (layout.postgres / "PG_VERSION").write_text("17\n")
    with pytest.raises(Failure, match="was made by PostgreSQL 17"):
        postgres.start()


def test_data_whose_password_was_lost_is_left_alone_and_said(layout: Layout, postgres: Postgres) -> None:
    write(postgres)
    postgres.stop()
    with pytest.raises(Failure, match=r"secrets\.json"):
        server(layout, password="another").start()
    assert orphans.working_in(layout.postgres) == []
    postgres.start()
    assert read(postgres) == 42
