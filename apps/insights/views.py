"""The start page, a system's dashboard, its performance, and the command palette's search."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from apps.accounts.models import Role, Team
from apps.core.access import SignedInRequest, signed_in
from apps.insights import metrics
from apps.insights.pages import dashboard as board
from apps.insights.pages import performance as speed
from apps.insights.pages import verdicts
from apps.insights.readiness import readiness
from apps.insights.search import search as find
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@signed_in
def home(request: SignedInRequest) -> HttpResponse:
    """The user's systems with their verdicts; a user of one system goes on to its dashboard."""
    systems = list(System.objects.visible_to(request.user).select_related("team").order_by("team__name", "name"))
    if len(systems) == 1 and "all" not in request.GET:
        return HttpResponseRedirect(systems[0].get_absolute_url())
    judged = readiness(systems) if systems else {}
    context = {
        "section": "home",
        "systems": [(system, verdicts.most_pressing(system, judged[system.pk])) for system in systems],
        "teams": Team.objects.visible_to(request.user).filter(
            memberships__user=request.user, memberships__role__gte=Role.LEAD
        ),
    }
    return render(request, "insights/home.html", context)


@system_page(Role.VIEWER)
def dashboard(request: SystemRequest, system: System) -> HttpResponse:
    """Can we ship? What needs me now? The parts ``now`` and ``running`` are fetched again as things happen."""
    target = request.headers.get("HX-Target", "")
    live_stream = "" if target else board.stream(system)  # joined before the rows are read: nothing is missed
    context = _context(request, system, "dashboard") | board.now(system, request.user, request.GET)
    if not target:
        context |= board.whole(system) | {"stream": live_stream}
    template = "insights/dashboard_now.html" if target == "now" else "insights/dashboard.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Target"])
    return response


@system_page(Role.VIEWER)
def performance(request: SystemRequest, system: System) -> HttpResponse:
    """What got slower: ``?environment=``, ``?days=`` (7, 30, 90), and ``?point=`` for the chart."""
    places, place = speed.environment_asked(system, request.GET.get("environment", ""))
    days = speed.period_asked(request.GET.get("days", ""))
    found = metrics.latencies(system, days=days, environment=place) if place else []
    rows = speed.table(found, days)
    asked = request.GET.get("point", "")
    chosen = next((row for row in rows if row.point.slug == asked), rows[0] if rows else None)
    context = _context(request, system, "performance") | {
        "environments": places,
        "environment": place,
        "days": days,
        "periods": speed.PERIODS,
        "rows": rows,
        "slower": sum(row.latency.is_slower for row in rows),
        "comparable": any(row.latency.change is not None for row in rows),
        "chosen": chosen,
        "chart": speed.chart(chosen, days) if chosen else None,
        "paths": speed.paths(system, found) if found else [],
    }
    return render(request, "insights/performance.html", context)


@system_page(Role.VIEWER)
def search(request: SystemRequest, system: System) -> JsonResponse:
    """``?q=`` → what the command palette offers."""
    return JsonResponse({"results": find(system, request.GET.get("q", "")[:200])})


def _context(request: SystemRequest, system: System, section: str) -> dict[str, Any]:
    return {"system": system, "section": section, "can_test": request.role >= Role.TESTER}
