"""The step kinds that are known: those that come with IntegHub, and those of installed packages.

Adding a kind is one file here (what its fields are) and one in ``apps/execution/executors`` (what it
does). A package adds its own by the entry points ``integhub.kinds`` and ``integhub.executors``.
"""

from functools import cache
from importlib.metadata import entry_points

from apps.catalog.definition.fields import Kind
from apps.catalog.definition.kinds.browser import BROWSER
from apps.catalog.definition.kinds.call import CALL
from apps.catalog.definition.kinds.command import COMMAND
from apps.catalog.definition.kinds.grpc import GRPC
from apps.catalog.definition.kinds.http import HTTP
from apps.catalog.definition.kinds.mail import MAIL
from apps.catalog.definition.kinds.manual import MANUAL
from apps.catalog.definition.kinds.parallel import PARALLEL
from apps.catalog.definition.kinds.publish import PUBLISH
from apps.catalog.definition.kinds.receive import RECEIVE
from apps.catalog.definition.kinds.redis import REDIS
from apps.catalog.definition.kinds.repeat import REPEAT
from apps.catalog.definition.kinds.set import SET
from apps.catalog.definition.kinds.sql import SQL
from apps.catalog.definition.kinds.wait import WAIT
from apps.catalog.definition.kinds.webhook import WEBHOOK
from apps.catalog.definition.kinds.websocket import WEBSOCKET

BUILT_IN = (
    HTTP, SQL, REDIS, PUBLISH, RECEIVE, MAIL, WEBHOOK, WEBSOCKET, GRPC, BROWSER, COMMAND, MANUAL,
    WAIT, SET, REPEAT, PARALLEL, CALL,
)  # fmt: skip
GROUP = "integhub.kinds"


@cache
def _by_name() -> dict[str, Kind]:
    found = {kind.name: kind for kind in BUILT_IN}
    for entry in entry_points(group=GROUP):
        kind = entry.load()
        found.setdefault(kind.name, kind)  # a package cannot replace a kind that comes with IntegHub
    return found


def kinds() -> tuple[Kind, ...]:
    """Every known kind, in the order of the editor's menu."""
    return tuple(_by_name().values())


def find_kind(name: str) -> Kind | None:
    """The kind called *name*."""
    return _by_name().get(name)
