"""What a run would be before it is started."""

from dataclasses import dataclass

from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import planning


@dataclass(frozen=True)
class Estimate:
    """How much a run would do, and for how long without its manual steps."""

    environment: Environment
    cases: int
    executions: int
    by_person: int
    expected_ms: int


def estimate(cases: list[TestCase], environment: Environment) -> Estimate:
    """The same planning that a run would use."""
    plan = planning.plan(cases, environment)
    by_person = sum(one.case.mode != TestCase.Mode.AUTOMATED for one in plan.planned)
    return Estimate(environment, len(cases), len(plan.planned), by_person, plan.expected_ms)
