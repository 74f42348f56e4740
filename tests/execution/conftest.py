"""Runs that are started but sent nowhere, unless a test wants a worker."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution import dispatch
from apps.runs.models import Execution
from tests.runs.story import waiting_execution


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """What would have been sent to workers: (queue, execution ids)."""
    chunks: list[tuple[str, list[int]]] = []

    def note(run: Any, ids: Any, most: int | None = None, **_: Any) -> None:
        together = [list(ids)] if most is None else dispatch.chunks(ids, most)
        chunks.extend((dispatch.queue_of(run), some) for some in together)

    monkeypatch.setattr(dispatch, "send", note)
    return chunks


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Callable[..., Any]) -> Callable[..., Any]:
    """``with commits():`` runs what waits for the commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """A program that acts as a user by a real token."""

    def enter(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_token(user, 'test', None)[1]}")
        return client

    return enter


@pytest.fixture
def client(sign_in: Callable[[User], Client], tester: User) -> Client:
    """A tester who is signed in."""
    return sign_in(tester)


@pytest.fixture
def waiting(environment: Environment, make_case: Callable[..., TestCase]) -> Execution:
    """An execution of a mixed case that waits for a person."""
    return waiting_execution(environment, make_case)
