"""The dashboard's numbers for programs: may it be released, what fails, what got slower."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.insights import metrics
from apps.insights.readiness import readiness
from apps.systems.models import System

DAYS = 30


class DashboardViewSet(ViewSet):
    """One system's dashboard, by the system's slug; read only."""

    access = "api"
    lookup_field = "slug"

    @extend_schema(
        parameters=[OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH)],
        responses={200: OpenApiTypes.OBJECT},
    )
    def retrieve(self, request: Request, slug: str) -> Response:
        """Verdict of each environment with its reasons, results of 30 days, p95 of each seam, open defects."""
        system = get_object_or_404(System.objects.visible_to(request.user), slug=slug)
        return Response(
            {
                "system": system.slug,
                "name": system.name,
                "environments": [_verdict(one) for one in readiness([system])[system.pk]],
                "days": [_day(day) for day in metrics.results_by_day(system, days=DAYS)],
                "latency": _latency(system),
                "open_defects": {row.name: row.total for row in metrics.open_defects(system)},
            }
        )


def _verdict(one: Any) -> dict[str, Any]:
    return {
        "environment": one.environment.slug,
        "verdict": one.verdict,
        "reasons": {reason.why.value: reason.count for reason in one.reasons},
        "important_cases": one.cases,
        "passing": one.passed,
        "deployed_at": one.deployed_at,
    }


def _day(day: metrics.DayResults) -> dict[str, Any]:
    return {"day": day.day, **{name: getattr(day, name) for name in metrics.RESULTS}}


def _latency(system: System) -> list[dict[str, Any]]:
    found = metrics.latencies(system, days=7)
    points = metrics.points_by_id(one.point_id for one in found)
    places = {environment.pk: environment.slug for environment in system.environments.all()}
    return [
        {
            "point": points[one.point_id].slug,
            "environment": places.get(one.environment_id),
            "count": one.count,
            "p50_ms": one.p50,
            "p95_ms": one.p95,
            "p99_ms": one.p99,
            "p95_before_ms": one.before,
        }
        for one in found
    ]
