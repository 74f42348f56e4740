"""Throw-away places in the real PostgreSQL and the real Redis of the test run."""

import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
import redis


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A database with the table ``orders``, dropped at the end."""
    server = os.environ["DATABASE_URL"]
    name = f"engine_{uuid.uuid4().hex[:12]}"
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with closing(psycopg2.connect(url)) as own, own, own.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (id serial PRIMARY KEY, sku text, total numeric(10,2), state text)")
    yield url
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The server of the test run; keys that begin with ``engine:`` are removed afterwards."""
    url = os.environ["REDIS_URL"]
    yield url
    with closing(redis.Redis.from_url(url)) as client:
        keys = list(client.scan_iter("engine:*"))
        if keys:
            client.delete(*keys)
