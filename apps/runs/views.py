"""Pages of runs and executions; what they do is asked of apps.execution.

A live region fetches the URL of its page and is recognised by the ``HX-Target`` header, so that filters, pages and
links inside it stay those of the page.
"""

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import testers_of
from apps.accounts.models import Role
from apps.core import live
from apps.core.states import State
from apps.runs.models import Artifact, Execution, StepResult, TestRun
from apps.runs.pages import comparison, downloads, execution_page, groups, run_list, step_tree, variables
from apps.runs.pages.execution_list import ListFilter, ids_of
from apps.runs.pages.execution_list import page as execution_list_page
from apps.runs.pages.people import manual_work
from apps.runs.pages.progress import counts
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System

PAGE = 50
VERDICTS = (  # value, word and icon of the buttons by which a person judges
    ("passed", _("Pass"), "circle-check"),
    ("failed", _("Fail"), "circle-x"),
    ("blocked", _("Blocked"), "ban"),
    ("skipped", _("Skip"), "circle-minus"),
)


@system_page(Role.VIEWER)
def runs(request: SystemRequest, system: System) -> HttpResponse:
    """Runs of the system; ``?state=waiting`` also lists what waits for a person."""
    stream = f"{reverse('live:system', args=[system.slug])}?after={live.position(f'system:{system.pk}')}"
    form = run_list.RunFilter(request.GET, system)
    chosen = form.chosen()
    page = Paginator(run_list.runs(system, chosen, request.user), PAGE).get_page(request.GET.get("page"))
    context = _context(request, system) | {"form": form, "chosen": chosen, "page": page, "stream": stream}
    if chosen.get("state") == "waiting":
        found = run_list.waiting(system, request.user, request.GET.get("who", ""))
        context |= {"waiting": found, "waiting_shown": found.executions[:PAGE]}
    return _answer(
        request, "runs/runs.html", context, {"run-list": "runs/run_list.html", "run-rows": "runs/run_rows.html"}
    )


