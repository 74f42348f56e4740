"""The database adapters, by the scheme of the URL."""

from importlib import import_module

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.databases.base import Database
from apps.execution.executors.tls import Client

# Imported when first needed: a worker that never talks to one does not load its driver.
_POSTGRESQL = "apps.execution.executors.databases.postgresql:PostgreSQL"
_MYSQL = "apps.execution.executors.databases.mysql:MySQL"
_PLACES = {"postgresql": _POSTGRESQL, "postgres": _POSTGRESQL, "mysql": _MYSQL, "mariadb": _MYSQL}


def open_database(url: str, ca: str, client: Client | None, settings: EngineSettings) -> Database:
    """The adapter for *url*. Raises ``StepBlocked``."""
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    place = _PLACES.get(scheme)
    if place is None:
        what = f"{scheme}:// is not supported" if scheme else "it is not a URL"
        raise StepBlocked(
            f"the database URL cannot be used: {what}; use postgresql://user:password@host/name, or mysql:// or "
            "mariadb:// instead"
        )
    module, _, name = place.partition(":")
    made: type[Database] = getattr(import_module(module), name)
    return made(url, ca, client, settings)
