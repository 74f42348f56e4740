"""Who does the manual work of a run, and one verdict on several executions."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.errors import DomainError
from apps.execution import services
from apps.execution.people_forms import AssignChosenForm, AssignForm, SplitForm, VerdictsForm, first_error
from apps.runs.models import Execution, TestRun
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.TESTER)
@require_POST
def assign(request: SystemRequest, system: System, pk: int) -> HttpResponse:
    """Say who does this execution; nobody when ``user`` is empty."""
    execution = get_object_or_404(Execution.objects.filter(run__system=system), pk=pk)
    data = _checked(AssignForm(request.POST, system=system))
    services.assign([execution], to=data["user"], by=request.user)
    return redirect("execution:manual", system.slug, pk)


@system_page(Role.TESTER)
@require_POST
def assign_chosen(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Say who does the chosen executions of a run; nobody when ``user`` is empty."""
    run = _run(system, number)
    form = AssignChosenForm(request.POST, system=system)
    data = _checked(form)
    count = services.assign(services.chosen(run, form.ids), to=data["user"], by=request.user)
    words = {"count": count, "who": data["user"] or _("nobody")}
    text = ngettext("%(count)s execution given to %(who)s.", "%(count)s executions given to %(who)s.", count)
    return _told(request, run, text % words)


@system_page(Role.TESTER)
@require_POST
def split(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Share the manual work of a run among people."""
    run = _run(system, number)
    data = _checked(SplitForm(request.POST, system=system))
    people = list(data["people"])
    given = services.split(run, people, by=request.user, how=data["how"], again=data["again"])
    shares = ", ".join(f"{person} {given[person.pk]}" for person in people)
    return _told(request, run, _("Shared out: %(shares)s.") % {"shares": shares})


@system_page(Role.TESTER)
@require_POST
def verdicts(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """One verdict and note on all chosen executions, or on none."""
    run = _run(system, number)
    data = _checked(VerdictsForm(request.POST))
    done = services.finish_manual_steps(
        data["execution"], run=run, verdict=data["verdict"], note=data["note"], by=request.user
    )
    text = ngettext(
        "The verdict is stored on %(count)s execution.", "The verdict is stored on %(count)s executions.", len(done)
    )
    return _told(request, run, text % {"count": len(done)})


def _run(system: System, number: int) -> TestRun:
    found: TestRun = get_object_or_404(TestRun.objects.filter(system=system).select_related("system"), number=number)
    return found


def _checked(form: forms.Form) -> dict[str, Any]:
    if form.is_valid():
        return form.cleaned_data
    if {"user", "people"} & {name for name in form.errors if form.data.get(name)}:
        raise DomainError("unknown-user", _("Only testers of this team can be asked."), status=422)
    detail, errors = first_error(form)
    raise DomainError("invalid", detail, status=422, errors=errors)


def _told(request: HttpRequest, run: TestRun, text: str) -> HttpResponse:
    """The open page stays as it is and shows *text*; without a script the run's page is loaded again with it."""
    messages.success(request, text)
    if request.headers.get("HX-Request"):
        return render(request, "components/messages.html")
    return redirect(run)
