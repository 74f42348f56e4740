"""PostgreSQL and Redis for one start, embedded or the person's own, and the environment that names them."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from integhub.runtime import credentials as secret
from integhub.runtime import environment, orphans, ports, redis_server
from integhub.runtime import postgres as postgres_server
from integhub.runtime.layout import Layout
from integhub.runtime.postgres import THROW_AWAY, Postgres
from integhub.runtime.progress import Failure, say, stage
from integhub.runtime.redis_server import Redis

APPLICATION, SHOP = "integhub", "shop"
WATCH_SECONDS = 1.0
LONGEST_PAUSE = 30.0


@dataclass
class Servers:
    """The *environment* for IntegHub, *shop* for the example system, and what of it is *embedded*."""

    environment: dict[str, str]
    shop: dict[str, str]
    shop_ports: dict[str, int]
    embedded: list[Postgres | Redis] = field(default_factory=list)


@contextmanager
def servers(layout: Layout, *, throw_away: bool = False) -> Iterator[Servers]:
    """Run the servers of *layout* while the ``with`` lasts; the caller holds ``layout.lock``. *throw_away*
    trades durability for speed."""
    layout.make()
    credentials = secret.load(layout.secrets)
    postgres_server.recover(layout.postgres)  # before ports are looked at, so that they are free again
    redis_server.recover(layout.redis)
    kept = ports.keep(layout.ports, ("postgres", "redis", "mailbox", *environment.SHOP_SERVICES))
    postgres = Postgres(
        layout.postgres, kept["postgres"], credentials.postgres, layout.logs / "postgres.log",
        THROW_AWAY if throw_away else {},
    )  # fmt: skip
    redis = Redis(layout.redis, kept["redis"], credentials.redis, layout.logs / "redis.log", durable=not throw_away)
    with ExitStack() as stack:
        database, shop_database, embedded = _database(stack, postgres, credentials)
        broker, shop_redis = _redis(stack, redis, embedded)
        yield Servers(
            environment=environment.of_integhub(layout, credentials, database, broker, kept["mailbox"]),
            shop=environment.of_shop(kept, shop_database, shop_redis, credentials.payments_api_key),
            shop_ports={name: kept[name] for name in environment.SHOP_SERVICES},
            embedded=embedded,
        )


def _database(
    stack: ExitStack, postgres: Postgres, credentials: secret.Credentials
) -> tuple[str, str, list[Postgres | Redis]]:
    if given := os.environ.get("DATABASE_URL"):
        return given, os.environ.get("SHOP_DATABASE_URL", given), []
    with stage("PostgreSQL") as current:
        current.step("starting" if postgres.data.exists() else "making the data folder")
        stack.callback(postgres.stop)
        postgres.start()
        postgres.ensure_role(APPLICATION, credentials.integhub, createdb=True)
        postgres.ensure_role(SHOP, credentials.shop)
        current.note(f"port {postgres.port}")
    own = postgres.url(APPLICATION, credentials.integhub, APPLICATION)
    return own, postgres.url(SHOP, credentials.shop, SHOP), [postgres]


def _redis(stack: ExitStack, redis: Redis, embedded: list[Postgres | Redis]) -> tuple[str, str]:
    if given := os.environ.get("REDIS_URL"):
        other = urlunsplit(urlsplit(given)._replace(path=f"/{environment.SHOP_REDIS_DATABASE}"))
        return given, os.environ.get("SHOP_REDIS_URL", other)
    with stage("Redis") as current:
        stack.callback(redis.stop)
        redis.start()
        current.note(f"port {redis.port}")
    embedded.append(redis)
    return redis.url(), redis.url(environment.SHOP_REDIS_DATABASE)


class Watch:
    """Starts an embedded server again that died, between ``start`` and ``stop``."""

    def __init__(self, embedded: list[Postgres | Redis]) -> None:
        self._embedded = embedded
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = WATCH_SECONDS
        while not self._over.wait(pause):
            revived = [_revive(server) for server in self._embedded if not server.alive()]
            pause = WATCH_SECONDS if all(revived) else min(pause * 2, LONGEST_PAUSE)


def _revive(server: Postgres | Redis) -> bool:
    say(f"{server.name} ended by itself; starting it again. Its log: {server.log}")
    try:
        server.start()
    except (Failure, OSError) as error:
        say(str(error))
        return False
    return True


def discard(layout: Layout) -> None:
    """Delete the data of *layout*, its servers ended first. The caller holds ``layout.lock``."""
    for folder in (layout.postgres, layout.redis):
        orphans.end(orphans.working_in(folder))
    for path in (
        layout.postgres, layout.redis, layout.beat, layout.media, layout.mail, layout.secrets, layout.ports
    ):  # fmt: skip
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
