"""Tests of a report that a command writes become results inside its own."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.execution.engine.model import CaseOutcome, State
from tests.execution.engine.running import case_of, run

ALLOWED = frozenset({"command"})
SUITE = """
import pytest
def test_good(): print("said s3cr3t-value")
def test_bad():
    print("said s3cr3t-value")
    assert 1 == 2, "s3cr3t-value is wrong"
@pytest.mark.skip(reason="not now")
def test_later(): pass
class TestMore:
    def test_more(self): pass
"""


def command(script: str, **more: Any) -> dict[str, Any]:
    given = {"reports": more.pop("reports", ["report.xml"]), "stdin": more.pop("stdin", "")}
    return {"name": "Run", "kind": "command", "with": {"shell": script, **given}, "timeout": 60, **more}


def outcome_of(*steps: dict[str, Any], **more: Any) -> CaseOutcome:
    return run(case_of(*steps), allowed=ALLOWED, **more)


def test_a_secret_in_the_name_of_a_report_is_masked() -> None:
    script = 'echo "<testsuite><testcase name=\'a\'/></testsuite>" > "report-{{ KEY }}.xml"'
    outcome = outcome_of(command(script, reports=["*.xml"]), secrets={"KEY": "s3cr3t-value"})
    assert outcome.state is State.PASSED, outcome.message
    assert [one.name for one in outcome.steps[0].artifacts] == ["report-***.xml"]


def report(xml: str, **more: Any) -> CaseOutcome:
    return outcome_of(command("cat > report.xml", stdin=xml, **more))


def test_each_test_of_pytest_is_a_result_of_its_own() -> None:
    packed = base64.b64encode(SUITE.encode()).decode()
    pytest_here = f"{sys.executable} -m pytest -q -p no:cacheprovider"
    script = f"echo {packed} | base64 -d > test_shop.py; {pytest_here} --junitxml report.xml"
    outcome = outcome_of(command(script + " -o junit_logging=all"), secrets={"KEY": "s3cr3t-value"})
    step, *children = outcome.steps
    assert step.state is State.FAILED
    assert step.message.startswith("1 of 4 tests failed: first test_bad: AssertionError: *** is wrong")
    assert step.response["tests"] == {"total": 4, "passed": 2, "failed": 1, "skipped": 1}
    assert [(child.path, child.name, child.state) for child in children] == [
        ("1.1", "test_good", State.PASSED),
        ("1.2", "test_bad", State.FAILED),
        ("1.3", "test_later", State.SKIPPED),
        ("2.1", "test_more", State.PASSED),
    ]
    assert [one["suite"] for one in step.response["passes"]] == ["test_shop", "test_shop.TestMore"]
    assert children[2].message == "not now"
    assert "assert 1 == 2" in children[1].response["details"]
    assert "said ***" in children[1].response["stdout"]
    assert "s3cr3t-value" not in json.dumps([one.as_dict() for one in outcome.steps])
    kept = next(one for one in step.artifacts if one.name == "report.xml")
    assert b"<testsuite" in kept.content
    assert b"s3cr3t-value" not in kept.content


def test_a_report_without_failures_passes_and_can_be_checked() -> None:
    xml = '<testsuite name="s"><testcase name="a" time="0.5"/><testcase name="b"><skipped/></testcase></testsuite>'
    outcome = report(
        xml,
        expect=[
            {"check": "passed", "equals": 1},
            {"check": "tests", "at": "$[?@.state == 'skipped'].name", "equals": "b"},
        ],
        capture={"slowest": {"from": "tests", "at": "$[0].ms"}},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"slowest": 500}
    assert outcome.steps[1].duration_ms == 500


def test_how_many_may_fail_can_be_said() -> None:
    xml = '<testsuite><testcase name="a"><failure message="no"/></testcase><testcase name="b"/></testsuite>'
    assert report(xml, expect=[{"check": "failed", "at_most": 1}]).state is State.PASSED
    assert report(xml, expect=[{"check": "failed", "equals": 0}]).state is State.FAILED


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("true", "wrote no report report.xml"),
        ("echo '<testsuite/>' > report.xml", "hold no tests"),
        ("echo '<testsuite' > report.xml", "report.xml cannot be read: it is no XML"),
        ("mkfifo report.xml", "not a regular file"),
        ("ln -s /etc/passwd report.xml", "wrote no report"),
        ("mkdir report.xml", "report.xml cannot be read"),
    ],
)
def test_without_a_report_nobody_knows_and_the_step_fails(script: str, why: str) -> None:
    outcome = outcome_of(command(script))
    assert outcome.state is State.FAILED
    assert why in outcome.message


def test_reports_are_looked_for_only_in_the_commands_own_folder(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text('<testsuite><testcase name="a"/></testsuite>')
    for pattern in (f"{tmp_path}/report.xml", "../*/report.xml", "out/*.xml"):
        outcome = outcome_of(command(f"ln -s {tmp_path} out", reports=[pattern]))
        assert "wrote no report" in outcome.message, pattern


def test_several_reports_are_one_and_their_number_is_bounded() -> None:
    cases = "".join(f'<testcase name="t{number}"/>' for number in range(1_500))
    failing = '<testsuite name="b"><testcase name="bad"><error message="broke"/></testcase></testsuite>'
    script = f"mkdir out; cat > out/a.xml; echo '{failing}' > out/b.xml"
    outcome = outcome_of(command(script, stdin=f'<testsuite name="a">{cases}</testsuite>', reports=["out/*.xml"]))
    step, *children = outcome.steps
    assert step.message == "1 of 1501 tests failed: first bad: broke"
    assert len(children) == 1_000
    assert children[-1].name == "bad"
    assert "1000 of 1501 tests" in step.notes[0]


def test_inside_a_repeat_results_stand_below_their_own_pass() -> None:
    inner = command("cat > report.xml", stdin='<testsuite><testcase name="a"/></testsuite>')
    outcome = outcome_of({"name": "Twice", "kind": "repeat", "with": {"times": 2, "steps": [inner]}})
    assert [(one.path, one.kind) for one in outcome.steps] == [
        *[("", "repeat"), ("1.1", "command"), ("1.1/1.1", "test"), ("2.1", "command"), ("2.1/1.1", "test")],
    ]
