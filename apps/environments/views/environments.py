"""Environments side by side, one environment, and its change log."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.forms import saved
from apps.environments import services
from apps.environments.change_log import describe, entries_of
from apps.environments.forms import DeployForm, EnvironmentForm
from apps.environments.models import Environment
from apps.environments.parity import Comparison, NameRow, VersionRow, compare, reference_of
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System

CHANGES_SHOWN = 8
PER_PAGE = 50
BESIDE, ROWS = 8, 100  # environments beside the reference, and rows, on one page of the comparison


@system_page(Role.VIEWER)
def environments(request: SystemRequest, system: System) -> HttpResponse:
    """Which versions run where, and what is missing where; ``?against=`` chooses what the others are measured by."""
    reference = reference_of(system, request.GET.get("against", ""))
    others = system.environments.exclude(pk=reference.pk) if reference else system.environments.none()
    columns = Paginator(others, BESIDE).get_page(request.GET.get("page"))
    comparison = compare(system, reference, columns)
    rows = Paginator([*comparison.versions, *comparison.names], ROWS).get_page(request.GET.get("rows"))
    context = {
        "system": system,
        "section": "environments",
        "comparison": comparison,
        "page": columns,
        "row_page": rows,
        "versions": [row for row in rows if isinstance(row, VersionRow)],
        "names": [row for row in rows if isinstance(row, NameRow)],
    }
    return render(request, "environments/environments.html", context)


@system_page(Role.VIEWER)
def environment(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Names, versions, differences and the last changes of one environment."""
    found = get_object_or_404(system.environments, slug=slug)
    # The login is a secret of the environment: those who may set it up see it.
    mailbox = services.mailbox_login(found) if request.role >= Role.LEAD else None
    context = environment_context(found) | {"system": system, "mailbox": mailbox}
    return render(request, "environments/environment.html", context)


def environment_context(found: Environment, deploy_form: DeployForm | None = None) -> dict[str, Any]:
    """What the page of an environment shows."""
    comparison = compare(found.system, reference_of(found.system), [found])
    return {
        "section": "environments",
        "environment": found,
        "variables": found.variables.all(),
        "secrets": found.secrets.select_related("changed_by"),
        "deployments": found.deployments.filter(until=None)
        .select_related("component__system", "version", "deployed_by")
        .order_by("component__name"),
        "differences": differences(comparison, found),
        "reference": comparison.reference,
        "changes": [describe(entry) for entry in entries_of(found)[:CHANGES_SHOWN]],
        "deploy_form": deploy_form or DeployForm(system=found.system),
    }


def differences(comparison: Comparison, found: Environment) -> list[dict[str, Any]]:
    """Where *found* differs from the reference: ``{"row", "here", "there"}`` (cells), versions first."""
    reference = comparison.reference
    if reference is None or reference == found:
        return []
    rows = []
    compared: list[VersionRow | NameRow] = [*comparison.versions, *comparison.names]
    for row in compared:
        cells = {cell.environment.pk: cell for cell in row.cells}
        here, there = cells[found.pk], cells[reference.pk]
        if here.differs:
            rows.append({"row": row, "here": here, "there": there})
    return rows


@system_page(Role.LEAD)
def environment_new(request: SystemRequest, system: System) -> HttpResponse:
    """Make an environment."""
    form = EnvironmentForm(request.POST or None, system=system)
    made = saved(form, lambda **values: services.save_environment(system, by=request.user, **values))
    if made is None:
        return _form_page(request, form)
    messages.success(request, _("“%(name)s” is made. Give it its variables and secrets.") % {"name": made.name})
    return redirect(made)


@system_page(Role.LEAD)
def environment_edit(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Change an environment."""
    found = get_object_or_404(system.environments, slug=slug)
    form = EnvironmentForm(request.POST or None, instance=system.environments.get(pk=found.pk), system=system)
    changed = saved(
        form, lambda **values: services.save_environment(system, by=request.user, environment=found, **values)
    )
    if changed is None:
        return _form_page(request, form, environment=found)
    messages.success(request, _("Saved."))
    return redirect(changed)


def _form_page(request: SystemRequest, form: EnvironmentForm, **context: Any) -> HttpResponse:
    context |= {"system": request.system, "section": "environments", "form": form}
    return render(request, "environments/environment_form.html", context, status=400 if form.errors else 200)


@system_page(Role.LEAD)
@require_POST
def environment_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove an environment in which nothing was recorded."""
    found = get_object_or_404(system.environments, slug=slug)
    services.remove_environment(found, by=request.user)
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect("environments:environments", system.slug)


@system_page(Role.VIEWER)
def environment_history(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """The whole change log."""
    found = get_object_or_404(system.environments, slug=slug)
    page = Paginator(entries_of(found), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "system": system,
        "section": "environments",
        "environment": found,
        "page": page,
        "changes": [describe(entry) for entry in page],
    }
    return render(request, "environments/history.html", context)
