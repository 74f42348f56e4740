"""What hangs on a row, in apps that the row's own app does not know."""

from typing import Any

from django.db import models

DESTRUCTIVE = (models.CASCADE, models.PROTECT, models.RESTRICT)


def used_by(row: models.Model, *, links_only: bool = False) -> list[str]:
    """What other apps would lose with *row*, for people: ``["test runs (12)"]``; empty when nothing.

    With *links_only*, only many-to-many links count: what is merely recorded about the row may go with it.
    """
    found = []
    for relation in row._meta.related_objects:
        if relation.related_model._meta.app_label == row._meta.app_label:
            continue
        if relation.many_to_many or (not links_only and relation.on_delete in DESTRUCTIVE):
            count = _count(relation, row)
            if count:
                found.append(f"{relation.related_model._meta.verbose_name_plural} ({count})")
    return found


def _count(relation: Any, row: models.Model) -> int:
    rows: models.QuerySet[Any] = relation.related_model._default_manager.filter(**{relation.field.name: row})
    return rows.count()
