"""Pages of cases and plans, with their results."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers

from apps.accounts.models import Role
from apps.catalog.models import TestCase
from apps.catalog.services import path_to
from apps.insights.cases import case_page, plan_page
from apps.insights.cases.case_list import PAGE, case_list
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System

TABS = ("steps", "yaml", "results", "history")


@system_page(Role.VIEWER)
def cases(request: SystemRequest, system: System) -> HttpResponse:
    """The tree of suites, the cases under the filters of the URL, and the one that ``?case=`` opens beside them."""
    shown = case_list(system, request.GET)
    context = _context(request, system) | {"list": shown, "page": shown.page}
    if (number := request.GET.get("case", "")).isdecimal() and len(number) < 10:
        context |= _panel(system, int(number))
    return _answer(request, "insights/cases/cases.html", context, {"cases": "insights/cases/list.html"})


@system_page(Role.VIEWER)
def case_panel(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """What stands beside the list for one case."""
    context = _context(request, system) | _panel(system, number)
    if "case" not in context:
        get_object_or_404(system.cases, number=number)
    return render(request, "insights/cases/panel.html", context)


def _panel(system: System, number: int) -> dict[str, Any]:
    found = case_page.find(system).filter(number=number).first()
    return {"case": found, "standings": case_page.standings(found)} if found else {}


@system_page(Role.VIEWER)
def case(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """One case; ``?tab=`` chooses what is shown of it."""
    found = get_object_or_404(case_page.find(system), number=number)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    path = path_to(found.suite_id)
    context = _context(request, system) | {
        "case": found,
        "tab": tab,
        "path": path,
        "standings": case_page.standings(found),
        "plans": case_page.plans_with(found, path),
        "defects": case_page.defects_of(found),
        **_tab(request, found, tab),
    }
    return render(request, "insights/cases/case.html", context)


def _tab(request: HttpRequest, case: TestCase, tab: str) -> dict[str, Any]:
    number = request.GET.get("page")
    if tab == "results":
        return {"page": case_page.executions(case, request.GET.get("environment", ""), number)}
    if tab == "history":
        page, changes = case_page.changes(case, number)
        return {"page": page, "changes": changes}
    return {"rows": case_page.data_rows(case)} if tab == "steps" else {}


@system_page(Role.VIEWER)
def plans(request: SystemRequest, system: System) -> HttpResponse:
    """All plans, with how many cases each selects and how its last run ended."""
    page = Paginator(system.plans.all(), PAGE).get_page(request.GET.get("page"))
    context = _context(request, system, "plans") | {"page": page, "rows": plan_page.plan_rows(list(page.object_list))}
    return render(request, "insights/cases/plans.html", context)


@system_page(Role.VIEWER)
def plan(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """What a plan selects, its last runs, and the button that runs it."""
    found = get_object_or_404(system.plans.prefetch_related("suites", "cases"), slug=slug)
    environments = list(system.environments.all())
    shown = plan_page.selected(found, environments, request.GET.get("environment", ""), request.GET.get("page"))
    context = _context(request, system, "plans") | {"plan": found, "environments": environments, "shown": shown}
    context |= {"page": shown.page, "runs": plan_page.last_runs(found)}
    context["version_sets"] = plan_page.by_versions(found)
    return render(request, "insights/cases/plan.html", context)


def _context(request: SystemRequest, system: System, section: str = "cases") -> dict[str, Any]:
    return {
        "system": system,
        "section": section,
        "can_test": request.role >= Role.TESTER,
        "can_lead": request.role >= Role.LEAD,
    }


def _answer(request: HttpRequest, template: str, context: dict[str, Any], parts: dict[str, str]) -> HttpResponse:
    """The page, or the part of it that htmx asks for by its id."""
    part = parts.get(request.headers.get("HX-Target", ""))
    response = render(request, part or template, context)
    patch_vary_headers(response, ["HX-Target"])
    return response
