"""Verbs on systems."""

from django.db import connection

from apps.systems.models import NumberSeries

_NEXT = f"""
    INSERT INTO {NumberSeries._meta.db_table} (system_id, name, last) VALUES (%s, %s, %s)
    ON CONFLICT (system_id, name) DO UPDATE SET last = {NumberSeries._meta.db_table}.last + EXCLUDED.last
    RETURNING last
"""  # noqa: S608 (a table name of ours)


def next_number(system_id: int, series: str, count: int = 1) -> int:
    """Reserve *count* numbers of the system's series (``run``, ``case``, ``defect``); returns the last one."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [system_id, series, count])
        return int(cursor.fetchone()[0])
