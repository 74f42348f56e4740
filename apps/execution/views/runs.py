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
from apps.runs.models import TestRun
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.TESTER)
def start(request: SystemRequest, system: System) -> HttpResponse:
    """Choose what to run and where; the estimate changes with the choice. POST starts the run."""
    if request.method == "POST":
        form = StartForm(request.POST, system=system)
        run = _started(form, system, request.user) if form.is_valid() else None
        if run is not None:
            return redirect(run)
        return render(request, "execution/start.html", _context(request, system, form), status=422)
    form = StartForm(_asked(request, system), system=system)
    context = _context(request, system, form)
    if request.headers.get("HX-Target") == "estimate":
        return render(request, "execution/estimate.html", context)
    return render(request, "execution/start.html", context)


def _asked(request: HttpRequest, system: System) -> Any:
    """The choice in the URL, filled up with what is most likely meant."""
    asked = request.GET.copy()
    if not asked.get("environment"):
        last = TestRun.objects.filter(system=system, started_by=request.user.pk).order_by("-pk")
        slug = last.values_list("environment__slug", flat=True).first()
        asked["environment"] = slug or system.environments.values_list("slug", flat=True).first() or ""
    if not asked.get("plan") and not asked.getlist("case"):
        asked["plan"] = system.plans.values_list("slug", flat=True).first() or ""
    return asked


def _context(request: SystemRequest, system: System, form: StartForm) -> dict[str, Any]:
    context: dict[str, Any] = {"system": system, "section": "runs", "form": form}
    if form.is_valid():
        cases = form.cases
        context |= {"cases": cases, "estimate": estimate(cases, form.cleaned_data["environment"])}
    return context | {"plans": system.plans.exists(), "environments": system.environments.exists()}


def _started(form: StartForm, system: System, user: Any) -> TestRun | None:
    data = form.cleaned_data
    try:
        return services.start_run(
            system=system, environment=data["environment"], cases=form.cases, plan=data["plan"], started_by=user
        )
    except DomainError as error:
        form.refuse(error)
        return None


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
    """Run again: ``which`` is ``all``, ``failed``, or the id of one execution of the run."""
    run = get_object_or_404(TestRun.objects.filter(system=system).select_related("environment", "plan"), number=number)
    which = request.POST.get("which", "all")
    chosen = [int(which)] if which.isdecimal() and len(which) < 19 else []
    again = services.rerun(run, by=request.user, which="chosen" if chosen else which, executions=chosen)
    messages.success(request, _("Started again as #%(number)s.") % {"number": again.number})
    return redirect("runs:run", system.slug, again.number)
