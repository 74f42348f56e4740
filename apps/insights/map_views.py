"""The system map with its side panel, and the page of one integration point."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from apps.accounts.models import Role
from apps.core import live
from apps.environments.models import Environment
from apps.insights import map_point
from apps.insights.map import COLOURS, DAYS, LEVELS, SHOWN, Level, Seam, SystemMap, graph, map_of
from apps.runs.models import PointRecord
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import KIND_ICONS, System

FEW = 6  # environments that are shown whether they have results or not
LISTED = 50  # seams on one page of the panel
CHOICES = ("environment", "colour", "show", "workflow")  # what stays in the URL while the selection changes


@system_page(Role.VIEWER)
def system_map(request: SystemRequest, system: System) -> HttpResponse:
    """Which seam is broken, slow, untested? ``?environment= colour= show= workflow=``, and a selection."""
    joined = live.position(f"system:{system.pk}")  # before the rows are read: nothing is missed
    context = _map_context(request, system)
    found: SystemMap = context["map"]
    workflow = context["workflow"]
    drawn = graph(found, colour=context["colour"], show=context["show"], workflow=workflow)
    context |= {
        "kind_icons": KIND_ICONS.items(),
        "graph": drawn,
        "counts": found.counts(context["colour"]),
        "arranged": any(component.place for component in found.components),
        "workflows": system.workflows.all()[:50],
        "stream": f"{reverse('live:system', args=[system.slug])}?after={joined}",
    }
    return render(request, "insights/map.html", context)


@system_page(Role.VIEWER)
def map_panel(request: SystemRequest, system: System) -> HttpResponse:
    """The side panel alone: the list, or what ``?point=``, ``?component=`` or ``?from=&to=`` selects."""
    context = _map_context(request, system)
    answer = render(request, "insights/map_panel.html", context)
    chosen = request.GET.urlencode()
    answer["HX-Push-Url"] = reverse("insights:map", args=[system.slug]) + (f"?{chosen}" if chosen else "")
    return answer


def _map_context(request: SystemRequest, system: System) -> dict[str, Any]:
    environments = list(system.environments.all())
    environment = _chosen(environments, request.GET.get("environment", ""))
    found = map_of(system, environment)
    colour, show = request.GET.get("colour", ""), request.GET.get("show", "")
    context = {
        "system": system,
        "section": "map",
        "map": found,
        "environments": environments,
        "environment": environment,
        "colour": colour if colour in COLOURS else COLOURS[0],
        "show": show if show in SHOWN else "",
        "days": DAYS,
        "workflow": system.workflows.filter(slug=request.GET.get("workflow", "")).first(),
        "kept": urlencode({name: value for name in CHOICES if (value := request.GET.get(name))}),
    }
    return context | _selection(request, found, context)


def _chosen(environments: list[Environment], slug: str) -> Environment | None:
    """The environment asked for; else the first with results, else the first."""
    asked = next((one for one in environments if one.slug == slug), None)
    if asked is None:
        places = PointRecord.objects.filter(environment__in=environments).values_list("environment", flat=True)
        with_results = set(places.distinct())
        asked = next((one for one in environments if one.pk in with_results), next(iter(environments), None))
    return asked


def _selection(request: SystemRequest, found: SystemMap, context: dict[str, Any]) -> dict[str, Any]:
    """What the panel shows: ``panel`` is list, seam, component or pair."""
    asked = request.GET
    ends = (asked.get("from", ""), asked.get("to", ""))
    pair = found.of(ends=ends) if all(ends) else []
    seam = found.seam(asked.get("point", "")) or (pair[0] if len(pair) == 1 else None)
    if seam is not None:
        return {"panel": "seam", "seam": seam} | _seam_details(seam, found)
    if pair:
        return {"panel": "pair", "seams": _listed(request, pair, context), "ends": pair[0].point}
    component = next((one for one in found.components if one.slug == asked.get("component")), None)
    if component is not None:
        seams = _listed(request, found.of(component=component.slug), context)
        return {
            "panel": "component",
            "component": component,
            "seams": seams,
            "version": found.versions.get(component.slug),
        }
    listed = [(name, sum(seam.is_shown(name) for seam in found.seams)) for name in SHOWN]
    return {"panel": "list", "seams": _listed(request, found.of(show=context["show"]), context), "filters": listed}


def _listed(request: SystemRequest, seams: list[Seam], context: dict[str, Any]) -> Page[tuple[Seam, Level]]:
    """One page of seams with their levels, the worst first."""
    order = [level.key for level in LEVELS[context["colour"]]]
    pairs = [(seam, seam.level(context["colour"])) for seam in seams]
    pairs.sort(key=lambda pair: order.index(pair[1].key))
    return Paginator(pairs, LISTED).get_page(request.GET.get("page"))


def _seam_details(seam: Seam, found: SystemMap) -> dict[str, Any]:
    point = seam.point
    return {
        "covering": map_point.covering(point, found.environment, most=10),
        "defects": map_point.unsolved(point, most=5),
        "workflows": map_point.workflows(point, most=10),
    }


def _told_and_untested(
    standings: list[map_point.Standing], chosen: Environment | None
) -> tuple[list[map_point.Standing], list[Environment]]:
    """Where few are, all; else those that have something to tell, and the environments that have not."""
    if len(standings) <= FEW:
        return standings, []
    told = [one for one in standings if one.record or one.environment == chosen]
    return told, [one.environment for one in standings if one not in told]


@system_page(Role.VIEWER)
def point_page(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """One seam: state everywhere, latency by day, cases, results, defects, workflows. ``?environment=`` narrows."""
    points = system.points.select_related("consumer", "provider")
    point = get_object_or_404(points, slug=slug)
    point.system = system
    environments = list(system.environments.all())
    asked = next((one for one in environments if one.slug == request.GET.get("environment")), None)
    standings = map_point.standings(point, environments, days=DAYS)
    seen = next((standing.environment for standing in standings if standing.record), None)
    environment = asked or seen or next(iter(environments), None)
    shown, untested = _told_and_untested(standings, environment)
    before = request.GET.get("before", "")
    context = {
        "system": system,
        "section": "map",
        "point": point,
        "standings": shown,
        "untested": untested,
        "environment": environment,
        "only": asked,
        "days": DAYS,
        "chart": map_point.latency_chart(point, environment) if environment else None,
        "covering": map_point.covering(point, environment),
        "results": map_point.results(point, asked, int(before) if before.isdecimal() else None),
        "defects": map_point.unsolved(point),
        "workflows": map_point.workflows(point),
    }
    return render(request, "insights/point.html", context)
