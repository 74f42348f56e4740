"""Variables and secrets of an environment, edited in place."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.forms import saved
from apps.environments import services
from apps.environments.forms import SecretForm, VariableForm
from apps.environments.models import Environment
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.LEAD)
def variables(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """GET: the table, ``?edit=NAME`` with that row's fields. POST: set a variable."""
    environment = get_object_or_404(system.environments, slug=slug)
    if request.method != "POST":
        return _variables(request, environment, edit=request.GET.get("edit", ""))
    form = VariableForm(request.POST)
    row = saved(form, lambda **values: services.set_variable(environment, by=request.user, **values))
    if row is None:
        return _variables(request, environment, edit=request.POST.get("was", ""), form=form)
    return _variables(request, environment, changed=row.name)


@system_page(Role.LEAD)
@require_POST
def variable_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove the variable ``name``."""
    environment = get_object_or_404(system.environments, slug=slug)
    services.remove_variable(environment, request.POST.get("name", ""), by=request.user)
    return _variables(request, environment)


@system_page(Role.LEAD)
def secrets(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """GET: the table, ``?edit=NAME`` with a field for a new value. POST: set or replace a secret."""
    environment = get_object_or_404(system.environments, slug=slug)
    if request.method != "POST":
        return _secrets(request, environment, edit=request.GET.get("edit", ""))
    form = SecretForm(request.POST)
    row = saved(form, lambda **values: services.set_secret(environment, by=request.user, **values))
    if row is None:
        return _secrets(request, environment, edit=request.POST.get("edit", ""), form=form)
    return _secrets(request, environment, changed=row.name)


@system_page(Role.LEAD)
@require_POST
def secret_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove the secret ``name``."""
    environment = get_object_or_404(system.environments, slug=slug)
    services.remove_secret(environment, request.POST.get("name", ""), by=request.user)
    return _secrets(request, environment)


def _variables(request: SystemRequest, environment: Environment, **context: Any) -> HttpResponse:
    return _answer(
        request, environment, "environments/variables.html", {"variables": environment.variables.all()}, context
    )


def _secrets(request: SystemRequest, environment: Environment, **context: Any) -> HttpResponse:
    rows = environment.secrets.select_related("changed_by")
    return _answer(request, environment, "environments/secrets.html", {"secrets": rows}, context)


def _answer(
    request: SystemRequest, environment: Environment, template: str, rows: dict[str, Any], context: dict[str, Any]
) -> HttpResponse:
    """The table for htmx, which swaps it in place; without it, the page with what went wrong as a message."""
    form = context.get("form")
    if not getattr(request, "htmx", False):
        for error in [text for errors in form.errors.values() for text in errors] if form else []:
            messages.error(request, error)
        return redirect(environment)
    return render(request, template, {"system": request.system, "environment": environment, **rows, **context})
