"""The system map: every seam with its state in one environment, and the graph that is drawn of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.catalog.models import TestCase
from apps.core.states import NOT_PASSED, State
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.environments.services import versions_deployed
from apps.insights import metrics
from apps.insights.map_layout import Layout, arrange
from apps.insights.map_places import placed
from apps.runs.models import PointRecord
from apps.systems.models import Component, IntegrationPoint, System, Workflow

DAYS = 7  # of latency, compared with the 7 days before
LINES = 3  # seams written on one edge; the panel lists all
COVERED = 2  # active cases from which a seam counts as covered


@dataclass(frozen=True, slots=True)
class Level:
    """How a seam stands out: word, icon, sign on the graph, tone and line, never tone alone."""

    key: str
    word: Any
    icon: str
    sign: str
    tone: str
    line: str  # solid, dashed or dotted
    heavy: bool = False


# For each colour mode, worst first: an edge of several seams is drawn as its worst one.
LEVELS: dict[str, tuple[Level, ...]] = {
    "result": (
        Level("failed", gettext_lazy("Failed"), "circle-x", "✕", "failed", "solid", heavy=True),
        Level("unknown", gettext_lazy("No result here"), "help", "?", "unknown", "dotted"),
        Level("passed", gettext_lazy("Passed"), "circle-check", "✓", "passed", "solid"),
    ),
    "latency": (
        Level("slower", gettext_lazy("Slower"), "trending-up", "▲", "failed", "dashed", heavy=True),
        Level("unknown", gettext_lazy("Not measured here"), "help", "?", "unknown", "dotted"),
        Level("steady", gettext_lazy("Not slower"), "gauge", "●", "passed", "solid"),
    ),
    "coverage": (
        Level("none", gettext_lazy("No case"), "circle-dashed", "∅", "failed", "dotted", heavy=True),
        Level("thin", gettext_lazy("One case"), "circle-half-2", "◐", "blocked", "dashed"),
        Level("covered", gettext_lazy("Two cases or more"), "shield-check", "●", "passed", "solid"),
    ),
}
COLOURS = tuple(LEVELS)
SHOWN = ("failed", "untested", "slow")


@dataclass(frozen=True, slots=True)
class Seam:
    """An integration point with what is known of it in one environment."""

    point: IntegrationPoint
    state: str  # of the last result; "unknown" where it has none
    record: PointRecord | None
    latency: metrics.Latency | None
    cases: int
    defects: int

    def level(self, colour: str) -> Level:
        """How it stands out in the colour mode."""
        key = {"result": self._result, "latency": self._speed, "coverage": self._coverage}[colour]()
        return next(level for level in LEVELS[colour] if level.key == key)

    def _result(self) -> str:
        return "failed" if self.state in NOT_PASSED else "passed" if self.state == State.PASSED else "unknown"

    def _speed(self) -> str:
        return "unknown" if self.latency is None else "slower" if self.latency.is_slower else "steady"

    def _coverage(self) -> str:
        return "none" if not self.cases else "covered" if self.cases >= COVERED else "thin"

    def is_shown(self, show: str) -> bool:
        """Whether it is among the *failed*, the *untested* (no case, or no result here) or the *slow*."""
        return {
            "failed": self._result() == "failed",
            "untested": self._result() == "unknown" or not self.cases,
            "slow": self._speed() == "slower",
        }.get(show, True)


@dataclass(frozen=True)
class SystemMap:
    """Components and seams of a system in *environment*."""

    system: System
    environment: Environment | None
    components: Sequence[Component]
    seams: Sequence[Seam]
    versions: dict[str, str] = field(default_factory=dict)

    def counts(self, colour: str) -> list[tuple[Level, int]]:
        """How many seams stand at each level of the colour mode, worst first."""
        keys = [seam.level(colour).key for seam in self.seams]
        return [(level, keys.count(level.key)) for level in LEVELS[colour]]

    def of(self, *, show: str = "", component: str = "", ends: tuple[str, str] | None = None) -> list[Seam]:
        """The seams of a filter, of a component, or from one component to another."""
        return [
            seam
            for seam in self.seams
            if seam.is_shown(show)
            and (not component or component in (seam.point.consumer.slug, seam.point.provider.slug))
            and (ends is None or ends == (seam.point.consumer.slug, seam.point.provider.slug))
        ]

    def seam(self, slug: str) -> Seam | None:
        """The seam with this short name."""
        return next((seam for seam in self.seams if seam.point.slug == slug), None)


def map_of(system: System, environment: Environment | None) -> SystemMap:
    """What the map shows; six queries at any size."""
    points = list(
        IntegrationPoint.objects.filter(system=system)
        .select_related("consumer", "provider")
        .annotate(active_cases=Count("cases", filter=Q(cases__status=TestCase.Status.ACTIVE), distinct=True))
        .order_by("consumer__name", "provider__name", "operation")
    )
    return SystemMap(
        system=system,
        environment=environment,
        components=list(system.components.all()),
        seams=_seams(system, points, environment),
        versions=versions_deployed(environment) if environment else {},
    )


def _seams(system: System, points: Iterable[Any], environment: Environment | None) -> list[Seam]:
    unsolved = Defect.objects.filter(system=system, state__in=Defect.UNSOLVED, point__isnull=False)
    defects = dict(unsolved.order_by().values_list("point").annotate(number=Count("pk")))
    records: dict[int, PointRecord] = {}
    speeds: dict[int, metrics.Latency] = {}
    if environment is not None:
        found = PointRecord.objects.filter(environment=environment, point__system=system)
        records = {record.point_id: record for record in found}
        measured = metrics.latencies(system, days=DAYS, environment=environment)
        speeds = {latency.point_id: latency for latency in measured}
    return [
        Seam(
            point=point,
            state=records[point.pk].state if point.pk in records else "unknown",
            record=records.get(point.pk),
            latency=speeds.get(point.pk),
            cases=point.active_cases,
            defects=defects.get(point.pk, 0),
        )
        for point in points
    ]


def graph(found: SystemMap, *, colour: str, show: str = "", workflow: Workflow | None = None) -> dict[str, Any]:
    """The graph for ``map.js``: nodes with places, one edge for all seams from one component to another."""
    path = list(workflow.hops.values_list("point__slug", flat=True)) if workflow else []
    ends = [(seam.point.consumer.slug, seam.point.provider.slug) for seam in found.seams]
    layout = arrange([component.slug for component in found.components], ends)
    fixed = {component.slug: component.place for component in found.components if component.place}
    places = placed(layout, fixed)
    straight = {name for name, place in places.items() if place != (layout.nodes[name].slot, layout.nodes[name].layer)}
    by_ends = sorted(found.seams, key=_ends)
    edges = [
        _edge(pair, list(seams), colour, show, path) | {"bends": _bends(layout, pair, straight)}
        for pair, seams in groupby(by_ends, key=_ends)
    ]
    nodes = [
        {
            "id": component.slug,
            "name": component.name,
            "kind": component.kind,
            "version": found.versions.get(component.slug, ""),
            "x": round(places[component.slug].x, 3),
            "y": round(places[component.slug].y, 3),
            "row": layout.nodes[component.slug].layer,
        }
        for component in found.components
    ]
    return {"nodes": nodes, "edges": edges, "layers": layout.layers, "width": layout.width}


def _bends(layout: Layout, ends: tuple[str, str], straight: set[str]) -> list[dict[str, float]]:
    """Where the edge goes round components; one whose end is not where the layout put it goes straight."""
    bends = () if straight.intersection(ends) else layout.bends.get(ends, ())
    return [{"x": bend.slot, "y": bend.layer} for bend in bends]


def _ends(seam: Seam) -> tuple[str, str]:
    return seam.point.consumer.slug, seam.point.provider.slug


def _edge(ends: tuple[str, str], seams: list[Seam], colour: str, show: str, path: list[str]) -> dict[str, Any]:
    """One edge for *seams*, drawn as the worst of them; with a *path*, as the worst of those on it."""
    lit = [seam for seam in seams if seam.point.slug in path] or seams
    order = [level.key for level in LEVELS[colour]]
    worst = min((seam.level(colour) for seam in lit), key=lambda level: order.index(level.key))
    return {
        "id": f"{ends[0]}>{ends[1]}",
        "source": ends[0],
        "target": ends[1],
        "points": [seam.point.slug for seam in seams],
        "label": "\n".join(_lines(lit, colour, order, path)),
        "short": worst.sign if len(lit) == 1 else f"{worst.sign} {len(lit)}",
        "tone": worst.tone,
        "line": worst.line,
        "heavy": worst.heavy,
        "quiet": not _is_lit(seams, show, path),
    }


def _is_lit(seams: list[Seam], show: str, path: list[str]) -> bool:
    """Whether an edge is of the filter and of the path."""
    on_path = not path or any(seam.point.slug in path for seam in seams)
    return on_path and any(seam.is_shown(show) for seam in seams)


def _lines(seams: list[Seam], colour: str, order: list[str], path: list[str]) -> list[str]:
    """The label: hops in their order with their numbers, else the worst seams first."""

    def rank(seam: Seam) -> tuple[int, int, str]:
        hop = path.index(seam.point.slug) if seam.point.slug in path else len(path)
        return hop, order.index(seam.level(colour).key), seam.point.operation

    lines = []
    for seam in sorted(seams, key=rank)[:LINES]:
        hops = ", ".join(str(number) for number, slug in enumerate(path, 1) if slug == seam.point.slug)
        text = f"{seam.level(colour).sign} {_short(seam.point.short_operation)}"
        lines.append(f"{hops}. {text}" if hops else text)
    more = len(seams) - LINES
    return [*lines, _("+ %(count)d more") % {"count": more}] if more > 0 else lines


def _short(operation: str) -> str:
    return operation if len(operation) <= 30 else f"{operation[:29]}…"
