"""What the language of cases costs a step: rendering its templates and checking the answer, in microseconds.

No network, no database, and the functions that the engine calls: a usual step (address, two headers, a body with three
variables; rendered and fitted to the fields of its kind) and its six checks and two captures, rendered and evaluated on
an answer of some 600 bytes. The median of many short rounds, since machines are noisy.
"""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from apps.catalog.definition import Step, find_kind, normalise
from apps.execution.engine.masking import Masker
from apps.execution.engine.model import State, StepOutcome
from apps.execution.engine.settings import EngineSettings
from apps.execution.engine.steps import Scope, conclude, params_of
from apps.execution.engine.templating import Templates
from apps.execution.executors.base import Observed
from apps.execution.executors.registry import Executors
from bench.report import Goal, Report

ROUNDS = 200
LOOPS = 100
LIMIT = 50.0  # microseconds
VARIABLES = {"ORDERS_URL": "http://orders.test", "sku": "MUG-1", "quantity": 3, "token": "t0ken", "order_id": "o-17"}
PARAMS = {
    "method": "POST",
    "url": "{{ ORDERS_URL }}/orders/{{ order_id }}",
    "headers": {"Authorization": "Bearer {{ token }}", "Idempotency-Key": "{{ order_id }}-1"},
    "json": {"sku": "{{ sku }}", "quantity": "{{ quantity }}", "note": "for {{ sku }}", "gift": False},
}
EXPECT = [
    {"check": "status", "equals": 201},
    {"check": "header", "at": "Content-Type", "contains": "json"},
    {"check": "json", "at": "$.lines[*]", "count": 3},
    {"check": "json", "at": "$.total", "type": "number"},
    {"check": "json", "at": "$.lines[0].sku", "equals": "{{ sku }}"},
    {"check": "duration", "below": 500},
]
CAPTURE = {"id": {"from": "json", "at": "$.id"}, "place": {"from": "header", "at": "Location"}}
LINES = [{"sku": f"MUG-{number}", "quantity": number, "price": 9.5, "name": "A mug of clay"} for number in (1, 2, 3)]
ANSWER = {
    "status": 201,
    "header": {"content-type": "application/json", "location": "/orders/o-17"},
    "json": {"id": "o-17", "state": "placed", "total": 28.5, "lines": LINES},
    "duration": 12.5,
}


def main(argv: Sequence[str]) -> Report:
    """Measure each part and all of it."""
    del argv
    kind = find_kind("http")
    assert kind is not None
    usual = {"name": "Order", "kind": "http", "with": PARAMS, "expect": EXPECT, "capture": CAPTURE}
    step = Step.of(normalise({"title": "", "steps": [usual]})["steps"][0])
    templates = Templates(VARIABLES, 1)
    scope = Scope(templates, Masker(), Executors(EngineSettings()), "1", frozenset(), "bench", "")
    observed = Observed(subjects=ANSWER)
    outcome = StepOutcome(index=0, phase="steps", name="Order", kind="http")
    conclude(step, observed, outcome, scope)
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured == {"id": "o-17", "place": "/orders/o-17"}

    def request() -> None:
        params_of(step, kind, scope)

    def answer() -> None:
        conclude(step, observed, outcome, scope)

    def condition() -> None:
        templates.condition("quantity > 0 and sku is defined")

    spent = {"the request": _cost(request), "six checks, two captures": _cost(answer)}
    total = sum(spent.values())
    rows = [*spent.items(), ("a usual step", total), ("a condition (when)", _cost(condition))]
    return Report(
        bench="language",
        columns=("part", "µs"),
        rows=[(name, round(value, 1)) for name, value in rows],
        figures={name: round(value, 2) for name, value in rows},
        goals=[Goal.at_most("rendering and checking a usual step", LIMIT, total, "µs")],
    )


def _cost(work: Callable[[], Any]) -> float:
    """Microseconds of one call: the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        for _ in range(LOOPS):
            work()
        rounds.append((perf_counter() - start) / LOOPS * 1e6)
    return median(rounds)
