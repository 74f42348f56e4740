"""From an empty system to its first run: what is done, and what comes next."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Role
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.runs.models import TestRun
from apps.systems.models import IntegrationPoint, System


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four; *role* is the lowest that may do it."""

    title: str
    text: str
    action: str
    url: str
    icon: str
    role: Role
    is_done: bool


def first_steps(system: System) -> list[Step]:
    """The four steps in their order; one query."""
    done = (
        System.objects.filter(pk=system.pk)
        .annotate(
            has_points=Exists(IntegrationPoint.objects.filter(system=OuterRef("pk"))),
            has_places=Exists(Environment.objects.filter(system=OuterRef("pk"))),
            has_tests=Exists(TestCase.objects.filter(system=OuterRef("pk"))),
            has_run=Exists(TestRun.objects.filter(system=OuterRef("pk"))),
        )
        .values("has_points", "has_places", "has_tests", "has_run")
        .get()
    )
    slug = system.slug
    return [
        Step(
            _("Describe the system"),
            _("Name its components and the integration points between them: who calls whom, how."),
            _("Open the map"),
            reverse("insights:map", args=[slug]),
            "topology-star-3",
            Role.LEAD,
            done["has_points"],
        ),
        Step(
            _("Add an environment"),
            _("Where the tests run: addresses as variables, passwords as secrets, the versions deployed."),
            _("Add environment"),
            reverse("environments:environment-new", args=[slug]),
            "server",
            Role.LEAD,
            done["has_places"],
        ),
        Step(
            _("Write a case"),
            _("Steps over the real seams: call, query, wait for the effect, check."),
            _("Write case"),
            reverse("catalog:case-new", args=[slug]),
            "list-check",
            Role.TESTER,
            done["has_tests"],
        ),
        Step(
            _("Run it"),
            _("Choose cases and an environment; results come in live, failures are grouped by reason."),
            _("Start run"),
            reverse("execution:start", args=[slug]),
            "player-play",
            Role.TESTER,
            done["has_run"],
        ),
    ]
