"""The manual runner: one step at a time, its verdict, its files."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import testers_of
from apps.accounts.models import Role
from apps.core import live
from apps.core.errors import DomainError
from apps.execution import attachments, services
from apps.execution.pages.runner import find, runner
from apps.execution.people_forms import VerdictForm, first_error
from apps.runs.models import Artifact, Execution
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System

View = Callable[..., HttpResponseBase]


def answers_json(view: View) -> View:
    """A page's script that asks for JSON gets a refusal as problem JSON; without a script it is an error page."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            if not request.accepts("text/html"):
                return JsonResponse(error.problem(), status=error.status, content_type="application/problem+json")
            raise

    return answered


@system_page(Role.TESTER)
@answers_json
def manual(request: SystemRequest, system: System, pk: int) -> HttpResponse:
    """The step that waits for a person. POST stores the verdict; sent again it changes nothing."""
    executions = Execution.objects.filter(run__system=system)
    if request.method == "POST":
        return _judge(request, system, get_object_or_404(executions, pk=pk))
    run = get_object_or_404(executions.select_related("run"), pk=pk).run
    position = live.position(run.topic)  # before the rows are read: nothing that happens between is missed
    found = get_object_or_404(find(executions, pk))
    context = {
        "system": system,
        "section": "runs",
        "execution": found,
        "run": found.run,
        "runner": runner(found, request.user),
        "testers": testers_of(system.team_id),
        "stream": f"{reverse('live:run', args=[system.slug, run.number])}?after={position}",
        "largest": attachments.LARGEST,
    }
    part = request.headers.get("HX-Target") == "runner"
    response = render(request, "execution/runner.html" if part else "execution/manual.html", context)
    patch_vary_headers(response, ["HX-Target"])
    return response


def _judge(request: SystemRequest, system: System, execution: Execution) -> HttpResponse:
    form = VerdictForm(request.POST)
    if not form.is_valid():
        detail, errors = first_error(form)
        raise DomainError("invalid-verdict", detail, status=422, errors=errors)
    data = form.cleaned_data
    services.finish_manual_step(execution, by=request.user, **data)
    if not request.accepts("text/html"):
        return JsonResponse({"step": data["step"], "verdict": data["verdict"]})
    return redirect("execution:manual", system.slug, execution.pk)


@system_page(Role.TESTER)
@require_POST
@answers_json
def attach(request: SystemRequest, system: System, pk: int) -> HttpResponse:
    """Keep one file with the waiting step."""
    execution = get_object_or_404(Execution.objects.filter(run__system=system), pk=pk)
    upload = request.FILES.get("file")
    if upload is None:
        raise DomainError("no-file", _("There is no file in this request."), status=422)
    artifact = attachments.attach(execution, upload)
    return _files(request, system, execution, artifact)


@system_page(Role.TESTER)
@require_POST
@answers_json
def detach(request: SystemRequest, system: System, pk: int, artifact: int) -> HttpResponse:
    """Take a file away from the waiting step."""
    execution = get_object_or_404(Execution.objects.filter(run__system=system), pk=pk)
    attachments.detach(execution, artifact)
    return _files(request, system, execution, None)


def _files(request: HttpRequest, system: System, execution: Execution, artifact: Artifact | None) -> HttpResponse:
    """The files of the waiting step as the runner shows them."""
    step = Q(step__attempt=execution.attempt, step__phase="steps", step__position=execution.resume_at)
    files = execution.artifacts.filter(step).order_by("pk")
    context = {"system": system, "execution": execution, "files": files, "added": artifact}
    return render(request, "execution/runner_files.html", context)
