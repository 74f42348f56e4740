"""Trying one step from the editor of cases."""

from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import Role
from apps.core.errors import DomainError
from apps.core.json_reading import read_json
from apps.execution import trying
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.TESTER)
@require_POST
def try_step(request: SystemRequest, system: System) -> HttpResponse:
    """POST ``{environment, step, row, session}``; the part that is answered asks for the result by itself."""
    try:
        ticket = _ask(request, system)
    except DomainError as error:
        return JsonResponse(error.problem(), status=error.status, content_type="application/problem+json")
    return _answer(request, system, ticket)


def _ask(request: SystemRequest, system: System) -> str:
    try:
        data: Any = read_json(request.body)
    except ValueError as error:
        raise DomainError("invalid-json", _("Not valid JSON: %(reason)s") % {"reason": error}) from None
    if not isinstance(data, dict):
        raise DomainError("invalid-json", _("A JSON object is needed."))
    environment = system.environments.filter(slug=str(data.get("environment", ""))).first()
    if environment is None:
        raise DomainError("no-environment", _("Choose an environment to try the step in."), status=422)
    row = data.get("row") if isinstance(data.get("row"), dict) else {}
    session = str(data.get("session") or "")
    step = data.get("step")
    if isinstance(step, dict) and not step.get("name"):
        step = step | {"name": str(step.get("kind", ""))}  # one tries first, and names what has worked
    return trying.ask(environment, step, row=row or {}, session=session, user_id=request.user.pk)


@system_page(Role.TESTER)
@require_GET
def try_result(request: SystemRequest, system: System, ticket: str) -> HttpResponse:
    """What came of the try, or a part that asks again in a moment."""
    return _answer(request, system, ticket)


@system_page(Role.TESTER)
@require_GET
def try_picture(request: SystemRequest, system: System, ticket: str) -> HttpResponse:
    """The picture of a page that the try took."""
    own = set(system.environments.values_list("pk", flat=True))
    found = trying.picture(ticket, user_id=request.user.pk, environments=own)
    if found is None:
        raise Http404
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=600"}
    return HttpResponse(found, content_type=trying.PICTURE, headers=headers)


def _answer(request: SystemRequest, system: System, ticket: str) -> HttpResponse:
    own = set(system.environments.values_list("pk", flat=True))
    found = trying.look(ticket, user_id=request.user.pk, environments=own)
    if found is None:
        raise Http404
    return render(request, "execution/try_step.html", {"system": system, "ticket": ticket, "answer": found})
