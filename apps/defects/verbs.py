"""What the buttons of a defect's page post to: each calls one verb and goes back to the page."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.errors import DomainError
from apps.defects import services
from apps.defects.forms import FixForm, OwnerForm, RetestForm, SeverityForm
from apps.defects.models import Defect
from apps.runs.models import Execution
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


def _defect(system: System, number: int) -> Defect:
    found: Defect = get_object_or_404(Defect.objects.filter(system=system), number=number)
    return found


def _done(request: SystemRequest, defect: Defect, act: Callable[[], Any], said: str = "") -> HttpResponse:
    """Act, then back to the defect; a refusal is shown there."""
    try:
        act()
    except DomainError as refused:
        messages.error(request, refused.detail)
    else:
        if said:
            messages.success(request, said)
    return HttpResponseRedirect(defect.get_absolute_url())


def _valid(form: Any) -> dict[str, Any]:
    """Accepted values; a choice that is not offered is a DomainError, for the page offers only those."""
    if not form.is_valid():
        errors = [{"field": name, "detail": " ".join(found)} for name, found in form.errors.items()]
        raise DomainError("invalid", _("That choice is not offered here."), status=422, errors=errors)
    return dict(form.cleaned_data)


@system_page(Role.TESTER)
@require_POST
def comment(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Add a comment, then show it."""
    defect = _defect(system, number)
    try:
        event = services.comment(defect, by=request.user, text=request.POST.get("text", ""))
    except DomainError as refused:
        messages.error(request, refused.detail)
        return HttpResponseRedirect(defect.get_absolute_url())
    return HttpResponseRedirect(f"{defect.get_absolute_url()}#event-{event.pk}")


@system_page(Role.TESTER)
@require_POST
def assign(request: SystemRequest, system: System, number: int) -> HttpResponse:
    defect = _defect(system, number)
    owner = _valid(OwnerForm(request.POST, system=system))["owner"]
    return _done(request, defect, lambda: services.assign(defect, owner, by=request.user))


@system_page(Role.TESTER)
@require_POST
def severity(request: SystemRequest, system: System, number: int) -> HttpResponse:
    defect = _defect(system, number)
    value = _valid(SeverityForm(request.POST))["severity"]
    return _done(request, defect, lambda: services.change(defect, by=request.user, severity=value))


@system_page(Role.TESTER)
@require_POST
def start(request: SystemRequest, system: System, number: int) -> HttpResponse:
    defect = _defect(system, number)
    return _done(request, defect, lambda: services.start_work(defect, by=request.user))


@system_page(Role.TESTER)
@require_POST
def fix(request: SystemRequest, system: System, number: int) -> HttpResponse:
    defect = _defect(system, number)
    version = _valid(FixForm(request.POST, system=system))["version"]
    said = _("Marked as fixed. A passing retest will verify it.")
    return _done(request, defect, lambda: services.mark_fixed(defect, by=request.user, version=version), said)


@system_page(Role.TESTER)
@require_POST
def reject(request: SystemRequest, system: System, number: int) -> HttpResponse:
    defect = _defect(system, number)
    reason = request.POST.get("reason", "")
    return _done(request, defect, lambda: services.reject(defect, by=request.user, reason=reason))


@system_page(Role.TESTER)
@require_POST
def reopen(request: SystemRequest, system: System, number: int) -> HttpResponse:
    defect = _defect(system, number)
    reason = request.POST.get("reason", "")
    return _done(request, defect, lambda: services.reopen(defect, by=request.user, reason=reason))


@system_page(Role.TESTER)
@require_POST
def evidence(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Add ``execution`` (id) as another failure that shows the defect."""
    defect = _defect(system, number)
    asked = request.POST.get("execution", "")
    known = Execution.objects.filter(run__system=system).select_related("run", "case", "failure_group")
    execution = get_object_or_404(known, pk=int(asked) if asked.isdecimal() and len(asked) < 18 else 0)
    said = _("The failure was added to %(key)s.") % {"key": defect.key}
    return _done(request, defect, lambda: services.add_evidence(defect, execution, by=request.user), said)


@system_page(Role.TESTER)
@require_POST
def retest(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Run what showed the defect again, in ``environment`` or where it was last seen."""
    defect = _defect(system, number)
    environment = _valid(RetestForm(request.POST, system=system))["environment"]
    return _done(request, defect, lambda: services.retest(defect, by=request.user, environment=environment))
