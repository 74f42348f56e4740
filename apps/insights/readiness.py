"""May this be released? Yes, no, or unknown: no evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.db.models import Case, Count, DateTimeField, Exists, F, Max, OuterRef, Q, QuerySet, Value, When

from apps.catalog.models import TestCase
from apps.core.states import NOT_PASSED, State
from apps.defects.models import Defect, Evidence
from apps.environments.models import Environment
from apps.runs.models import CaseRecord, PointRecord
from apps.systems.models import Criticality, IntegrationPoint, System

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Verdict(StrEnum):
    READY = "ready"
    NOT_READY = "not_ready"
    NO_EVIDENCE = "no_evidence"


class Why(StrEnum):
    """What speaks against an environment; the first four say no, the others leave it unknown."""

    CASES_FAILING = "cases_failing"
    POINTS_FAILING = "points_failing"
    DEFECTS = "defects"
    CASES_MISSING = "cases_missing"
    POINTS_MISSING = "points_missing"
    NOTHING_IMPORTANT = "nothing_important"


AGAINST = (Why.CASES_FAILING, Why.POINTS_FAILING, Why.DEFECTS)


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks against it, and how many times."""

    why: Why
    count: int

    @property
    def is_against(self) -> bool:
        """Whether it says no, rather than that nobody knows."""
        return self.why in AGAINST


@dataclass(slots=True)
class Readiness:
    """Verdict on one environment; *passed* of *cases* important cases hold there now."""

    environment: Environment
    verdict: Verdict
    cases: int
    passed: int
    deployed_at: datetime | None
    tested_at: datetime | None
    reasons: list[Reason] = field(default_factory=list)


def readiness(systems: Sequence[System]) -> dict[int, list[Readiness]]:
    """Verdicts on each environment of *systems*: system id → in the order of the environments; six queries in all.

    *Important* are active cases of priority high or critical, and integration points of criticality critical. A
    result is *current* in an environment when nothing was deployed there after it.

    - **not ready** when an important case last failed or was blocked there, however long ago; or a critical point
      last failed there; or an unsolved defect of severity high or critical has a failure there as evidence;
    - else **no evidence** when an important case has no current result there (a skipped one is none); or a
      critical point has no current result there; or nothing at all is important;
    - else **ready**.
    """
    found = list(
        Environment.objects.filter(system__in=systems)
        .annotate(deployed_at=Max("deployments__since", filter=Q(deployments__until=None)))
        .order_by("system", "position", "name")
    )
    totals = _totals(systems)
    cases, points, defects = _case_counts(found), _point_counts(found), _defect_counts(found)
    judged: dict[int, list[Readiness]] = {system.pk: [] for system in systems}
    for one in found:
        important = totals.get(one.system_id, (0, 0))
        judged[one.system_id].append(
            _judge(one, important, cases.get(one.pk, {}), points.get(one.pk, {}), defects.get(one.pk, 0))
        )
    return judged


def _judge(
    environment: Any, important: tuple[int, int], cases: Mapping[str, Any], points: Mapping[str, Any], defects: int
) -> Readiness:
    all_cases, all_points = important
    failing, passed = cases.get("failing", 0), cases.get("passed", 0)
    counts = {
        Why.CASES_FAILING: failing,
        Why.POINTS_FAILING: points.get("failing", 0),
        Why.DEFECTS: defects,
        Why.CASES_MISSING: all_cases - failing - passed,
        Why.POINTS_MISSING: all_points - points.get("failing", 0) - points.get("passed", 0),
        Why.NOTHING_IMPORTANT: int(all_cases == 0 and all_points == 0),
    }
    reasons = [Reason(why, count) for why, count in counts.items() if count > 0]
    against = any(reason.is_against for reason in reasons)
    verdict = Verdict.NOT_READY if against else Verdict.NO_EVIDENCE if reasons else Verdict.READY
    return Readiness(
        environment=environment,
        verdict=verdict,
        cases=all_cases,
        passed=passed,
        deployed_at=environment.deployed_at,
        tested_at=cases.get("tested_at"),
        reasons=reasons,
    )


