"""What a run would be before it is started."""

from collections import Counter
from dataclasses import dataclass

from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import planning
from apps.execution.queues import joined
from apps.execution.serving import Notice, notices


@dataclass(frozen=True)
class Estimate:
    """How much a run would do, and for how long without its manual steps."""

    environment: Environment
    cases: int
    executions: int
    by_person: int
    expected_ms: int
    notices: list[Notice]


def estimate(cases: list[TestCase], environment: Environment) -> Estimate:
    """The same planning that a run would use, and what of it no worker would take."""
    plan = planning.plan(cases, environment)
    by_person = sum(one.case.mode != TestCase.Mode.AUTOMATED for one in plan.planned)
    needs = Counter(joined(one.case.needs) for one in plan.planned)
    found = notices(environment, needs)
    return Estimate(environment, len(cases), len(plan.planned), by_person, plan.expected_ms, found)
