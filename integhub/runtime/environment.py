"""The environment variables under which IntegHub and the example system run in an embedded start."""

import os
from collections.abc import Mapping

from integhub.runtime import chromium
from integhub.runtime.credentials import Credentials
from integhub.runtime.layout import ROOT, VENV, Layout
from integhub.runtime.ports import LOOPBACK

# What the one worker of an embedded start listens to. In production each network has its own workers.
QUEUES = ("celery", "execution", "env.local", "env.staging")
SHOP_HTTP_SERVICES = ("storefront", "orders", "payments", "notifier")
SHOP_GRPC_SERVICES = ("inventory",)
SHOP_SERVICES = (*SHOP_GRPC_SERVICES, *SHOP_HTTP_SERVICES)
SHOP_REDIS_DATABASE = 5


def of_machine() -> dict[str, str]:
    """This process's environment, with the virtualenv's programs first and nothing of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INTEGHUB_", "SHOP_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "PYTHONHOME", "PYTHONPATH", "DJANGO_SETTINGS_MODULE"):
        kept.pop(name, None)
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return kept | {"PATH": path, "VIRTUAL_ENV": str(VENV), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def of_integhub(layout: Layout, credentials: Credentials, database: str, redis: str, mailbox: int) -> dict[str, str]:
    """What ``integhub.settings`` reads; *database* and *redis* are addresses, *mailbox* is a port. What the person
    has set in their own environment wins, save the addresses of the servers."""
    defaults = {
        "INTEGHUB_EMBEDDED": "1",
        "INTEGHUB_SECRET_KEY": credentials.secret_key,
        "INTEGHUB_FIELD_KEYS": credentials.field_keys,
        "INTEGHUB_ALLOW": "command,browser" if chromium.find() else "command",
        "INTEGHUB_MEDIA_ROOT": str(layout.media),
        "INTEGHUB_MAIL_DIR": str(layout.mail),
        "INTEGHUB_MAILBOX": f"{LOOPBACK}:{mailbox}",
    }
    own = {name: value for name, value in os.environ.items() if name.startswith("INTEGHUB_")}
    return of_machine() | defaults | own | {"DATABASE_URL": database, "REDIS_URL": redis}


def of_shop(ports: Mapping[str, int], database: str, redis: str, payments_api_key: str) -> dict[str, str]:
    """Addresses of the example system's services, which are also what its tests are pointed at."""
    addresses = {f"SHOP_{name.upper()}_URL": f"http://{LOOPBACK}:{ports[name]}" for name in SHOP_HTTP_SERVICES}
    targets = {f"SHOP_{name.upper()}_TARGET": f"{LOOPBACK}:{ports[name]}" for name in SHOP_GRPC_SERVICES}
    return (
        addresses
        | targets
        | {"SHOP_DATABASE_URL": database, "SHOP_REDIS_URL": redis, "SHOP_PAYMENTS_API_KEY": payments_api_key}
    )
