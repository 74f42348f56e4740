"""Cookies of HTTP steps: they belong to one case."""

import asyncio
import json
from typing import Any

from apps.execution.engine.model import CaseOutcome, State
from apps.execution.engine.runner import run_case
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for, run


def get(url: str, **more: Any) -> dict[str, Any]:
    return {"name": url, "kind": "http", "with": {"url": url, **more}}


def bodies(outcome: CaseOutcome) -> list[Any]:
    assert outcome.state is State.PASSED, outcome.message
    return [json.loads(step.response["body"]) for step in outcome.steps]


def test_cookies_are_sent_where_they_belong_until_they_are_taken_back(cookie_url: str) -> None:
    steps = [get(f"{cookie_url}{path}") for path in ("/in", "/seen", "/admin/seen", "/out", "/seen")]
    outcome = run(case_of(*steps))
    seen = bodies(outcome)
    assert seen[1] == {"session": "ann"}
    assert seen[2] == {"session": "ann", "admin": "1"}
    assert seen[4] == {}
    assert outcome.steps[1].request["cookies"] == "session=ann"


def test_a_cookie_of_a_redirect_is_sent_to_where_it_leads_and_kept(cookie_url: str) -> None:
    outcome = run(case_of(get(f"{cookie_url}/enter", follow_redirects=True), get(f"{cookie_url}/seen")))
    assert bodies(outcome) == [{"entered": "yes"}, {"entered": "yes"}]


def test_a_step_can_do_without_cookies(cookie_url: str) -> None:
    steps = [
        get(f"{cookie_url}/in"),
        get(f"{cookie_url}/seen", cookies=False),
        get(f"{cookie_url}/in?as=bob", cookies=False),
        get(f"{cookie_url}/enter", cookies=False, follow_redirects=True),
        get(f"{cookie_url}/seen"),
    ]
    seen = bodies(run(case_of(*steps)))
    assert [seen[1], seen[3], seen[4]] == [{}, {}, {"session": "ann"}]


def test_cookies_of_one_case_are_not_those_of_another_on_the_same_connections(cookie_url: str) -> None:
    async def main() -> list[CaseOutcome]:
        async with Executors() as executors:
            signed_in = case_of(get(f"{cookie_url}/in?as={{{{ who }}}}"), get(f"{cookie_url}/seen"))
            stranger = case_of(get(f"{cookie_url}/seen"))
            found = []
            for _ in range(3):
                cases = [request_for(signed_in, row={"who": f"p{n}"}) for n in range(8)] + [request_for(stranger)] * 8
                found += await asyncio.gather(*(run_case(one, executors) for one in cases))
            return found

    outcomes = asyncio.run(main())
    for start in range(0, len(outcomes), 16):
        assert [bodies(one)[1]["session"] for one in outcomes[start : start + 8]] == [f"p{n}" for n in range(8)]
        assert [bodies(one)[0] for one in outcomes[start + 8 : start + 16]] == [{}] * 8


def test_cookies_go_on_behind_a_step_for_a_person(cookie_url: str) -> None:
    look = {"name": "Look", "kind": "manual", "with": {"instructions": "Look"}}
    definition = case_of(get(f"{cookie_url}/in"), look, get(f"{cookie_url}/seen"))
    waiting = run(definition)
    assert waiting.resume is not None
    resume = json.loads(json.dumps(waiting.resume))
    assert bodies(run(definition, start_at=2, captured=resume)) == [{"session": "ann"}]


def seen_by(outcome: CaseOutcome) -> list[Any]:
    """What each step that looked was told, in the order of the steps."""
    assert outcome.state is State.PASSED, outcome.message
    return [json.loads(one.response["body"]) for one in outcome.steps if one.name.endswith("/seen")]


def beside(*branches: Any) -> dict[str, Any]:
    return {"name": "Together", "kind": "parallel", "with": {"branches": list(branches)}}


def test_each_copy_signs_in_by_itself(cookie_url: str) -> None:
    buyer = {
        "count": 5,
        "steps": [
            get(f"{cookie_url}/in?as=buyer{{{{ loop.index }}}}"),
            {"name": "w", "kind": "wait", "with": {"seconds": 0.05}},
            get(f"{cookie_url}/seen"),
        ],
    }
    outcome = run(case_of(get(f"{cookie_url}/in?as=first"), beside(buyer), get(f"{cookie_url}/seen")))
    assert seen_by(outcome) == [*({"session": f"buyer{n}"} for n in range(1, 6)), {"session": "first"}]


def test_who_signed_in_in_a_branch_stays_so_behind_it(cookie_url: str) -> None:
    branches = {"steps": [get(f"{cookie_url}/in?as=ann")]}, {"steps": [get(f"{cookie_url}/enter")]}
    outcome = run(case_of(beside(*branches), get(f"{cookie_url}/seen")))
    assert seen_by(outcome) == [{"session": "ann", "entered": "yes"}]


def test_cookies_go_on_behind_a_person(cookie_url: str) -> None:
    ask = {"name": "Look", "kind": "manual", "with": {"instructions": "Look"}}
    definition = case_of(get(f"{cookie_url}/in"), ask, get(f"{cookie_url}/seen"))
    waiting = run(definition)
    assert seen_by(run(definition, start_at=2, captured=waiting.resume)) == [{"session": "ann"}]
