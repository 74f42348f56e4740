"""Start, cancel and rerun runs."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.errors import DomainError
from apps.execution import services
from apps.execution.forms import StartForm
from apps.execution.pages.start import estimate
from apps.execution.people_forms import ChosenForm, first_error
from apps.runs.models import TestRun
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.TESTER)
def start(request: SystemRequest, system: System) -> HttpResponse:
    """Choose what to run and where; the estimate changes with the choice. POST starts the run."""
    if request.method == "POST":
        form = StartForm(request.POST, system=system)
        started = _started(form, system, request.user) if form.is_valid() else []
        if len(started) == 1:
            return redirect(started[0])
        if started:
            numbers = ", ".join(f"#{run.number}" for run in started)
            messages.success(request, _("Started: %(numbers)s.") % {"numbers": numbers})
            return redirect("runs:runs", system.slug)
        return render(request, "execution/start.html", _context(request, system, form), status=422)
    form = StartForm(_asked(request, system), system=system)
    context = _context(request, system, form)
    if request.headers.get("HX-Target") == "estimate":
        return render(request, "execution/estimate.html", context)
    return render(request, "execution/start.html", context)


def _asked(request: HttpRequest, system: System) -> Any:
    """The choice in the URL, filled up with what is most likely meant."""
    asked = request.GET.copy()
    if not asked.getlist("environment"):
        last = TestRun.objects.filter(system=system, started_by=request.user.pk).order_by("-pk")
        slug = last.values_list("environment__slug", flat=True).first()
        slug = slug or system.environments.values_list("slug", flat=True).first()
        asked.setlist("environment", [slug] if slug else [])
    if not asked.get("plan") and not asked.getlist("case"):
        asked["plan"] = system.plans.values_list("slug", flat=True).first() or ""
    return asked


def _context(request: SystemRequest, system: System, form: StartForm) -> dict[str, Any]:
    context: dict[str, Any] = {"system": system, "section": "runs", "form": form}
    if form.is_valid():
        cases, data = form.cases, form.cleaned_data
        estimates = [estimate(cases, one, data["plan"]) for one in data["environment"]]
        context |= {"cases": cases, "estimates": estimates, "unmet": any(one.unmet for one in estimates)}
    return context | {"plans": system.plans.exists(), "environments": system.environments.exists()}


def _started(form: StartForm, system: System, user: Any) -> list[TestRun]:
    data = form.cleaned_data
    try:
        return services.start_runs(
            environments=list(data["environment"]),
            system=system,
            cases=form.cases,
            plan=data["plan"],
            started_by=user,
            priority=data["priority"] or None,
            any_versions=data["any_versions"],
        )
    except DomainError as error:
        form.refuse(error)
        return []


@system_page(Role.TESTER)
@require_POST
def cancel(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Cancel what has not begun, stop the rest."""
    run = get_object_or_404(TestRun.objects.filter(system=system), number=number)
    services.cancel_run(run, by=request.user)
    return redirect("runs:run", system.slug, number)


@system_page(Role.TESTER)
@require_POST
def pause(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Hold back what has not begun."""
    services.pause_run(get_object_or_404(TestRun.objects.filter(system=system), number=number), by=request.user)
    return redirect("runs:run", system.slug, number)


@system_page(Role.TESTER)
@require_POST
def resume(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Go on."""
    services.resume_run(get_object_or_404(TestRun.objects.filter(system=system), number=number), by=request.user)
    return redirect("runs:run", system.slug, number)


@system_page(Role.TESTER)
@require_POST
def rerun(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Run again: ``which`` is ``all``, ``failed``, ``chosen`` (of ``execution``), or the id of one of its executions.

    With ``data=new`` the cases get the present rows of their data sets and new seeds.
    """
    run = get_object_or_404(TestRun.objects.filter(system=system).select_related("environment", "plan"), number=number)
    which = request.POST.get("which", "all")
    fresh = request.POST.get("data") == "new"
    chosen = [int(which)] if which.isdecimal() and len(which) < 19 else _chosen(request, which)
    again = services.rerun(run, by=request.user, which="chosen" if chosen else which, executions=chosen, fresh=fresh)
    messages.success(request, _("Started again as #%(number)s.") % {"number": again.number})
    return redirect("runs:run", system.slug, again.number)


def _chosen(request: HttpRequest, which: str) -> list[int]:
    """Those that were chosen in the run's list."""
    form = ChosenForm(request.POST)
    if which != "chosen":
        return []
    if not form.is_valid():
        detail, errors = first_error(form)
        raise DomainError("invalid", detail, status=422, errors=errors)
    return form.ids
