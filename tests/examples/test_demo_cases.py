"""Every demo case, run by IntegHub's own engine against the real shop."""

import asyncio
import random
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from apps.execution.engine.model import CaseOutcome, CaseRequest, State
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import BrowserSettings, EngineSettings
from apps.execution.executors.registry import Executors
from integhub.runtime import chromium
from tests.examples.demo_data import cases, resolved, system
from tests.examples.shop_processes import RunningShop

SYSTEM = system()
CASES = cases()
ROWS = {dataset["slug"]: [row["values"] for row in dataset["rows"]] for dataset in SYSTEM["datasets"]}
BY_HAND = {name for name, case in CASES.items() if any(step["kind"] == "manual" for step in case["steps"])}
FAILING_BY_DESIGN = {name for name, case in CASES.items() if "fails-by-design" in case.get("tags", [])}

pytestmark = pytest.mark.shop


def request(shop: RunningShop, name: str, environment: Mapping[str, Any], row: Mapping[str, Any]) -> CaseRequest:
    """One execution of the case, as the worker would ask for it."""
    return CaseRequest(
        definition=CASES[name],
        execution_id=uuid.uuid4().hex[:8],
        run_id="1",
        environment=environment["slug"],
        variables=resolved(environment["variables"], shop.environ),
        secrets=resolved(environment["secrets"], shop.environ),
        row=row,
        seed=random.getrandbits(32),
        allowed=frozenset({"command", "browser"}),
    )


async def run_all(requests: list[CaseRequest]) -> list[CaseOutcome]:
    """Run *requests* at the same time, as a worker does with a chunk."""
    executors = Executors(EngineSettings(browser=BrowserSettings(executable=chromium.find() or "")))
    try:
        return await asyncio.gather(*(run_case(one, executors) for one in requests))
    finally:
        await executors.aclose()


def run(shop: RunningShop, names: list[str], environment: Mapping[str, Any]) -> dict[str, list[CaseOutcome]]:
    """The outcomes of each case, one for each row of its data set."""
    planned = [(name, row) for name in names for row in ROWS.get(CASES[name].get("dataset", ""), [{}])]
    outcomes = asyncio.run(run_all([request(shop, name, environment, row) for name, row in planned]))
    by_name: dict[str, list[CaseOutcome]] = {name: [] for name in names}
    for (name, _), outcome in zip(planned, outcomes, strict=True):
        by_name[name].append(outcome)
    return by_name


def not_in(state: State, outcomes: Mapping[str, list[CaseOutcome]]) -> dict[str, list[str]]:
    """Messages of the cases that ended in another state."""
    wrong = {
        name: [f"{one.state}: {one.message}" for one in found if one.state is not state]
        for name, found in outcomes.items()
    }
    return {name: messages for name, messages in wrong.items() if messages}


IN_BROWSER = {name for name, case in CASES.items() if any(step["kind"] == "browser" for step in case["steps"])}
AUTOMATED = sorted(set(CASES) - BY_HAND - (set() if chromium.find() else IN_BROWSER))


@pytest.mark.parametrize("name", AUTOMATED)
def test_the_case_passes_against_the_healthy_shop(shop: RunningShop, name: str) -> None:
    assert not_in(State.PASSED, run(shop, [name], SYSTEM["environments"][0])) == {}


@pytest.mark.parametrize("environment", SYSTEM["environments"], ids=lambda environment: environment["slug"])
def test_all_cases_pass_at_the_same_time_and_again(shop: RunningShop, environment: Mapping[str, Any]) -> None:
    for _ in range(2):
        assert not_in(State.PASSED, run(shop, AUTOMATED, environment)) == {}


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_case_by_hand_comes_to_its_first_manual_step(shop: RunningShop, name: str) -> None:
    assert not_in(State.WAITING, run(shop, [name], SYSTEM["environments"][0])) == {}


def test_on_the_versions_of_the_demo_exactly_the_marked_cases_fail(shop: RunningShop) -> None:
    shop.switch("inventory", version="1.1")

    outcomes = run(shop, AUTOMATED, SYSTEM["environments"][0])

    assert set(not_in(State.PASSED, outcomes)) == FAILING_BY_DESIGN
    for name in FAILING_BY_DESIGN:
        assert [one.state for one in outcomes[name]] == [State.FAILED]


def test_a_slow_inventory_is_found_by_the_case_about_time(shop: RunningShop) -> None:
    shop.switch("inventory", version="1.2")

    outcomes = run(shop, ["products/stock-in-time", "products/page-shows-stock"], SYSTEM["environments"][0])

    assert set(not_in(State.PASSED, outcomes)) == {"products/stock-in-time"}


def test_a_renamed_field_of_payments_is_found_by_the_contract_and_by_the_checkout(shop: RunningShop) -> None:
    shop.switch("payments", version="2.0")

    outcomes = run(
        shop,
        ["payments/charge-contract", "checkout/order-paid-and-mailed", "products/page-shows-stock"],
        SYSTEM["environments"][0],
    )

    assert set(not_in(State.PASSED, outcomes)) == {"payments/charge-contract", "checkout/order-paid-and-mailed"}


def test_an_answer_of_inventory_that_cannot_be_read_is_a_failure_of_the_seam(shop: RunningShop) -> None:
    shop.switch("inventory", get_stock="malformed")

    (outcome,) = run(shop, ["health/inventory", "products/stock-in-time"], SYSTEM["environments"][0])[
        "products/stock-in-time"
    ]

    assert outcome.state is State.FAILED
    assert "is no shop.inventory.v1.Stock" in outcome.message