@system_page(Role.VIEWER)
def run(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """One run: how it goes, what failed and whether that is new."""
    target = request.headers.get("HX-Target", "")
    # The stream is joined before the rows are read: nothing that happens between is missed.
    stream = "" if target else _stream(system, number)
    found = get_object_or_404(
        TestRun.objects.filter(system=system).select_related("environment", "plan", "started_by", "rerun_of"),
        number=number,
    )
    context = _context(request, system) | {
        "run": found,
        "counts": counts(found),
        "stream": stream,
        "api_url": f"{settings.BASE_URL}/api/v1/runs/{found.pk}/",
    }
    if target != "progress":
        context |= _results(request, found)
    if target not in ("progress", "executions"):
        context |= _beside(request, system, found)
    parts = {
        "progress": "runs/run_progress.html",
        "executions": "runs/run_results.html",
        "comparison": "runs/run_comparison.html",
    }
    return _answer(request, "runs/run.html", context, parts)


def _stream(system: System, number: int) -> str:
    run = get_object_or_404(TestRun.objects.filter(system=system).only("pk"), number=number)
    return f"{reverse('live:run', args=[system.slug, number])}?after={live.position(run.topic)}"


def _results(request: HttpRequest, run: TestRun) -> dict[str, Any]:
    chosen = ListFilter.of(request.GET)
    page = execution_list_page(run, chosen, request.GET.get("page", "1"), request.user)
    reasons, more_reasons = groups.reasons(run) if run.failed or run.blocked else ([], 0)
    return {
        "reasons": reasons,
        "more_reasons": more_reasons,
        "reason_count": len(reasons) + more_reasons,
        "flaky": Execution.objects.filter(run=run).flaky().count(),
        "filter": chosen,
        "page": page,
        "shown_ids": ids_of(page.object_list),
        "work": manual_work(run),
    }


def _beside(request: HttpRequest, system: System, run: TestRun) -> dict[str, Any]:
    """What the page has beside its live regions: the comparison with an earlier run."""
    context: dict[str, Any] = {
        "earlier": comparison.earlier_runs(run),
        "states": State.values,
        "testers": testers_of(system.team_id),
        "verdicts": VERDICTS,
    }
    other = _compared(request, run)
    if other is not None:
        context |= {"other": other, "changes": comparison.compare(run, other)}
    return context


def _compared(request: HttpRequest, run: TestRun) -> TestRun | None:
    """The run to compare with: the one asked for, or else the one that this run repeats."""
    wanted = request.GET.get("compare")
    if wanted is None:
        before = run.rerun_of
        return before if before is not None and before.environment_id == run.environment_id else None
    if not wanted.isdecimal() or len(wanted) >= 10:
        return None
    others = TestRun.objects.filter(system=run.system_id, environment=run.environment_id).exclude(pk=run.pk)
    return others.filter(number=int(wanted)).first()


@system_page(Role.VIEWER)
def execution(request: SystemRequest, system: System, pk: int) -> HttpResponse:
    """One execution: the failed step open. ``?attempt=`` shows an earlier attempt, ``?step=`` opens a step."""
    found = get_object_or_404(execution_page.find(Execution.objects.filter(run__system=system), pk))
    stream = _stream(system, found.run.number) if found.run.is_open else ""
    around = execution_page.surroundings(found)
    attempt = execution_page.attempt_asked(found, around.attempts, request.GET.get("attempt", ""))
    results = step_tree.light_steps(found, attempt)
    rows = step_tree.step_rows(found, results, attempt)
    wanted = request.GET.get("step", "")
    opened = step_tree.to_open(rows, wanted)
    failed = step_tree.to_open(rows, "") if wanted else opened
    step_tree.keep_light(rows)
    if opened and opened.result:
        opened.detail = execution_page.detail(StepResult.objects.get(pk=opened.result.pk))
    context = _context(request, system) | {
        "execution": found,
        "run": found.run,
        "around": around,
        "attempt": attempt,
        "attempts": execution_page.attempts(found, around.attempts),
        "rows": rows,
        "opened": opened,
        "failed": failed,
        "message": (failed and failed.result and failed.result.message) or found.message,
        "variables": variables.used(found, results),
        "row_values": variables.of_row(found),
        "artifacts": found.artifacts.select_related("step").order_by("pk")[: execution_page.ARTIFACTS],
        "deeds": execution_page.deeds(found),
        "stream": stream,
    }
    return _answer(request, "runs/execution.html", context, {"evidence": "runs/execution_evidence.html"})


@system_page(Role.VIEWER)
def step(request: SystemRequest, system: System, pk: int, step_pk: int) -> HttpResponse:
    """One step's details, fetched when it is unfolded; ``?full=1`` with long bodies."""
    detail = execution_page.detail(_step(system, pk, step_pk), full=request.GET.get("full") == "1")
    return render(request, "runs/step_detail.html", _context(request, system) | {"detail": detail})


@system_page(Role.VIEWER)
def step_pass(request: SystemRequest, system: System, pk: int, step_pk: int, number: int) -> HttpResponse:
    """The steps of one pass of a step that has steps inside, fetched when it is unfolded."""
    above = _step(system, pk, step_pk)
    found = get_object_or_404(execution_page.find(Execution.objects.filter(run__system=system), pk))
    rows = step_tree.step_rows(found, step_tree.light_steps(found, above.attempt), above.attempt)
    one = step_tree.find_pass(rows, step_pk, number)
    if one is None:
        raise Http404
    step_tree.keep_light(one.rows)
    return render(request, "runs/step_rows.html", _context(request, system) | {"execution": found, "rows": one.rows})


@system_page(Role.VIEWER)
def body(request: SystemRequest, system: System, pk: int, step_pk: int, side: str, name: str) -> HttpResponse:
    """One long part of a request or response as a file, all of what was kept."""
    found = _step(system, pk, step_pk)
    record = found.request if side == "request" else found.response
    return downloads.body(record, name, f"{pk}-{found.position + 1}-{side}-{name}")


@system_page(Role.VIEWER)
def artifact(request: SystemRequest, system: System, pk: int) -> FileResponse:
    """A file kept with an execution, always as a download."""
    found = get_object_or_404(Artifact.objects.filter(execution__run__system=system), pk=pk)
    return downloads.artifact(found)


def _step(system: System, execution: int, pk: int) -> StepResult:
    steps = StepResult.objects.filter(execution__run__system=system, execution=execution)
    return get_object_or_404(steps.select_related("execution", "point", "executed_by"), pk=pk)


def _context(request: SystemRequest, system: System) -> dict[str, Any]:
    return {"system": system, "section": "runs", "can_test": request.role >= Role.TESTER}


def _answer(request: HttpRequest, page: str, context: dict[str, Any], parts: dict[str, str]) -> HttpResponse:
    """The whole page, or the one of its *parts* (by element id) that htmx wants to replace."""
    response = render(request, parts.get(request.headers.get("HX-Target", ""), page), context)
    patch_vary_headers(response, ["HX-Target"])
    return response
