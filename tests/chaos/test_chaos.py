"""The short form of ``script/bench chaos``: every disturbance once, and afterwards every count is right."""

from pathlib import Path

import pytest

from bench.ordeal import EVERY, Ordeal


@pytest.mark.timeout(600)
def test_whatever_is_killed_every_execution_has_one_result_and_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):  # of the other tests
        monkeypatch.delenv(name)
    with Ordeal(tmp_path / "data", executions=600, hold=0.5, parallel=24, seed=7) as ordeal:
        for number, befall in enumerate(EVERY, start=1):
            ordeal.reach(0.14 * number, 240)
            befall(ordeal)
        ordeal.reach(1.0, 300)

        assert ordeal.broken() == {}
        assert len(ordeal.befallen) == len(EVERY)
