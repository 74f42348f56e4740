"""Plans: make, change, remove."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.catalog import services
from apps.catalog.forms import PlanForm
from apps.catalog.models import TestPlan
from apps.core.forms import saved
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.LEAD)
def plan_new(request: SystemRequest, system: System) -> HttpResponse:
    """Make a plan; ``?suite=`` and ``?tag=`` choose something to begin with."""
    initial = {"suites": request.GET.getlist("suite"), "tags": request.GET.getlist("tag")}
    form = PlanForm(request.POST or None, system=system, initial=initial)
    made = saved(form, lambda **values: services.save_plan(system, by=request.user, **values))
    return redirect(made.get_absolute_url()) if made else _form(request, system, form, None)


@system_page(Role.LEAD)
def plan_edit(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Change what a plan selects."""
    plan = get_object_or_404(system.plans, slug=slug)
    form = PlanForm(request.POST or None, system=system, instance=plan)
    changed = saved(form, lambda **values: services.save_plan(system, plan=plan, by=request.user, **values))
    if changed:
        messages.success(request, _("“%(name)s” is saved.") % {"name": changed.name})
        return redirect(changed.get_absolute_url())
    return _form(request, system, form, get_object_or_404(system.plans, slug=slug))


@system_page(Role.LEAD)
@require_POST
def plan_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove a plan; its runs stay."""
    plan = get_object_or_404(system.plans, slug=slug)
    services.remove_plan(plan, by=request.user)
    messages.success(request, _("“%(name)s” is removed; its runs stay.") % {"name": plan.name})
    return redirect("insights:plans", system.slug)


def _form(request: SystemRequest, system: System, form: Any, plan: TestPlan | None) -> HttpResponse:
    context = {"system": system, "section": "plans", "form": form, "plan": plan}
    return render(request, "catalog/plan_form.html", context, status=400 if form.errors else 200)
