"""Runs that are started but sent nowhere, unless a test wants a worker."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.execution import dispatch


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """What would have been sent to workers: (queue, execution ids)."""
    chunks: list[tuple[str, list[int]]] = []

    def note(run: Any, ids: Any) -> None:
        chunks.append((dispatch.queue_of(run), list(ids)))

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