def important_cases() -> Q:
    """Which cases decide: active ones of priority high or critical."""
    return Q(status=TestCase.Status.ACTIVE, priority__gte=TestCase.Priority.HIGH)


def deciding_cases(why: Why, environment: Environment) -> QuerySet[TestCase]:
    """The important cases that are *why* (``CASES_FAILING`` or ``CASES_MISSING``) in *environment*."""
    newest = environment.deployments.filter(until=None).aggregate(at=Max("since"))["at"] or LONG_AGO
    records = CaseRecord.objects.filter(case=OuterRef("pk"), environment=environment)
    failing = Exists(records.filter(state__in=NOT_PASSED))
    current = Exists(records.filter(state=State.PASSED, last_at__gte=newest))
    important = TestCase.objects.filter(important_cases(), system=environment.system_id)
    return important.filter(failing) if why == Why.CASES_FAILING else important.filter(~failing & ~current)


def _totals(systems: Iterable[System]) -> dict[int, tuple[int, int]]:
    """Important cases and critical points of each system."""
    chosen = System.objects.filter(pk__in=[system.pk for system in systems])
    cases = dict(
        TestCase.objects.filter(important_cases(), system__in=chosen)
        .order_by()
        .values_list("system")
        .annotate(number=Count("pk"))
    )
    points = dict(
        IntegrationPoint.objects.filter(criticality=Criticality.CRITICAL, system__in=chosen)
        .order_by()
        .values_list("system")
        .annotate(number=Count("pk"))
    )
    return {pk: (cases.get(pk, 0), points.get(pk, 0)) for pk in {*cases, *points}}


def _deployed_at(environments: Sequence[Any]) -> Any:
    """When something was last deployed in the environment of a record; a result from then on is current."""
    moments = [
        When(environment=one.pk, then=Value(one.deployed_at, output_field=DateTimeField()))
        for one in environments
        if one.deployed_at
    ]
    return Case(*moments, default=Value(LONG_AGO), output_field=DateTimeField())


def _case_counts(environments: Sequence[Environment]) -> dict[int, dict[str, Any]]:
    of_important = Q(case__status=TestCase.Status.ACTIVE, case__priority__gte=TestCase.Priority.HIGH)
    rows = (
        CaseRecord.objects.filter(of_important, environment__in=environments)
        .annotate(deployed_at=_deployed_at(environments))
        .values("environment")
        .annotate(
            failing=Count("pk", filter=Q(state__in=NOT_PASSED)),
            passed=Count("pk", filter=Q(state=State.PASSED, last_at__gte=F("deployed_at"))),
            tested_at=Max("last_at"),
        )
    )
    return {row["environment"]: dict(row) for row in rows}


def _point_counts(environments: Sequence[Environment]) -> dict[int, dict[str, Any]]:
    rows = (
        PointRecord.objects.filter(environment__in=environments, point__criticality=Criticality.CRITICAL)
        .annotate(deployed_at=_deployed_at(environments))
        .values("environment")
        .annotate(
            failing=Count("pk", filter=Q(state__in=NOT_PASSED)),
            passed=Count("pk", filter=Q(state=State.PASSED, last_at__gte=F("deployed_at"))),
        )
    )
    return {row["environment"]: dict(row) for row in rows}


def _defect_counts(environments: Sequence[Environment]) -> dict[int, int]:
    place = "execution__run__environment"
    rows = (
        Evidence.objects.filter(
            kind=Evidence.Kind.FAILURE,
            defect__state__in=Defect.UNSOLVED,
            defect__severity__gte=Defect.Severity.HIGH,
            defect__system__in={one.system_id for one in environments},
        )
        .order_by()
        .values_list(place)
        .annotate(number=Count("defect", distinct=True))
    )
    return dict(rows)
