"""Everything that the walk through the product needs, started once: the shop, its demo data, a worker and the server.

Three sets of real processes work on one (test) database and one Redis; the test only holds a browser in its hands.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from django.conf import global_settings, settings
from django.test import override_settings

from apps.accounts.models import User
from apps.insights.demo import accounts, loading
from apps.systems.models import System
from tests.examples.shop_processes import RunningShop, start_shop
from tests.servers import Server
from tests.workers import Worker, environ

DEMO = settings.BASE_DIR / "examples" / "shop" / "demo"
HASHERS = {"PASSWORD_HASHERS": global_settings.PASSWORD_HASHERS}  # what the server's process accepts


@dataclass(frozen=True)
class Stage:
    """What the walk walks on; *url* is the address of the server."""

    url: str
    shop: RunningShop
    system: System
    logs: Path

    def person(self, first_name: str) -> User:
        """Ada (admin), Lena (lead), Tom (tester) or Vera (viewer)."""
        return User.objects.get(name__startswith=first_name)

    def log_text(self) -> str:
        """What worker and server have written so far."""
        return "\n".join(f"== {path.name}\n{path.read_text()}" for path in sorted(self.logs.glob("*.log")))


@contextmanager
def built(shop_redis: str, folder: Path) -> Iterator[Stage]:
    """A stage whose processes end with the block; *folder* holds logs, mail and uploaded files."""
    files = {"INTEGHUB_MEDIA_ROOT": str(folder / "media"), "INTEGHUB_MAIL_DIR": str(folder / "mail")}
    with ExitStack() as ends:
        shop = start_shop(environ()["DATABASE_URL"], shop_redis, versions={"inventory": "1.1"})
        ends.callback(shop.stop)
        system = _demo(shop.environ)
        ends.enter_context(mock.patch.dict(os.environ, files))
        ends.enter_context(Worker(folder / "worker.log", INTEGHUB_ALLOW="command,browser"))
        server = ends.enter_context(Server(folder / "server.log"))
        yield Stage(server.url, shop, system, folder)


def _demo(addresses: Mapping[str, str]) -> System:
    with mock.patch.dict(os.environ, addresses), override_settings(**HASHERS):
        system, made = loading.load(Path(DEMO), *accounts.team_and_lead())
    assert made, "the database was not empty"
    return system
