"""The embedded Redis keeps what it was told, and never stops a start."""

import os
import signal
from collections.abc import Iterator

import pytest
import redis

from integhub.runtime import orphans, redis_server
from integhub.runtime.layout import Layout
from integhub.runtime.ports import keep
from integhub.runtime.redis_server import APPEND_ONLY_FILE, Redis
from tests.runtime.conftest import gone


def server(layout: Layout) -> Redis:
    return Redis(layout.redis, keep(layout.ports, ["redis"])["redis"], "secret", layout.logs / "redis.log")


def client(of: Redis) -> "redis.Redis":
    return redis.Redis.from_url(of.url(), decode_responses=True)


@pytest.fixture
def running(layout: Layout) -> Iterator[Redis]:
    made = server(layout)
    made.start()
    yield made
    made.stop()


def test_a_clean_stop_leaves_no_process_and_keeps_the_data(layout: Layout, running: Redis) -> None:
    client(running).set("kept", "yes")
    running.stop()
    assert orphans.working_in(layout.redis) == []
    running.start()
    assert client(running).get("kept") == "yes"


def test_the_next_start_ends_a_server_that_hangs_and_keeps_its_data(
    layout: Layout, running: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "STOP_SECONDS", 1.0)
    client(running).set("kept", "yes")
    (left,) = orphans.working_in(layout.redis)
    os.kill(left.pid, signal.SIGSTOP)  # alive, and no longer listening to anybody
    again = server(layout)
    assert again.port != running.port
    again.start()
    assert gone(left.pid)
    assert client(again).get("kept") == "yes"
    again.stop()


def test_a_damaged_file_is_put_aside(layout: Layout, running: Redis) -> None:
    client(running).set("kept", "yes")
    running.stop()
    (layout.redis / APPEND_ONLY_FILE).write_bytes(b"this was never written by Redis\r\n" * 10)
    running.start()
    assert client(running).get("kept") is None
    assert len(list(layout.redis.glob(f"{APPEND_ONLY_FILE}.damaged-*"))) == 1


def test_nobody_gets_in_without_the_password(running: Redis) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=running.port).ping()
    assert (running.data / "redis.conf").stat().st_mode & 0o077 == 0
