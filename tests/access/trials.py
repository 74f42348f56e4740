"""What the access tests share: addresses on populated rows, the text of an answer, every row before and after."""

from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from tests.access.populated import World
from tests.access.url_map import Route

# Tables that say nothing of a team.
IGNORED = {"django_session", "django_migrations", "axes_accesslog", "axes_accessattempt", "axes_accessfailurelog"}


def address(route: Route, world: World, **instead: Any) -> str:
    """The route's address on rows of the world; *instead* replaces values by parameter name."""
    values = {}
    for before, parameter in route.parameters:
        try:
            values[parameter] = world.value(route.name, before, parameter)
        except KeyError:
            pytest.fail(f"tests/access/populated.py does not know what fills “{before}/<{parameter}>” of {route.name}")
    return reverse(route.name, kwargs=values | {name: instead[name] for name in instead if name in values})


def text_of(response: Any) -> str:
    """What the answer says; live streams are not read (nor closed: that would close the test's connection)."""
    if getattr(response, "is_async", False):
        return ""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode("utf-8", "replace"))


def snapshot() -> dict[str, list[str]]:
    """Every row of every table, as text."""
    tables = sorted(set(connection.introspection.table_names()) - IGNORED)
    query = " UNION ALL ".join(f"SELECT '{table}', t::text FROM \"{table}\" t" for table in tables)  # noqa: S608
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(query)
        for table, row in cursor.fetchall():
            found.setdefault(table, []).append(row)
    return {table: sorted(rows) for table, rows in found.items()}
