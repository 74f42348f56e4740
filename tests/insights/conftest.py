"""Latencies are read anew each time, so that a page asks the same number of queries whenever it is asked for."""

import pytest

from apps.insights import latency_history


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_history, "KEPT", 0)
