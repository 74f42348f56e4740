"""What the language of cases costs a step: rendering its templates and checking the answer, in microseconds.

No network, no database: a usual step (address, two headers, a body with three variables) and its six checks and two
captures on an answer of some 600 bytes. The median of many short rounds, since machines are noisy.
"""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from apps.catalog.definition import find_kind
from apps.execution.engine import assertions
from apps.execution.engine.steps import check_rendered
from apps.execution.engine.templating import Templates
from apps.execution.executors.base import Observed
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
    templates = Templates(VARIABLES, 1)
    kind = find_kind("http")
    assert kind is not None
    observed = Observed(subjects=ANSWER)

    def render() -> Any:
        return (
            templates.render(PARAMS, "with"),
            templates.render(EXPECT, "expect"),
            templates.render(CAPTURE, "capture"),
        )

    params, expect, capture = render()

    def fit() -> None:
        check_rendered(kind.fields, params)

    def check() -> None:
        for one in expect:
            assertions.evaluate(kind, one, observed)

    def keep() -> None:
        for name, source in capture.items():
            assertions.capture(kind, name, source, observed)

    def condition() -> None:
        templates.condition("quantity > 0 and sku is defined")

    spent = {"rendering": _cost(render), "fields": _cost(fit), "six checks": _cost(check), "two captures": _cost(keep)}
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
