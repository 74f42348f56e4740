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
    done = _done(system)
    return [
        Step(title, text, action, reverse(name, args=[system.slug]), icon, role, is_done)
        for (title, text, action, name, icon, role), is_done in zip(_steps(), done, strict=True)
    ]


def _done(system: System) -> tuple[bool, ...]:
    row = (
        System.objects.filter(pk=system.pk)
        .annotate(
            has_points=Exists(IntegrationPoint.objects.filter(system=OuterRef("pk"))),
            has_places=Exists(Environment.objects.filter(system=OuterRef("pk"))),
            has_tests=Exists(TestCase.objects.filter(system=OuterRef("pk"))),
            has_run=Exists(TestRun.objects.filter(system=OuterRef("pk"))),
        )
        .values_list("has_points", "has_places", "has_tests", "has_run")
    )
    return tuple(row.get())


def _steps() -> list[tuple[str, str, str, str, str, Role]]:
    return [
        (
            _("Describe the system"),
            _("Name its components and the integration points between them: who calls whom, how."),
            _("Open the map"),
            "insights:map",
            "topology-star-3",
            Role.LEAD,
        ),
        (
            _("Add an environment"),
            _("Where the tests run: addresses as variables, passwords as secrets, the versions deployed."),
            _("Add environment"),
            "environments:environment-new",
            "server",
            Role.LEAD,
        ),
        (
            _("Write a case"),
            _("Steps over the real seams: call, query, wait for the effect, check."),
            _("Write case"),
            "catalog:case-new",
            "list-check",
            Role.TESTER,
        ),
        (
            _("Run it"),
            _("Choose cases and an environment; results come in live, failures are grouped by reason."),
            _("Start run"),
            "execution:start",
            "player-play",
            Role.TESTER,
        ),
    ]
