"""How the system map is laid out."""

from itertools import pairwise

import pytest

from apps.insights.map_layout import arrange


def test_callers_stand_above_what_they_call() -> None:
    layout = arrange(["db", "web", "orders"], [("web", "orders"), ("orders", "db")])

    assert [layout.nodes[name].layer for name in ("web", "orders", "db")] == [0, 1, 2]


def test_the_same_system_is_always_drawn_the_same_way() -> None:
    nodes, edges = ["a", "b", "c", "d"], [("a", "c"), ("a", "d"), ("b", "c"), ("d", "b")]

    assert arrange(nodes, edges) == arrange(nodes, list(reversed(edges)))


@pytest.mark.parametrize(
    "edges",
    [
        [("a", "b"), ("b", "a")],
        [("a", "b"), ("b", "c"), ("c", "a")],
        [("a", "a")],
        [("a", "gone")],
        [],
        [(x, y) for x in "abc" for y in "abc" if x != y],
    ],
)
def test_circles_and_strays_are_laid_out_without_two_in_one_place(edges: list[tuple[str, str]]) -> None:
    layout = arrange(["a", "b", "c"], edges)

    assert set(layout.nodes) == {"a", "b", "c"}
    assert len(set(layout.nodes.values())) == 3


def test_a_long_chain_and_a_wide_fan_are_no_problem() -> None:
    names = [f"n{number}" for number in range(1_500)]

    chain = arrange(names, list(pairwise(names)))
    fan = arrange(names[:300], [(names[0], name) for name in names[1:300]])

    assert (chain.layers, fan.layers, fan.width) == (1_500, 2, 299)


def test_an_edge_over_several_layers_bends_round_what_is_between() -> None:
    layout = arrange(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])

    (bend,) = layout.bends["a", "c"]
    assert bend.layer == 1 and bend != layout.nodes["b"]


def test_who_reads_a_queue_stands_beside_who_writes_it() -> None:
    edges = [("web", "orders"), ("orders", "events"), ("notifier", "events"), ("notifier", "mail")]

    layout = arrange(["web", "orders", "events", "notifier", "mail"], edges)

    assert layout.nodes["notifier"].layer == layout.nodes["orders"].layer == 1


def test_crossings_are_avoided_where_they_can_be() -> None:
    layout = arrange(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])

    assert (layout.nodes["a"].slot < layout.nodes["b"].slot) == (layout.nodes["y"].slot < layout.nodes["x"].slot)
