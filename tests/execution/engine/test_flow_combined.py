"""Parts of the flow inside each other, stopped in the middle, and what the teardown finds then."""

import asyncio
from typing import Any

from apps.catalog.definition import Shared, normalise_shared
from apps.execution.engine.model import CaseOutcome, SharedVersion, State
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for
from tests.execution.engine.test_flow import Shop, parallel, play, repeat, setting, shape, step

CAPTURE = {"capture": {"id": "$.id"}}


def shared(*steps: dict[str, Any], **parameters: Any) -> SharedVersion:
    definition = normalise_shared({"title": "Shared", "parameters": parameters, "steps": list(steps)})
    return SharedVersion(1, Shared.of(definition))


def call(slug: str = "shared", **more: Any) -> dict[str, Any]:
    return {"name": "Call", "kind": "call", "with": {"step": slug}, **more}


def stop_while(url: str, definition: dict[str, Any], **given: Any) -> CaseOutcome:
    """Run *definition* and cancel it as soon as *url* was asked for."""

    async def main() -> CaseOutcome:
        async with Executors(extra={"http": Shop}) as executors:
            task = asyncio.create_task(run_case(request_for(definition, **given), executors))
            while url not in Shop.seen:  # noqa: ASYNC110 - the class has no event
                await asyncio.sleep(0.001)
            task.cancel()
            return await task

    Shop.seen = []
    return asyncio.run(main())


def test_cancel_within_branches_within_passes_within_a_shared_step() -> None:
    inner = repeat(
        parallel({"count": 2, "steps": [step("a{{ item }}", **CAPTURE), step("{{ 'hang' if item == 2 else 'b' }}")]}),
        times=3,
    )
    definition = case_of(call(), step("never"), teardown=[step("tidy {{ id|join('+') }}")])
    outcome = stop_while("hang", definition, shared={"shared": shared(inner)})
    assert outcome.state is State.CANCELLED
    assert outcome.message == "cancelled"
    states = {one.path: one.state for one in outcome.steps if one.phase == "steps" and one.path}
    assert states["1.1"] is State.CANCELLED  # the repeat
    assert states["1.1/1.1"] is State.PASSED
    assert states["1.1/2.1"] is State.CANCELLED
    assert states["1.1/2.1/1.1"] is State.PASSED
    assert {states["1.1/2.1/1.2"], states["1.1/2.1/2.2"]} == {State.CANCELLED}
    assert "1.1/3.1" not in states
    assert shape(outcome)[-2:] == ["st1 skipped", "te0 passed"]
    assert outcome.steps[-1].request["url"] == "tidy a2+a2"


def test_teardown_with_branches_of_its_own_after_the_limit_of_the_case() -> None:
    outcome = play(
        parallel({"steps": [step("made", **CAPTURE)]}, {"steps": [step("hang")]}),
        case={"timeout": 0.1, "teardown": [
            parallel({"steps": [step("remove {{ id }}")]}, {"steps": [step("slow")]}),
            repeat(step("look {{ item }}"), times=2),
        ]},
    )  # fmt: skip
    assert outcome.state is State.FAILED
    assert "the case did not end within 0.1 s" in outcome.message
    ended = {one.request.get("url"): one.state for one in outcome.steps if one.phase == "teardown" and one.path}
    assert ended == {"remove made": State.PASSED, "slow": State.PASSED, "look 1": State.PASSED, "look 2": State.PASSED}
    hung = next(one for one in outcome.steps if one.request.get("url") == "hang")
    assert hung.state is State.FAILED
    assert "time of the case was over" in hung.message


def test_limit_of_the_teardown_ends_branches_in_it() -> None:
    settings = EngineSettings(teardown_timeout=0.1)
    hanging = parallel({"steps": [step("hang")]}, {"steps": [step("b")]})
    outcome = play(step("a"), case={"teardown": [hanging, step("never")]}, settings=settings)
    assert outcome.state is State.FAILED
    assert "the teardown did not end within 0.1 s" in outcome.message
    assert shape(outcome) == ["st0 passed", "te0 cancelled", "te0 1.1 cancelled", "te0 2.1 passed", "te1 skipped"]


def test_limit_of_a_step_ends_only_its_branch() -> None:
    outcome = play(
        parallel(
            {"steps": [step("hang", timeout=0.05), step("behind")]},
            {"steps": [step("slow"), step("after", **CAPTURE)]},
            expect=[{"check": "failed", "equals": 1}, {"check": "passed", "equals": 1}],
        ),
        step("then {{ id }}"),
    )
    assert outcome.state is State.PASSED, outcome.message
    assert Shop.seen[-1] == "then after"
    assert "behind" not in Shop.seen


def test_captures_of_branches_within_passes() -> None:
    outcome = play(
        repeat(
            parallel(
                {"count": 2, "steps": [step("{{ item }}-{{ loop.index }}", **CAPTURE)]}, {"steps": [setting(one=7)]}
            ),
            each=["x", "y"],
            expect=[{"check": "values", "at": "$.id", "equals": [["x-1", "x-2"], ["y-1", "y-2"]]}],
        ),
        step("{{ id|join(' ') }} {{ one + 1 }}"),
    )
    assert outcome.state is State.PASSED, outcome.message
    assert Shop.seen[-1] == "y-1 y-2 8"


def test_branches_with_conditions_retries_and_steps_that_may_fail() -> None:
    outcome = play(
        parallel(
            {"count": 3, "steps": [
                step("only {{ loop.index }}", when="loop.index == 2"),
                step("fail {{ loop.index }}", optional=True),
                step("again", retry={"for": 2, "every": 0.01, "until": [{"check": "json", "at": "$.n", "above": 12}]}),
            ]},
        ),
        parallel({"steps": [step("fail")]}, {"steps": [step("b")]}, optional=True),
        step("last"),
    )  # fmt: skip
    assert outcome.state is State.PASSED, outcome.message
    assert [url for url in Shop.seen if url.startswith("only")] == ["only 2"]
    group = next(one for one in outcome.steps if one.index == 1 and not one.path)
    assert group.state is State.FAILED
    assert Shop.seen[-1] == "last"


def test_limit_of_a_shared_step_keeps_what_it_captured() -> None:
    version = shared(step("made", **CAPTURE), parallel({"steps": [step("hang")]}, {"steps": [step("b")]}))
    outcome = play(call(timeout=0.1), case={"teardown": [step("remove {{ id }}")]}, shared={"shared": version})
    assert outcome.state is State.FAILED
    assert "did not end within 0.1 s" in outcome.message
    assert Shop.seen[-1] == "remove made"


def test_a_second_cancel_while_branches_tidy_up() -> None:
    definition = case_of(step("hang"), teardown=[parallel({"steps": [step("hang2")]}, {"steps": [step("hang")]})])

    async def main() -> CaseOutcome:
        async with Executors(extra={"http": Shop}) as executors:
            task = asyncio.create_task(run_case(request_for(definition), executors))
            for asked in (1, 3):
                while len(Shop.seen) < asked:  # noqa: ASYNC110 - the class has no event
                    await asyncio.sleep(0.001)
                task.cancel()
            return await task

    Shop.seen = []
    outcome = asyncio.run(main())
    assert outcome.state is State.CANCELLED
    assert {one.state for one in outcome.steps if one.phase == "teardown" and one.path == "2.1"} == {State.CANCELLED}
