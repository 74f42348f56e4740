"""Verbs on data sets; public through ``apps.environments.services``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.core.changes import apply_values
from apps.core.dependants import used_by
from apps.core.errors import Conflict
from apps.core.validation import free_slug, save_valid
from apps.environments.models import DataRow, Dataset
from apps.environments.tables import check_table
from apps.systems.models import System


@transaction.atomic
def save_dataset(
    system: System,
    *,
    by: User,
    dataset: Dataset | None = None,
    columns: Sequence[str] | None = None,
    rows: Sequence[Mapping[str, Any]] | None = None,
    seen_at: datetime | None = None,
    **values: Any,
) -> Dataset:
    """Make or change a data set; *values*: name, slug, description.

    *columns* and *rows* (``{"label", "values": {column: scalar}}``) replace the whole table, or leave it when None.
    *seen_at*: ``updated_at`` of what the person edited; Conflict when somebody saved another table meanwhile.
    """
    row = _locked(dataset, seen_at) or Dataset(system=system)
    made = row.pk is None
    if made:
        values["slug"] = values.get("slug") or free_slug(system.datasets.all(), values.get("name", ""), limit=60)
    changes: dict[str, Any] = apply_values(row, values)
    table = None
    if columns is not None or rows is not None:
        names = row.columns if columns is None else columns
        table = check_table(names, _rows_of(row) if rows is None else rows)
        before, row.columns = row.columns, table[0]
        changes |= {"columns": [before, row.columns]} if before != row.columns else {}
    save_valid(row)
    if table is not None:
        DataRow.objects.filter(dataset=row).delete()
        DataRow.objects.bulk_create(
            DataRow(dataset=row, position=position, label=item.label, values=dict(item.values))
            for position, item in enumerate(table[1], 1)
        )
        changes["rows"] = len(table[1])
    subject = f"{system.slug}/datasets/{row.slug}"
    audit(system.team, by, "dataset.created" if made else "dataset.changed", subject, changes=changes)
    return row


@transaction.atomic
def remove_dataset(dataset: Dataset, *, by: User) -> None:
    """Remove a data set that no case uses."""
    _locked(dataset, None)  # no case gets to use it while we look
    users = used_by(dataset)
    if users:
        raise Conflict(
            "dataset-in-use",
            _("“%(name)s” is still used: %(names)s.") % {"name": dataset.name, "names": ", ".join(users)},
        )
    subject = f"{dataset.system.slug}/datasets/{dataset.slug}"
    audit(dataset.system.team, by, "dataset.removed", subject, name=dataset.name)
    dataset.delete()


def _rows_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [{"label": row.label, "values": row.values} for row in dataset.rows.all()] if dataset.pk else []


def _locked(dataset: Dataset | None, seen_at: datetime | None) -> Dataset | None:
    if dataset is None:
        return None
    row: Dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if seen_at is not None and row.updated_at != seen_at:
        raise Conflict(
            "changed-meanwhile",
            _("Somebody else saved this data set meanwhile. Open it in another tab, and take over what you changed."),
        )
    return row
