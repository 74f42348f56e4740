"""Whole cases: order, limits, retries, teardown, hand-over to a person, and what is told about them."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from apps.catalog.definition import kinds
from apps.core.states import State as StoredState
from apps.execution.engine.model import CaseOutcome, CaseRequest, Phase, State, StepOutcome
from apps.execution.engine.runner import run_case, try_step
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, SeamError, StepContext, StepRequest
from apps.execution.executors.registry import Executors, known_kinds
from tests.execution.engine.running import case_of, request_for, run
from tests.execution.executors.servers.http import HttpServer


class Fake:
    """Stands in for HTTP where only the order of things matters; does what its URL says."""

    kind: ClassVar[str] = "http"
    grace: ClassVar[float] = 0.0
    seen: ClassVar[list[str]] = []

    def __init__(self, settings: EngineSettings) -> None:
        Fake.seen = []

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return dict(params)

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        url = step.params["url"]
        Fake.seen.append(url)
        if url.startswith("wait:"):
            await asyncio.sleep(float(url.removeprefix("wait:")))
        if url == "crash":
            raise ZeroDivisionError("a bug")
        if url == "unreachable":
            raise SeamError("no connection")
        status = 500 if url == "fail" else 200
        return Observed(response={"url": url}, subjects={"status": status, "json": {"id": url, "n": len(Fake.seen)}})

    async def aclose(self) -> None:
        Fake.seen.append("closed")


def step(url: str, **more: Any) -> dict[str, Any]:
    return {"name": url, "kind": "http", "with": {"url": url}, **more}


MANUAL = {"name": "Look", "kind": "manual", "with": {"instructions": "Look at {{ got }}", "expected": "It is there"}}


def play(*steps: Mapping[str, Any], teardown: Any = (), case: Any = None, **given: Any) -> CaseOutcome:
    return run(case_of(*steps, teardown=teardown, **(case or {})), extra={"http": Fake}, **given)


def states(outcome: CaseOutcome) -> list[str]:
    return [f"{one.phase[0]}{one.index} {one.state}" for one in outcome.steps]


def test_steps_run_in_order_and_captures_flow_on() -> None:
    outcome = play(step("one", capture={"got": "$.id"}), step("two-{{ got }}"), teardown=[step("three-{{ got }}")])
    assert outcome.state is State.PASSED
    assert outcome.message == ""
    assert Fake.seen == ["one", "two-one", "three-one", "closed"]
    assert outcome.captured == {"got": "one"}
    assert states(outcome) == ["s0 passed", "s1 passed", "t0 passed"]


def test_after_a_failure_the_rest_is_skipped_and_the_teardown_runs() -> None:
    outcome = play(step("one"), step("fail"), step("never"), teardown=[step("tidy"), step("tidy-too")])
    assert outcome.state is State.FAILED
    assert states(outcome) == ["s0 passed", "s1 failed", "s2 skipped", "t0 passed", "t1 passed"]
    assert outcome.message.startswith("Step 2 “fail”: status should be below 400")
    assert "never" not in Fake.seen


def test_optional_step_may_fail() -> None:
    outcome = play(step("fail", optional=True), step("two"))
    assert outcome.state is State.PASSED
    assert states(outcome) == ["s0 failed", "s1 passed"]
    assert outcome.steps[0].optional


def test_failing_teardown_fails_the_case_but_does_not_hide_its_own_reason() -> None:
    assert play(step("one"), teardown=[step("fail"), step("next")]).message.startswith("Teardown 1")
    assert "next" in Fake.seen
    both = play(step("unreachable"), teardown=[step("fail")])
    assert both.message == "Step 1 “unreachable”: no connection"


def test_teardown_that_needs_what_was_never_captured_is_skipped() -> None:
    outcome = play(
        step("unreachable", capture={"order": "$.id"}), teardown=[step("delete-{{ order }}"), step("x-{{ typo }}")]
    )
    assert states(outcome) == ["s0 failed", "t0 skipped", "t1 blocked"]
    assert "never captured" in outcome.steps[1].message


def test_capture_is_kept_for_the_teardown_also_when_a_check_fails() -> None:
    outcome = play(
        step("one", capture={"order": "$.id"}, expect=[{"check": "status", "equals": 201}]),
        teardown=[step("delete-{{ order }}")],
    )
    assert outcome.state is State.FAILED
    assert "delete-one" in Fake.seen


def test_capture_that_finds_nothing_fails_the_step() -> None:
    outcome = play(step("one", capture={"order": "$.nope"}), step("two"))
    assert outcome.state is State.FAILED
    assert "“order” cannot be captured" in outcome.message


def test_unknown_variable_blocks_and_names_variable_step_and_field() -> None:
    outcome = play(step("{{ ORDERS_URL }}/x"), environment="staging")
    assert outcome.state is State.BLOCKED
    for words in ("ORDERS_URL", "with.url", "staging", "Step 1"):
        assert words in outcome.message
    assert play(step("one", expect=[{"check": "status", "equals": "{{ wanted }}"}])).state is State.BLOCKED


def test_crash_of_an_executor_blocks_the_step_and_the_loop_goes_on() -> None:
    outcome = play(step("crash"), teardown=[step("tidy")])
    assert outcome.state is State.BLOCKED
    assert "ZeroDivisionError: a bug" in outcome.message
    assert "tidy" in Fake.seen


@pytest.mark.parametrize(
    "definition", [{}, {"steps": [{"capture": {"a": 1}}]}, {"steps": [{"kind": "nope"}]}, {"steps": 5}]
)
def test_definition_that_is_none_does_not_raise(definition: dict[str, Any]) -> None:
    async def main() -> CaseOutcome:
        async with Executors() as executors:
            return await run_case(CaseRequest(definition=definition, execution_id="1", run_id="1"), executors)

    outcome = asyncio.run(main())
    assert outcome.state in (State.BLOCKED, State.PASSED)
    assert outcome.state is State.BLOCKED or not outcome.steps


def test_scope_row_wins_over_secret_and_variable_and_names_of_the_case_over_all() -> None:
    given = {"variables": {"a": "v", "b": "v", "run_id": "x"}, "secrets": {"a": "s3cr3t"}, "row": {"a": "row"}}
    play(step("{{ a }}-{{ b }}-{{ run_id }}-{{ execution_id }}-{{ environment }}"), environment="local", **given)
    assert Fake.seen[0] == "row-v-7-11-local"


def test_retry_until_it_holds() -> None:
    check = {"check": "json", "at": "$.n", "at_least": 3}
    outcome = play(step("one", expect=[check], retry={"for": 5, "every": 0.01}))
    assert outcome.state is State.PASSED
    assert outcome.steps[0].tries == 3


def test_retry_ends_when_its_time_is_over_and_says_so() -> None:
    outcome = play(step("unreachable", retry={"for": 0.2, "every": 0.05}))
    assert outcome.state is State.FAILED
    assert outcome.steps[0].tries >= 3
    assert re.search(r"no connection \(still so after \d+ tries in 0.2 s\)", outcome.message)


def test_step_and_case_have_limits() -> None:
    slow = play(step("wait:5", timeout=0.1), step("two"))
    assert slow.state is State.FAILED
    assert "no answer within 0.1 s" in slow.message
    case = play(step("wait:0.05"), step("wait:60"), step("never"), teardown=[step("tidy")], case={"timeout": 0.3})
    assert case.state is State.FAILED
    assert "did not end within 0.3 s" in case.message
    assert states(case) == ["s0 passed", "s1 failed", "s2 skipped", "t0 passed"]


def test_lease_ends_the_case_early() -> None:
    outcome = play(step("wait:60"), deadline=time.monotonic() + 0.2)
    assert outcome.state is State.FAILED
    assert "the case did not end within 0." in outcome.message


def test_a_clock_that_is_set_does_not_end_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = time.monotonic() + 30
    in_two_days = time.time() + 2 * 86_400
    monkeypatch.setattr(time, "time", lambda: in_two_days)
    assert play(step("wait:0.05"), deadline=deadline).state is State.PASSED


def test_teardown_has_a_limit_of_its_own() -> None:
    settings = EngineSettings(teardown_timeout=0.2)
    outcome = play(step("one"), teardown=[step("wait:5"), step("never")], settings=settings)
    assert outcome.state is State.FAILED
    assert "teardown" in outcome.message
    assert states(outcome)[-1] == "t1 skipped"


def cancelled(*steps: Mapping[str, Any], after: float, again: float = 0, teardown: Any = ()) -> CaseOutcome:
    async def main() -> CaseOutcome:
        async with Executors(extra={"http": Fake}) as executors:
            task = asyncio.create_task(run_case(request_for(case_of(*steps, teardown=teardown)), executors))
            await asyncio.sleep(after)
            task.cancel()
            if again:
                await asyncio.sleep(again)
                task.cancel()
            return await task

    return asyncio.run(main())


def test_cancel_keeps_what_was_done_and_runs_the_teardown() -> None:
    outcome = cancelled(step("one"), step("wait:5"), step("never"), after=0.1, teardown=[step("tidy")])
    assert outcome.state is State.CANCELLED
    assert states(outcome) == ["s0 passed", "s1 cancelled", "s2 skipped", "t0 passed"]
    assert outcome.steps[1].request == {"url": "wait:5"}


def test_second_cancel_ends_the_teardown() -> None:
    outcome = cancelled(step("wait:60"), after=0.1, again=0.1, teardown=[step("wait:60")])
    assert outcome.state is State.CANCELLED
    assert states(outcome) == ["s0 cancelled", "t0 cancelled"]


def test_manual_step_hands_over_and_the_case_goes_on_after_it() -> None:
    steps = [
        step("one", capture={"got": "$.id", "key": {"from": "json", "at": "$.id", "secret": True}}),
        MANUAL,
        step("two-{{ got }}"),
    ]
    first = play(*steps, teardown=[step("tidy")])
    assert first.state is State.WAITING
    assert first.waiting_at == 1
    assert first.resume == {"got": "one", "key": "one"}
    assert first.steps[1].state is State.WAITING
    assert "tidy" not in Fake.seen
    second = play(*steps, teardown=[step("tidy")], start_at=2, captured=first.resume, trace_id=first.trace_id)
    assert second.state is State.PASSED
    assert Fake.seen[:2] == ["two-one", "tidy"]
    assert second.trace_id == first.trace_id
    assert states(second) == ["s2 passed", "t0 passed"]
    only_teardown = play(*steps, teardown=[step("tidy")], start_at=3, captured=first.resume)
    assert states(only_teardown) == ["t0 passed"]


def test_text_of_a_manual_step_is_rendered() -> None:
    outcome = play(step("one", capture={"got": "$.id"}), MANUAL)
    assert outcome.steps[1].request == {"instructions": "Look at one", "expected": "It is there"}


def test_secret_capture_is_masked_from_then_on_also_after_a_person() -> None:
    token = {"token": {"from": "json", "at": "$.id", "secret": True}}
    outcome = play(
        step("token-value-1", capture=token), step("use-{{ token }}"), MANUAL | {"with": {"instructions": "x"}}
    )
    assert "token-value-1" not in json.dumps([one.as_dict() for one in outcome.steps[1:]])
    assert outcome.captured == {"token": "***"}
    assert outcome.resume == {"token": "token-value-1"}
    steps = [step("token-value-1", capture=token), MANUAL, step("use-{{ token }}")]
    after = play(*steps, start_at=2, captured={"token": "token-value-1"})
    assert "token-value-1" not in json.dumps([one.as_dict() for one in after.steps])


def test_what_is_inside_a_secret_object_is_masked() -> None:
    outcome = play(step("token-value-1", capture={"all": {"from": "json", "secret": True}}), step("token-value-1"))

    assert "token-value-1" not in json.dumps([one.as_dict() for one in outcome.steps])


def test_secrets_are_masked_in_every_part_of_the_outcome() -> None:
    secret = "hunter2-hunter2"
    outcome = play(
        step(
            "x-{{ KEY }}",
            capture={"got": "$.id"},
            expect=[
                {"check": "json", "at": "$.id", "equals": "y-{{ KEY }}\nz"},
                {"check": "json", "equals": {"id": "{{ KEY }}"}},
            ],
        ),
        step("{{ missing }}"),
        secrets={"KEY": secret},
    )
    text = json.dumps([one.as_dict() for one in outcome.steps]) + outcome.message + str(outcome.captured)
    assert "hunter2" not in text
    assert "***" in text
    assert "hunter2" not in repr(request_for(case_of(step("x")), secrets={"KEY": secret}))


class Listener:
    def __init__(self, broken: bool = False) -> None:
        self.news: list[str] = []
        self.broken = broken

    def step_started(self, phase: Phase, index: int, name: str, kind: str) -> None:
        self.news.append(f"started {phase} {index} {name} {kind}")
        if self.broken:
            raise RuntimeError("a bug of the listener")

    def step_finished(self, outcome: StepOutcome) -> None:
        self.news.append(f"finished {outcome.phase} {outcome.index} {outcome.state}")


def test_listener_hears_of_every_step_and_cannot_stop_the_case() -> None:
    listener = Listener()
    play(step("one"), step("fail"), teardown=[step("tidy")], events=listener)
    assert listener.news == [
        "started steps 0 one http",
        "finished steps 0 passed",
        "started steps 1 fail http",
        "finished steps 1 failed",
        "started teardown 0 tidy http",
        "finished teardown 0 passed",
    ]
    assert play(step("one"), events=Listener(broken=True)).state is State.PASSED


def test_same_seed_and_attempt_give_the_same_values() -> None:
    def made(**given: Any) -> str:
        play(step("{{ uuid() }}"), **given)
        return Fake.seen[0]

    assert made(seed=5) == made(seed=5)
    assert made(seed=5) != made(seed=6)
    assert made(seed=5) != made(seed=5, attempt=2)


def test_single_step_is_tried_with_the_same_code(http_server: HttpServer) -> None:
    async def main() -> tuple[StepOutcome, StepOutcome, StepOutcome]:
        async with Executors() as executors:
            request = request_for({}, variables={"U": http_server.url})
            good = {"name": "s", "kind": "http", "with": {"url": "{{ U }}/echo"}, "capture": {"m": "$.method"}}
            manual = {"name": "m", "kind": "manual", "with": {"instructions": "x"}}
            unknown = {"name": "s", "kind": "http", "with": {"url": "{{ V }}/echo"}}
            return (
                await try_step(good, request, executors),
                await try_step(manual, request, executors),
                await try_step(unknown, request, executors),
            )

    good, manual, unknown = asyncio.run(main())
    assert good.state is State.PASSED, good.message
    assert good.captured == {"m": "GET"}
    assert manual.state is State.WAITING
    assert unknown.state is State.BLOCKED


def test_many_cases_run_at_once_in_one_loop(http_server: HttpServer) -> None:
    definition = case_of(
        step(f"{http_server.url}/slow?seconds=0.3", expect=[{"check": "json", "at": "$.done", "equals": True}])
    )

    async def main() -> list[CaseOutcome]:
        async with Executors() as executors:
            return await asyncio.gather(*(run_case(request_for(definition), executors) for _ in range(150)))

    started = time.perf_counter()
    outcomes = asyncio.run(main())
    assert {outcome.state for outcome in outcomes} == {State.PASSED}
    assert len({outcome.trace_id for outcome in outcomes}) == 150
    assert time.perf_counter() - started < sum(outcome.duration_ms for outcome in outcomes) / 1000 / 2


def test_asynchronous_effect_is_waited_for(http_server: HttpServer) -> None:
    check = {"check": "json", "at": "$.ready", "equals": True}
    url = f"{http_server.url}/third-time/{time.time_ns()}"
    outcome = run(case_of(step(url, expect=[check], retry={"for": 5, "every": 0.05})))
    assert outcome.state is State.PASSED
    assert outcome.steps[0].tries == 3


def test_words_of_states_are_those_of_the_record() -> None:
    assert {state.value for state in State} == set(StoredState.values)


def test_every_kind_has_an_executor_and_each_executor_its_kind() -> None:
    assert {kind.name for kind in kinds() if not kind.group} == known_kinds()
    executors = Executors()
    for name in known_kinds():
        assert executors.find(name).kind == name
