"""The cast that every test shares: a team with each role, an outsider, and a small system."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache, caches
from django.test import Client

from apps.accounts.models import Membership, Role, Team, User
from apps.catalog.definition import restricted_kinds
from apps.catalog.models import CaseRevision, TestCase, TestSuite
from apps.environments.models import Environment
from apps.systems.models import Component, IntegrationPoint, System
from apps.systems.services import next_number

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True, scope="session")
def _own_redis(worker_id: str) -> None:
    """Each xdist worker has a Redis database of its own: live events and cache do not mix."""
    number = 1 if worker_id == "master" else 2 + int(worker_id.removeprefix("gw"))
    address = django_settings.REDIS_URL.rsplit("/", 1)[0] + f"/{number}"
    django_settings.REDIS_URL = django_settings.CELERY_BROKER_URL = address
    django_settings.CACHES["default"]["LOCATION"] = address
    for made in caches.all(initialized_only=True):  # connected to the former address while Django was set up
        del caches["default"]
        made.close()


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> None:
    """Real password hashes take a third of a second for each person of the cast."""
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "media"
    cache.clear()
    yield


def member(team: Team, role: Role, name: str) -> User:
    """A user with *role* in *team*."""
    user = User.objects.create_user(f"{name.lower()}@example.test", PASSWORD, name=name)
    Membership.objects.create(team=team, user=user, role=role)
    return user


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(name="Shop team", slug="shop-team")


@pytest.fixture
def admin(team: Team) -> User:
    return member(team, Role.ADMIN, "Ada")


@pytest.fixture
def lead(team: Team) -> User:
    return member(team, Role.LEAD, "Lena")


@pytest.fixture
def tester(team: Team) -> User:
    return member(team, Role.TESTER, "Tom")


@pytest.fixture
def viewer(team: Team) -> User:
    return member(team, Role.VIEWER, "Vera")


@pytest.fixture
def outsider(db: None) -> User:
    """Admin of another team, with a system of its own."""
    other = Team.objects.create(name="Other team", slug="other-team")
    System.objects.create(team=other, name="Other system", slug="other")
    return member(other, Role.ADMIN, "Oscar")


@pytest.fixture
def system(team: Team) -> System:
    return System.objects.create(team=team, name="Shop", slug="shop")


@pytest.fixture
def environment(system: System) -> Environment:
    return Environment.objects.create(system=system, name="Local", slug="local")


@pytest.fixture
def point(system: System) -> IntegrationPoint:
    consumer = Component.objects.create(system=system, name="Storefront", slug="storefront")
    provider = Component.objects.create(system=system, name="Orders", slug="orders")
    return IntegrationPoint.objects.create(
        system=system,
        consumer=consumer,
        provider=provider,
        slug="storefront-orders-create",
        protocol="http",
        operation="POST /orders",
    )


@pytest.fixture
def suite(system: System) -> TestSuite:
    return TestSuite.objects.create(system=system, name="Checkout")


DEFINITION: dict[str, Any] = {
    "title": "The shop answers",
    "steps": [
        {
            "name": "Ask for its health",
            "kind": "http",
            "with": {"url": "{{ SHOP }}/health"},
            "expect": [{"check": "status", "equals": 200}],
        }
    ],
}


@pytest.fixture
def make_case(suite: TestSuite) -> Callable[..., TestCase]:
    """``make_case(title=…, definition=…)`` → a saved case with revision 1."""

    def make(title: str = "The shop answers", definition: dict[str, Any] | None = None, **fields: Any) -> TestCase:
        case = TestCase.objects.create(
            system=suite.system, suite=suite, title=title, number=next_number(suite.system_id, "case"), **fields
        )
        body = {**(definition or DEFINITION), "title": title}
        case.current = CaseRevision.objects.create(case=case, number=1, definition=body)
        case.needs, case.exclusive = restricted_kinds(body), body.get("exclusive", [])
        case.retries = body.get("retries")
        case.save(update_fields=["current", "needs", "exclusive", "retries"])
        return case

    return make


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    """``sign_in(user)`` → a client with that user's session."""

    def enter(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return enter
