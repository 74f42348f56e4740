"""Runs that are started but sent nowhere, unless a test wants a worker."""

from collections.abc import Callable
from typing import Any

import pytest

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
