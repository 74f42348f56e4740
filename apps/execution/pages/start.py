"""What a run would be before it is started."""

from collections import Counter
from dataclasses import dataclass

from apps.catalog.models import TestCase, TestPlan
from apps.catalog.services import Unmet, unmet
from apps.environments.models import Environment
from apps.environments.services import versions_deployed
from apps.execution import planning
from apps.execution.queues import joined
from apps.execution.serving import Notice, notices


@dataclass(frozen=True)
class Estimate:
    """How much a run would do, and for how long without its manual steps.

    *unmeasured* of the automated executions were never timed here; *versions* are those deployed now, *unmet* those of
    them that the plan is not meant for.
    """

    environment: Environment
    cases: int
    executions: int
    by_person: int
    expected_ms: int
    unmeasured: int
    notices: list[Notice]
    versions: dict[str, str]
    unmet: list[Unmet]

    @property
    def automated(self) -> int:
        """Executions that need nobody."""
        return self.executions - self.by_person


def estimate(cases: list[TestCase], environment: Environment, plan: TestPlan | None = None) -> Estimate:
    """The same planning that a run would use, and what of it no worker would take."""
    order = planning.plan(cases, environment)
    needs = Counter(joined(one.case.needs) for one in order.planned)
    deployed = versions_deployed(environment)
    return Estimate(
        environment=environment,
        cases=len(cases),
        executions=len(order.planned),
        by_person=sum(one.case.mode != TestCase.Mode.AUTOMATED for one in order.planned),
        expected_ms=order.expected_ms,
        unmeasured=order.unmeasured,
        notices=notices(environment, needs),
        versions=deployed,
        unmet=unmet(plan, deployed) if plan else [],
    )
