"""Data sets: read, edit as a table, CSV in and out."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.errors import DomainError
from apps.core.forms import saved
from apps.core.json_reading import read_json
from apps.environments import services
from apps.environments.cells import cell_kind, read_cell, write_cell
from apps.environments.csv_tables import write_csv
from apps.environments.forms import DatasetForm, ImportForm, csv_values
from apps.environments.models import DataRow, Dataset
from apps.environments.tables import MOST_COLUMNS, MOST_ROWS
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System

PER_PAGE = 50


@system_page(Role.VIEWER)
def datasets(request: SystemRequest, system: System) -> HttpResponse:
    """All data sets with their sizes."""
    rows = system.datasets.annotate(row_count=Count("rows")).order_by("name")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "environments/datasets.html", {"system": system, "section": "datasets", "page": page})


@system_page(Role.VIEWER)
def dataset(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """The rows, with the type of each value."""
    found = get_object_or_404(system.datasets, slug=slug)
    return _dataset_page(request, found, ImportForm())


def _dataset_page(request: SystemRequest, found: Dataset, form: ImportForm) -> HttpResponse:
    page = Paginator(found.rows.all(), PER_PAGE).get_page(request.GET.get("page"))
    rows = [{"position": row.position, "label": row.label, "cells": _cells(found, row)} for row in page]
    context = {
        "system": request.system,
        "section": "datasets",
        "dataset": found,
        "page": page,
        "rows": rows,
        "import_form": form,
    }
    return render(request, "environments/dataset.html", context, status=400 if form.errors else 200)


def _cells(found: Dataset, row: DataRow) -> list[tuple[str, str]]:
    values = [row.values.get(name) for name in found.columns]
    return [(write_cell(value), cell_kind(value)) for value in values]


@system_page(Role.TESTER)
def dataset_new(request: SystemRequest, system: System) -> HttpResponse:
    """Make a data set, empty or from a CSV file."""
    form = DatasetForm(request.POST or None, request.FILES or None, system=system)

    def save(file: Any, **values: Any) -> Dataset:
        return services.save_dataset(system, by=request.user, **values, **csv_values(file))

    made = saved(form, save)
    if made is None:
        return _form_page(request, form)
    return redirect(made if made.columns else reverse("environments:dataset-edit", args=[system.slug, made.slug]))


@system_page(Role.TESTER)
def dataset_edit(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """The table editor; name and description are saved by this form, the table by ``dataset_table``."""
    found = get_object_or_404(system.datasets, slug=slug)
    form = DatasetForm(request.POST or None, instance=system.datasets.get(pk=found.pk), system=system)
    changed = saved(form, lambda **values: services.save_dataset(system, by=request.user, dataset=found, **values))
    if changed is not None:
        messages.success(request, _("Saved."))
        return redirect(changed)
    context = {
        "system": system,
        "section": "datasets",
        "dataset": found,
        "form": form,
        "limits": {"rows": MOST_ROWS, "columns": MOST_COLUMNS},
    }
    return render(request, "environments/dataset_edit.html", context, status=400 if form.errors else 200)


def _form_page(request: SystemRequest, form: DatasetForm) -> HttpResponse:
    context = {"system": request.system, "section": "datasets", "form": form}
    return render(request, "environments/dataset_new.html", context, status=400 if form.errors else 200)


@system_page(Role.TESTER)
def dataset_table(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """GET: the table as JSON, cells as people type them. POST: replace it; problem JSON names row and column."""
    found = get_object_or_404(system.datasets, slug=slug)
    if request.method != "POST":
        return JsonResponse(_table(found))
    try:
        columns, rows, seen_at = _sent_table(request.body)
        services.save_dataset(system, by=request.user, dataset=found, columns=columns, rows=rows, seen_at=seen_at)
    except DomainError as error:
        return JsonResponse(error.problem(), status=error.status, content_type="application/problem+json")
    messages.success(request, _("“%(name)s” is saved.") % {"name": found.name})
    return JsonResponse({"url": found.get_absolute_url()})


def _table(found: Dataset) -> dict[str, Any]:
    rows = [
        {"label": row.label, "cells": [write_cell(row.values.get(name)) for name in found.columns]}
        for row in found.rows.all()
    ]
    return {"columns": found.columns, "rows": rows, "seen_at": found.updated_at.isoformat()}


def _sent_table(body: bytes) -> tuple[list[Any], list[dict[str, Any]], datetime | None]:
    """The editor's ``{"columns", "rows": [{"label", "cells"}], "seen_at"}``; DomainError when it is not that."""
    try:
        sent = read_json(body)
        columns = [str(name).strip() for name in sent["columns"]]
        rows = [
            {
                "label": str(row["label"]),
                "values": {name: read_cell(str(cell)) for name, cell in zip(columns, row["cells"], strict=True)},
            }
            for row in sent["rows"]
        ]
        seen_at = parse_datetime(str(sent.get("seen_at") or ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DomainError("invalid-table", _("The table that was sent is not complete.")) from None
    return columns, rows, seen_at


@system_page(Role.TESTER)
@require_POST
def dataset_import(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Replace the table by a CSV file."""
    found = get_object_or_404(system.datasets, slug=slug)
    form = ImportForm(request.POST, request.FILES)
    changed = saved(
        form, lambda file: services.save_dataset(system, by=request.user, dataset=found, **csv_values(file))
    )
    if changed is None:
        return _dataset_page(request, found, form)
    messages.success(request, _("%(count)d rows are imported.") % {"count": found.rows.count()})
    return redirect(found)


@system_page(Role.VIEWER)
def dataset_export(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """The table as a CSV file."""
    found = get_object_or_404(system.datasets, slug=slug)
    text = write_csv(found.columns, found.rows.all())
    headers = {"Content-Disposition": f'attachment; filename="{system.slug}-{found.slug}.csv"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@system_page(Role.TESTER)
@require_POST
def dataset_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove a data set that no case uses."""
    found = get_object_or_404(system.datasets, slug=slug)
    services.remove_dataset(found, by=request.user)
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect("environments:datasets", system.slug)
