"""Benchmarks have one shape, for people and for programs."""

import json
from pathlib import Path

import pytest

import bench
from bench import __main__ as runner

SAMPLE = '''"""Measures nothing, quickly."""
from bench.report import Goal, Report


def main(argv: list[str]) -> Report:
    value = float(argv[0]) if argv else 1.0
    goal = Goal.at_most("home", 5, value, "ms")
    return Report("sample", ("page", "ms"), [("home", value)], {"home_ms": value}, [goal])
'''


@pytest.fixture(autouse=True)
def _sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample.py").write_text(SAMPLE)
    (tmp_path / "_private.py").write_text("raise AssertionError")
    monkeypatch.setattr(bench, "__path__", [str(tmp_path)])


def test_they_are_listed_with_what_they_say_of_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main([]) == 0
    assert capsys.readouterr().out == "sample           Measures nothing, quickly.\n"


def test_the_last_line_is_one_json_object_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["sample", "--json"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    goal = {"name": "home", "goal": "at most 5 ms", "value": 1.0, "met": True}
    assert json.loads(last) == {"bench": "sample", "figures": {"home_ms": 1.0}, "goals": [goal]}


def test_a_missed_goal_is_shown_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["sample", "7.5"]) == 1
    output = capsys.readouterr().out
    assert "7.5" in output
    assert "NO" in output
    assert "{" not in output


def test_an_unknown_name_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["nothing"]) == 2
    assert "there are: sample" in capsys.readouterr().err
