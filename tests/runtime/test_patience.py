"""Servers that say nothing are not waited for without end, and nobody waits behind a session that hangs."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection, connections

from integhub import patience

# What must hold, with the reason (docs/configuration.md): the lease of a worker, beyond which others do its work.
LEASE = 45


def shown(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_postgresql_lets_go_of_a_worker_that_vanished_before_its_lease_ends() -> None:
    assert shown("idle_in_transaction_session_timeout") == "30s"
    probes = [int(shown(f"tcp_keepalives_{name}")) for name in ("idle", "interval", "count")]
    assert 0 < probes[0] + probes[1] * probes[2] < LEASE
    assert 0 < int(shown("tcp_user_timeout")) < LEASE * 1000


@pytest.mark.django_db
def test_our_side_of_a_connection_notices_a_dead_one() -> None:
    connection.ensure_connection()
    assert connection.connection is not None
    with closing(socket.socket(fileno=os.dup(connection.connection.fileno()))) as ours:
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, count = (
            ours.getsockopt(socket.IPPROTO_TCP, one)
            for one in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + interval * count < LEASE
        assert 0 < ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) < LEASE * 1000


@pytest.mark.django_db(transaction=True)
def test_a_session_that_holds_a_lock_and_says_nothing_is_ended() -> None:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '200ms'")  # as a worker has it, but shorter
            other.set_autocommit(False)
            cursor.execute("SELECT pg_advisory_xact_lock(4711)")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")
            cursor.execute("SELECT pg_advisory_lock(4711), pg_advisory_unlock(4711)")
            cursor.execute("RESET lock_timeout")
        with pytest.raises(OperationalError), other.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        other.close()


def test_pages_have_a_limit_on_each_question_and_commands_have_none() -> None:
    options = str(patience.postgres(60)["options"])

    assert "-c statement_timeout=60000" in options
    assert "-c statement_timeout=0" in str(settings.DATABASES["default"]["OPTIONS"]["options"])


@pytest.fixture
def mute() -> Iterator[str]:
    """Address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []
        over = threading.Event()

        def take() -> None:
            server.settimeout(0.1)
            while not over.is_set():
                try:
                    taken.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        over.set()
        thread.join()
        for one in taken:
            one.close()


def test_a_redis_that_says_nothing_is_given_up(mute: str) -> None:
    client = redis.Redis.from_url(mute, **(settings.REDIS_PATIENCE | {"socket_timeout": 0.2}))

    with pytest.raises(redis.RedisError):
        client.ping()
    client.close()


def test_whoever_uses_redis_does_so_with_patience() -> None:
    assert settings.REDIS_PATIENCE["socket_timeout"] < 10
    assert settings.CACHES["default"]["OPTIONS"] == settings.REDIS_PATIENCE
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["socket_timeout"] > 1, "kombu's reader waits a second for a message"
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["health_check_interval"] * 2 + 1 < LEASE
