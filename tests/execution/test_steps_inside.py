"""Steps inside others, from the engine to the record, the page of the execution and the API."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, StepContext, StepRequest
from apps.execution.outcome import to_result
from apps.execution.requests import Claim
from apps.runs import services
from apps.runs.models import Execution, TestRun
from apps.systems.models import IntegrationPoint
from tests.execution.engine.running import request_for, run
from tests.runs.test_run_pages import text

pytestmark = pytest.mark.django_db
Executed = Callable[..., Execution]


class Answers:
    """Stands in for HTTP: fails where the URL says so."""

    kind: ClassVar[str] = "http"
    grace: ClassVar[float] = 0.0

    def __init__(self, settings: EngineSettings) -> None: ...

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return dict(params)

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        status = 500 if "fail" in step.params["url"] else 200
        return Observed(
            request={"method": "GET", **step.params},
            response={"status": status},
            subjects={"status": status, "json": {"id": step.params["url"]}},
        )

    async def aclose(self) -> None: ...


def http(url: str, **more: Any) -> dict[str, Any]:
    return {"name": f"Ask {url}", "kind": "http", "with": {"url": f"http://shop/{url}"}, **more}


def repeat(*steps: Any, **given: Any) -> dict[str, Any]:
    return {"name": "Each of them", "kind": "repeat", "with": {**given, "steps": list(steps)}}


@pytest.fixture
def executed(environment: Environment, make_case: Callable[..., TestCase], tester: User) -> Executed:
    """``executed(step, …)`` → an execution of these steps, run by the engine and recorded."""

    def make(*steps: Any, **given: Any) -> Execution:
        definition = {"title": "A case", "steps": list(steps), **given}
        case = make_case("A case", definition)
        made = services.create_run(
            environment=environment, title="A run", planned=[services.Planned(case=case)], started_by=tester,
            trigger=TestRun.Trigger.PERSON, seed=1,
        )  # fmt: skip
        [taken] = services.claim(list(made.executions.values_list("pk", flat=True)), "w", timedelta(seconds=60))
        outcome = run(definition, extra={"http": Answers}, allowed=frozenset({"command"}))
        services.record([to_result(Claim(taken.id, taken.claim, "", ""), request_for(definition), outcome)])
        return Execution.objects.get(pk=taken.id)

    return make


@pytest.fixture
def page(sign_in: Callable[[User], Client], tester: User) -> Callable[..., str]:
    client = sign_in(tester)

    def get(execution: Execution, rest: str = "") -> str:
        answer = client.get(f"/s/shop/executions/{execution.pk}/{rest}")
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def test_every_pass_is_recorded_in_order_and_counts_for_its_seam(executed: Executed, point: IntegrationPoint) -> None:
    execution = executed(repeat(http("{{ item }}", point=point.slug), http("b"), each=["x", "y"]), http("last"))
    found = list(execution.steps.values_list("position", "path", "name"))
    assert found == [
        (0, "", "Each of them"), (0, "1.1", "Ask {{ item }}"), (0, "1.2", "Ask b"),
        (0, "2.1", "Ask {{ item }}"), (0, "2.2", "Ask b"), (1, "", "Ask last"),
    ]  # fmt: skip
    assert execution.state == "passed"
    assert point.results.count() == 2


def test_the_failed_step_inside_is_open_and_groups_the_failure(
    executed: Executed, page: Callable[..., str], point: IntegrationPoint
) -> None:
    execution = executed(repeat(http("ok"), http("{{ item }}", point=point.slug), each=["good", "fail"]), http("last"))
    html = page(execution)

    failed = execution.steps.get(path="2.2")
    assert re.findall(r'data-step="(\d+)" open', html) == [str(failed.pk)]
    assert "Pass 2 of 2 · “fail”" in text(html)
    assert re.search(r'<details class="pass tone-failed" open>', html)
    assert re.search(r'<details class="pass tone-passed">', html)
    assert "status should be below 400, but it is 500" in text(html)
    group = execution.failure_group
    assert group is not None
    assert (group.kind, group.point) == ("http", point)
    assert group.title.startswith("status should be below 400")


def test_many_passes_are_fetched_when_they_are_unfolded(executed: Executed, page: Callable[..., str]) -> None:
    execution = executed(repeat(*[http(f"s{n}-{{{{ item }}}}") for n in range(10)], times=60))
    html = page(execution)

    assert len(html) < 150_000
    assert "60 of 60 passed" in text(html)
    assert "and 10 more that passed" in text(html)
    later = re.findall(r'hx-get="/s/shop/executions/\d+/(steps/\d+/passes/(\d+)/)"', html)
    assert [number for _path, number in later][:2] == ["5", "6"]
    part = page(execution, later[0][0])
    assert len(re.findall(r"data-step=", part)) == 10


def test_copies_that_ran_together_show_when_each_ran(executed: Executed, page: Callable[..., str]) -> None:
    branches = [{"name": "Buyer", "count": 3, "steps": [http("buy")]}, {"steps": [http("cancel")]}]
    execution = executed({"name": "Race", "kind": "parallel", "with": {"branches": branches}})
    above = execution.steps.get(path="")

    whole = text(page(execution))
    assert "Buyer, copy 3 of 3" in whole
    assert "Branch 2" in whole
    detail = page(execution, f"steps/{above.pk}/")
    assert "When each ran" in detail
    assert "Began within (ms)" in detail
    assert len(re.findall("<rect", detail)) == 4


def test_setup_stands_first_and_has_its_name(executed: Executed, page: Callable[..., str]) -> None:
    execution = executed(http("main"), setup=[http("make", capture={"made": "$.id"})], teardown=[http("tidy")])
    words = text(page(execution))
    assert words.index("Setup") < words.index("Ask make") < words.index("Ask main") < words.index("Ask tidy")
    assert "Captured by setup step 1" in words


def test_a_skipped_step_says_why(executed: Executed, page: Callable[..., str]) -> None:
    execution = executed(http("main", when="1 == 2"), http("other"))
    assert "not needed: “1 == 2” was false" in text(page(execution))


def test_the_api_tells_the_place_of_each_step(
    executed: Executed, sign_in: Callable[[User], Client], tester: User
) -> None:
    execution = executed(repeat(http("a"), times=2))
    answer = json.loads(sign_in(tester).get(f"/api/v1/executions/{execution.pk}/").content)
    assert [(one["position"], one["path"]) for one in answer["steps"]] == [(0, ""), (0, "1.1"), (0, "2.1")]
    assert [one["state"] for one in answer["steps"][0]["response"]["passes"]] == ["passed", "passed"]


def report(*cases: str) -> dict[str, Any]:
    given = {"shell": "cat > r.xml; exit 1", "stdin": f"<testsuite>{''.join(cases)}</testsuite>", "reports": ["r.xml"]}
    return {"name": "The suite", "kind": "command", "with": given, "expect": [{"check": "exit_code", "equals": 1}]}


def test_tests_of_a_report_stand_below_the_command_and_the_first_that_failed_is_open(
    sign_in: Callable[[User], Client], tester: User, executed: Executed, django_assert_max_num_queries: Any
) -> None:
    cases = [f'<testcase classname="a.B" name="good {number}"/>' for number in range(60)]
    bad = (
        '<testcase classname="a.C" name="bad &lt;one&gt;"><failure message="1 is not 2">at line 7</failure></testcase>'
    )
    execution = executed(report(*cases, bad, '<testcase classname="a.C" name="later"><skipped/></testcase>'))
    client = sign_in(tester)

    with django_assert_max_num_queries(40):
        html = client.get(f"/s/shop/executions/{execution.pk}/").content.decode()

    assert execution.state == "failed"
    assert execution.message == "Step 1 “The suite”: 1 of 62 tests failed: first bad <one>: 1 is not 2"
    assert execution.failure_group.kind == "test"
    assert execution.steps.count() == 63
    [opened] = re.findall(r'data-step="(\d+)" open>', html)
    assert execution.steps.get(pk=opened).name == "bad <one>"
    words = text(html)
    assert "a.B · 60 tests" in words
    assert "a.C · 2 tests" in words
    assert "at line 7" in words
    assert "bad &lt;one&gt;" in html
    assert "good 1" not in words, "a folded suite of sixty is fetched when it is opened"
