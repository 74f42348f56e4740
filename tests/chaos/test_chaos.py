"""The short form of ``script/bench chaos``: every disturbance once, and afterwards every count is right."""

import os
import warnings
from pathlib import Path

import pytest

from bench import hosts
from bench.ordeal import EVERY, Ordeal


@pytest.mark.timeout(600)
def test_whatever_fails_every_execution_has_one_result_and_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):  # of the other tests
        monkeypatch.delenv(name)
    if missing := hosts.missing():
        assert os.environ.get("CI") != "true", missing
        warnings.warn(f"did not befall: {', '.join(missing)}", stacklevel=1)
    with Ordeal(tmp_path / "data", executions=600, hold=0.5, parallel=24, seed=7) as ordeal:
        ordeal.reach(0.1, 240)
        mend = ordeal.cut_network("worker1")  # and while it is away, the others
        for number, befall in enumerate(EVERY, start=2):
            befall(ordeal)
            ordeal.reach(0.09 * number, 240)
        mend()
        ordeal.reach(1.0, 300)

        assert ordeal.broken() == {}
        assert len(ordeal.befallen) == len(EVERY) + (2 if hosts.faketime() else 1)
        kept, left = ordeal.files()
        assert left == 600 // 20
        if hosts.namespaces():
            assert 0 < kept < left, "the disks were to be too small"
