"""Suites: make, change, remove."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.catalog import services
from apps.catalog.forms import SuiteForm
from apps.catalog.models import TestSuite
from apps.core.forms import saved
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.TESTER)
def suite_new(request: SystemRequest, system: System) -> HttpResponse:
    """Make a suite; ``?parent=`` says below which."""
    parent = request.GET.get("parent", "")
    above = system.suites.filter(pk=parent).first() if parent.isdecimal() and len(parent) < 10 else None
    form = SuiteForm(request.POST or None, system=system, initial={"parent": above})
    made = saved(form, lambda **values: services.save_suite(system, by=request.user, **values))
    return _shown(request, system, made) if made else _form(request, system, form, None)


@system_page(Role.TESTER)
def suite_edit(request: SystemRequest, system: System, pk: int) -> HttpResponse:
    """Rename or move a suite."""
    suite = get_object_or_404(system.suites, pk=pk)
    form = SuiteForm(request.POST or None, system=system, instance=suite)
    changed = saved(form, lambda **values: services.save_suite(system, suite=suite, by=request.user, **values))
    if changed:
        return _shown(request, system, changed)
    return _form(request, system, form, get_object_or_404(system.suites, pk=pk))


@system_page(Role.TESTER)
@require_POST
def suite_remove(request: SystemRequest, system: System, pk: int) -> HttpResponse:
    """Remove an empty suite."""
    suite = get_object_or_404(system.suites, pk=pk)
    services.remove_suite(suite, by=request.user)
    messages.success(request, _("“%(name)s” is removed.") % {"name": suite.name})
    return redirect("insights:cases", system.slug)


def _shown(request: SystemRequest, system: System, suite: TestSuite) -> HttpResponse:
    messages.success(request, _("“%(name)s” is saved.") % {"name": suite.name})
    return redirect(reverse("insights:cases", args=[system.slug]) + f"?suite={suite.pk}")


def _form(request: SystemRequest, system: System, form: Any, suite: TestSuite | None) -> HttpResponse:
    context = {"system": system, "section": "cases", "form": form, "suite": suite}
    return render(request, "catalog/suite_form.html", context, status=400 if form.errors else 200)
