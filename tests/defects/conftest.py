"""A case that failed over the seam, and the defect opened from it."""

import pytest

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.defects import services
from apps.defects.models import Defect
from apps.environments.models import Environment
from apps.runs.models import Execution
from apps.systems.models import IntegrationPoint, System
from tests.defects.play import MakeCase, played


@pytest.fixture
def case(make_case: MakeCase) -> TestCase:
    return make_case(title="An order is paid", priority=TestCase.Priority.HIGH)


@pytest.fixture
def failure(environment: Environment, case: TestCase, point: IntegrationPoint) -> Execution:
    """An execution that failed at the seam, in run #1."""
    return played(environment, [case], "failed").executions.get()


@pytest.fixture
def defect(failure: Execution, system: System, tester: User) -> Defect:
    """D1, opened from the failure."""
    return services.open_defect(failure, system=system, by=tester)
