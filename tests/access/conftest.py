"""One populated world for a module's tests: each test runs in a savepoint of the transaction that holds it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role, Team, User
from apps.systems.models import System
from tests.access.populated import World
from tests.conftest import member

ROLES = {"viewer": Role.VIEWER, "tester": Role.TESTER, "lead": Role.LEAD, "admin": Role.ADMIN}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the world's files lie."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any, media: Path) -> Iterator[World]:
    """A team with a member of each role and a row of every model, and another team with a system of its own."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(django_settings, "MEDIA_ROOT", media)
        team = Team.objects.create(name="Shop team", slug="shop-team")
        people = {name: member(team, role, name.title()) for name, role in ROLES.items()}
        other = Team.objects.create(name="Other team", slug="other-team")
        System.objects.create(team=other, name="Other system", slug="other")
        people["outsider"] = member(other, Role.ADMIN, "Outsider")
        yield World(team, people)
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def sessions(world: World, django_db_blocker: Any) -> dict[str, str]:
    """A session key for each role."""

    def enter(user: User) -> str:
        client = Client()
        client.force_login(user)
        return client.cookies[django_settings.SESSION_COOKIE_NAME].value

    with django_db_blocker.unblock():
        return {name: enter(person) for name, person in world.people.items()}


@pytest.fixture(autouse=True)
def _files_of_the_world(settings: Any, media: Path) -> None:
    settings.MEDIA_ROOT = media


@pytest.fixture
def clients(world: World, sessions: dict[str, str], db: None) -> dict[str, Client]:
    """A client for each role, and one for somebody who has not signed in. A crash is an answer, too: 500."""
    found = {name: Client(raise_request_exception=False) for name in ("anonymous", *sessions)}
    for name, key in sessions.items():
        found[name].cookies[django_settings.SESSION_COOKIE_NAME] = key
    return found
