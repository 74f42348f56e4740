"""Steps that depend on conditions, set variables, wait, repeat, run side by side or are shared."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from apps.catalog.definition import Shared, normalise_shared
from apps.execution.engine.model import CaseOutcome, SharedVersion, State
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import Observed, StepContext, StepRequest
from tests.execution.engine.running import case_of, run


class Shop:
    """Stands in for HTTP: has one thing in stock, and lets itself be asked."""

    kind: ClassVar[str] = "http"
    grace: ClassVar[float] = 0.0
    seen: ClassVar[list[str]] = []
    stock: ClassVar[int] = 1

    def __init__(self, settings: EngineSettings) -> None:
        Shop.seen, Shop.stock = [], 1

    def describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return dict(params)

    async def run(self, step: StepRequest, context: StepContext) -> Observed:
        url = step.params["url"]
        Shop.seen.append(url)
        if url.startswith("slow"):
            await asyncio.sleep(0.02)
        if url == "hang":
            await asyncio.sleep(60)
        status = 500 if url.startswith("fail") else 200
        if url.startswith("buy"):
            status, Shop.stock = (201, Shop.stock - 1) if Shop.stock else (409, 0)
        return Observed(
            response={"url": url},
            subjects={"status": status, "json": {"id": url, "n": len(Shop.seen), "status": status}},
        )

    async def aclose(self) -> None: ...


def step(url: str, **more: Any) -> dict[str, Any]:
    return {"name": url, "kind": "http", "with": {"url": url}, **more}


def repeat(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    rest = {key: more.pop(key) for key in ("expect", "capture", "timeout", "when", "optional") if key in more}
    return {"name": "Again", "kind": "repeat", "with": {**more, "steps": list(steps)}, **rest}


def parallel(*branches: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "Together", "kind": "parallel", "with": {"branches": list(branches)}, **more}


def setting(**values: Any) -> dict[str, Any]:
    return {"name": "Set", "kind": "set", "with": {"values": values}}


def play(*steps: Mapping[str, Any], case: Any = None, **given: Any) -> CaseOutcome:
    return run(case_of(*steps, **(case or {})), extra={"http": Shop}, **given)


def shape(outcome: CaseOutcome) -> list[str]:
    return [f"{one.phase[:2]}{one.index}{' ' + one.path if one.path else ''} {one.state}" for one in outcome.steps]


# -- set, wait, when -------------------------------------------------------------------------------------------------


def test_variables_are_set_with_their_types_and_are_there_for_later_steps() -> None:
    outcome = play(
        setting(total="{{ price * quantity }}", label="{{ price }} each", lines=[{"sku": "{{ sku }}", "n": 2}]),
        step("{{ total }}-{{ lines[0].n + 1 }}", when="total == 36"),
        row={"price": 12, "quantity": 3, "sku": "A1"},
    )
    assert outcome.state is State.PASSED
    assert outcome.captured == {"total": 36, "label": "12 each", "lines": [{"sku": "A1", "n": 2}]}
    assert Shop.seen == ["36-3"]


def test_what_is_set_can_be_checked() -> None:
    given = setting(total="{{ 2 * 3 }}") | {"expect": [{"check": "values", "at": "$.total", "equals": 7}]}
    outcome = play(given)
    assert outcome.state is State.FAILED
    assert "should be 7, but it is 6" in outcome.message


def test_a_step_that_is_not_needed_is_skipped_and_says_why() -> None:
    outcome = play(step("one", when="stock > 0"), step("two", when="stock == 0"), row={"stock": 0})
    assert outcome.state is State.PASSED
    assert shape(outcome) == ["st0 skipped", "st1 passed"]
    assert outcome.steps[0].message == "not needed: “stock > 0” was false"
    assert Shop.seen == ["two"]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("flag", "“flag” is false, which is neither true nor false"),
        ("nothing > 1", "the variable “nothing” is not known"),
    ],
)
def test_a_condition_that_is_neither_true_nor_false_blocks(condition: str, words: str) -> None:
    outcome = play(step("one", when=condition), variables={"flag": "false"})
    assert outcome.state is State.BLOCKED
    assert words in outcome.message
    assert outcome.steps[0].request == {}


def test_a_condition_may_ask_whether_a_name_is_known() -> None:
    assert shape(play(step("one", when="token is defined"), step("two"))) == ["st0 skipped", "st1 passed"]


def test_a_wait_lasts_longer_than_the_limit_of_a_step() -> None:
    outcome = play({"name": "Wait", "kind": "wait", "timeout": 0.01, "with": {"seconds": "{{ 0.05 }}"}})
    assert outcome.state is State.PASSED
    assert outcome.steps[0].timings["total"] >= 50


# -- setup -----------------------------------------------------------------------------------------------------------


def test_setup_runs_first_and_teardown_always() -> None:
    outcome = play(
        step("main"), case={"setup": [step("make", capture={"got": "$.id"})], "teardown": [step("{{ got }}-away")]}
    )
    assert shape(outcome) == ["se0 passed", "st0 passed", "te0 passed"]
    assert Shop.seen == ["make", "main", "make-away"]


def test_a_failed_setup_blocks_the_case_and_runs_the_teardown() -> None:
    outcome = play(step("main"), case={"setup": [step("fail"), step("more")], "teardown": [step("tidy")]})
    assert outcome.state is State.BLOCKED
    assert outcome.message.startswith("Setup 1 “fail”: status should be below 400")
    assert shape(outcome) == ["se0 failed", "se1 skipped", "st0 skipped", "te0 passed"]


# -- repeat ----------------------------------------------------------------------------------------------------------


def test_a_repeat_does_its_steps_for_each_item_and_shows_each_pass() -> None:
    outcome = play(
        repeat(
            step("{{ sku }}-{{ loop.index }}/{{ loop.length }}", capture={"got": "$.id"}),
            each="{{ skus }}",
            **{"as": "sku"},
        ),
        step("{{ got }}"),
        row={"skus": ["A1", "B2"]},
    )
    assert outcome.state is State.PASSED, outcome.message
    assert Shop.seen == ["A1-1/2", "B2-2/2", "B2-2/2"]
    assert shape(outcome) == ["st0 passed", "st0 1.1 passed", "st0 2.1 passed", "st1 passed"]
    passes = outcome.steps[0].response["passes"]
    assert [(one["number"], one["of"], one["item"], one["state"]) for one in passes] == [
        (1, 2, "“A1”", "passed"), (2, 2, "“B2”", "passed"),
    ]  # fmt: skip
    assert outcome.captured["got"] == "B2-2/2"


def test_a_repeat_ends_with_the_pass_that_fails_and_names_it() -> None:
    outcome = play(repeat(step("{{ item }}"), step("after"), each=["ok", "fail", "never"]), step("behind"))
    assert outcome.state is State.FAILED
    assert shape(outcome) == ["st0 failed", "st0 1.1 passed", "st0 1.2 passed", "st0 2.1 failed", "st1 skipped"]
    assert outcome.message.startswith(
        "Step 1 “Again”: pass 2 of 3 (“fail”), step 1 “{{ item }}”: status should be below"
    )


def test_what_a_repeat_captured_can_be_checked_as_lists() -> None:
    outcome = play(
        repeat(step("x{{ item }}", capture={"got": "$.n"}), times=3, expect=[
            {"check": "values", "at": "$.got", "equals": [1, 2, 3]}, {"check": "passed", "equals": 3},
        ], capture={"all": {"from": "values", "at": "$.got"}}),
    )  # fmt: skip
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"got": 3, "all": [1, 2, 3]}


def test_the_loop_variables_end_with_the_repeat() -> None:
    outcome = play(repeat(step("a"), times=1), step("{{ item }}"))
    assert outcome.state is State.BLOCKED
    assert "the variable “item” is not known" in outcome.message


def test_a_repeat_of_a_text_is_blocked() -> None:
    outcome = play(repeat(step("a"), each="{{ skus }}"), row={"skus": "A1, B2"})
    assert outcome.state is State.BLOCKED
    assert "“each” must be a list" in outcome.message


def test_the_limit_of_a_group_ends_what_runs_inside() -> None:
    outcome = play(repeat(step("ok"), step("hang"), times=2, timeout=0.05))
    assert outcome.state is State.FAILED
    assert "it did not end within 0.05 s" in outcome.message
    assert shape(outcome) == ["st0 failed", "st0 1.1 passed", "st0 1.2 cancelled"]


def test_the_limit_of_the_case_ends_what_runs_inside() -> None:
    outcome = play(repeat(step("hang"), times=2), case={"timeout": 0.05})
    assert outcome.state is State.FAILED
    assert "the case did not end within 0.05 s" in outcome.message
    assert shape(outcome) == ["st0 failed", "st0 1.1 failed"]


# -- parallel --------------------------------------------------------------------------------------------------------


def test_of_copies_that_begin_together_exactly_one_gets_the_last_thing() -> None:
    buy = step("buy", expect=[{"check": "status", "one_of": [201, 409]}], capture={"code": "$.status"})
    outcome = play(
        parallel(
            {"name": "Buyer", "count": 5, "steps": [buy]},
            expect=[{"check": "values", "at": "$.code[?@ == 201]", "equals": 201},
                    {"check": "values", "at": "$.code[?@ == 409]", "count": 4}],
        ),
        setting(lost="{{ code|select('eq', 409)|list|length }}"),
    )  # fmt: skip
    assert outcome.state is State.PASSED, outcome.message
    assert sorted(outcome.captured["code"]) == [201, 409, 409, 409, 409]
    assert outcome.captured["lost"] == 4
    together = outcome.steps[0].response
    assert [(one["name"], one["copy"], one["of"]) for one in together["passes"]][-1] == ("Buyer", 5, 5)
    assert together["spread_ms"] < 100
    assert [one.path for one in outcome.steps[1:6]] == ["1.1", "2.1", "3.1", "4.1", "5.1"]


def test_branches_begin_only_when_all_are_ready() -> None:
    outcome = play(
        parallel(
            {"steps": [{"name": "w", "kind": "wait", "with": {"seconds": 0.01}}, step("late")]},
            {"steps": [step("slow"), step("b")]},
        )
    )
    assert outcome.state is State.PASSED
    assert Shop.seen == ["slow", "late", "b"]


def test_a_branch_that_never_begins_keeps_nobody_waiting() -> None:
    outcome = play(
        parallel({"steps": [step("a", when="1 > 2")]}, {"steps": [step("{{ unknown }}")]}, {"steps": [step("c")]})
    )
    assert outcome.state is State.BLOCKED
    assert shape(outcome)[1:] == ["st0 1.1 skipped", "st0 2.1 blocked", "st0 3.1 passed"]


def test_what_different_branches_capture_keeps_its_name_and_a_single_value_its_type() -> None:
    outcome = play(
        parallel({"steps": [step("a", capture={"one": "$.id"})]}, {"steps": [step("b", capture={"two": "$.id"})]})
    )
    assert outcome.captured == {"one": "a", "two": "b"}


def test_a_failed_copy_fails_the_step_unless_its_number_is_checked() -> None:
    branch = {"count": 2, "steps": [step("fail{{ loop.index }}", when="loop.index == 1")]}
    outcome = play(parallel(branch))
    assert outcome.state is State.FAILED
    assert "branch 1 of 2, copy 1, step 1 “fail{{ loop.index }}”: status should be below 400" in outcome.message
    assert play(parallel(branch, expect=[{"check": "passed", "equals": 1}])).state is State.PASSED


def test_a_group_that_its_own_checks_decide_fails_at_its_seam_and_nothing_inside_does() -> None:
    buy = step("buy{{ loop.index }}", point="shop-buy", expect=[{"check": "status", "equals": 201}])
    race = parallel({"count": 3, "steps": [buy]}, point="shop-stock", expect=[{"check": "passed", "equals": 2}])
    outcome = play(race)
    group, *inside = sorted(outcome.steps, key=lambda one: one.path)
    assert (group.state, group.point) == (State.FAILED, "shop-stock")
    assert [(one.state, one.optional) for one in inside].count((State.FAILED, True)) == 2
    assert outcome.message == "Step 1 “Together”: passed should be 2, but it is 1"


def test_a_group_in_which_a_step_decides_does_not_fail_at_its_own_seam() -> None:
    outcome = play(repeat(step("fail", point="shop-pay"), times=1) | {"point": "shop-stock"})
    group, inner = sorted(outcome.steps, key=lambda one: one.path)
    assert (group.state, group.point) == (State.FAILED, "")
    assert (inner.state, inner.point, inner.optional) == (State.FAILED, "shop-pay", False)


def test_random_values_of_copies_differ_and_repeat_with_the_seed() -> None:
    definition = parallel({"count": 3, "steps": [setting(number="{{ random_int(1, 1000000) }}")]})
    first, again = play(definition, seed=5).captured["number"], play(definition, seed=5).captured["number"]
    assert len(set(first)) == 3
    assert first == again


# -- shared steps ----------------------------------------------------------------------------------------------------


def shared(**parameters: Any) -> SharedVersion:
    steps = [step("{{ user }}@{{ HOST }}", capture={"token": {"from": "json", "at": "$.id", "secret": True}})]
    definition = {"title": "Log in", "parameters": parameters, "steps": steps}
    return SharedVersion(3, Shared.of(normalise_shared(definition)))


def call(**arguments: Any) -> dict[str, Any]:
    return {"name": "Log in", "kind": "call", "with": {"step": "log-in", "arguments": arguments}}


def test_a_shared_step_gets_its_values_and_gives_back_what_it_captured() -> None:
    outcome = play(
        call(user="{{ who }}"), step("with-{{ token }}"),
        row={"who": "ann", "HOST": "shop"}, shared={"log-in": shared(user=None)},
    )  # fmt: skip
    assert outcome.state is State.PASSED, outcome.message
    assert Shop.seen == ["ann@shop", "with-ann@shop"]
    assert outcome.steps[0].request == {"step": "log-in", "revision": 3, "arguments": {"user": "ann"}}
    assert shape(outcome) == ["st0 passed", "st0 1.1 passed", "st1 passed"]
    assert outcome.captured["token"] == "***"


def test_a_shared_step_sees_no_captures_of_its_caller_and_has_defaults() -> None:
    given = {"log-in": shared(user={"default": "{{ HOST }}-guest"})}
    outcome = play(setting(user="mine"), call(), row={"HOST": "shop"}, shared=given)
    assert Shop.seen == ["shop-guest@shop"]
    assert outcome.captured["user"] == "mine"


@pytest.mark.parametrize(
    ("given", "arguments", "words"),
    [
        ({}, {}, "there is no shared step “log-in”"),
        ({"log-in": shared(user=None)}, {}, "needs a value for “user”"),
        ({"log-in": shared(user=None)}, {"user": "a", "usr": "b"}, "has no parameter “usr”"),
    ],
)
def test_a_call_that_does_not_fit_is_blocked(given: Any, arguments: Any, words: str) -> None:
    outcome = play(call(**arguments), shared=given)
    assert outcome.state is State.BLOCKED
    assert words in outcome.message


def test_groups_stand_in_groups_and_keep_their_places() -> None:
    outcome = play(
        repeat(parallel({"count": 2, "steps": [call(user="u{{ item }}{{ loop.index }}")]}), times=2),
        row={"HOST": "h"}, shared={"log-in": shared(user=None)},
    )  # fmt: skip
    assert outcome.state is State.PASSED, outcome.message
    assert [one.path for one in outcome.steps] == [
        "", "1.1", "1.1/1.1", "1.1/1.1/1.1", "1.1/2.1", "1.1/2.1/1.1",
        "2.1", "2.1/1.1", "2.1/1.1/1.1", "2.1/2.1", "2.1/2.1/1.1",
    ]  # fmt: skip


def test_a_cancelled_case_keeps_what_was_done_inside() -> None:
    async def main() -> CaseOutcome:
        from apps.execution.engine.runner import run_case
        from apps.execution.executors.registry import Executors
        from tests.execution.engine.running import request_for

        async with Executors(extra={"http": Shop}) as executors:
            definition = case_of(
                parallel({"steps": [step("a"), step("hang")]}, {"steps": [step("b")]}), teardown=[step("tidy")]
            )
            task = asyncio.create_task(run_case(request_for(definition), executors))
            await asyncio.sleep(0.05)
            task.cancel()
            return await task

    outcome = asyncio.run(main())
    assert outcome.state is State.CANCELLED
    assert shape(outcome) == ["st0 cancelled", "st0 1.1 passed", "st0 1.2 cancelled", "st0 2.1 passed", "te0 passed"]


# -- retry until -----------------------------------------------------------------------------------------------------


def test_a_retry_until_waits_for_its_checks_and_then_decides_once() -> None:
    looking = step("poll", retry={"for": 5, "every": 0.001, "until": [{"check": "json", "at": "$.n", "at_least": 3}]})
    outcome = play(looking | {"expect": [{"check": "json", "at": "$.n", "equals": 4}]})
    assert outcome.state is State.FAILED
    assert outcome.steps[0].tries == 3
    assert "should be 4, but it is 3" in outcome.message


def test_a_retry_until_that_never_comes_says_what_it_waited_for() -> None:
    outcome = play(
        step("poll", retry={"for": 0.02, "every": 0.01, "until": [{"check": "json", "at": "$.id", "equals": "x"}]})
    )
    assert outcome.state is State.FAILED
    assert "json $.id should be “x”, but it is “poll” (still so after" in outcome.message
