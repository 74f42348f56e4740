"""Components that were put on the map by hand, and how the others keep out of their way."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.environments.models import Environment
from apps.insights.map import graph, map_of
from apps.insights.map_layout import arrange
from apps.insights.map_places import placed
from apps.systems import services
from apps.systems.models import Component, IntegrationPoint, Place

SignIn = Callable[[User], Client]


def test_what_was_put_by_hand_stays_and_moves_no_other() -> None:
    layout = arrange(["web", "orders", "db"], [("web", "orders"), ("orders", "db")])

    before, after = placed(layout, {}), placed(layout, {"orders": Place(7.5, -3)})

    assert after["orders"] == Place(7.5, -3)
    assert {name: after[name] for name in ("web", "db")} == {name: before[name] for name in ("web", "db")}


def test_a_new_component_finds_a_place_that_nobody_has() -> None:
    """Everything stands in the layer in which the new one belongs, a row of neighbours and one across its place."""
    names = [f"c{number}" for number in range(6)]
    layout = arrange(["web", *names], [("web", name) for name in names])
    fixed = {name: Place(slot - 2, 1 + slot / 10) for slot, name in enumerate(names[:5])}

    found = placed(layout, fixed)

    assert all(found[name] == fixed[name] for name in fixed)
    others = [place for name, place in found.items() if name != "c5"]
    assert found["c5"].y == 1
    assert all(abs(one.x - found["c5"].x) >= 1 or abs(one.y - 1) >= 0.6 for one in others)
    assert placed(layout, fixed) == found


def test_any_number_of_components_under_one_that_was_moved_find_room() -> None:
    names = [f"c{number}" for number in range(300)]
    layout = arrange(names, [])
    found = placed(layout, {name: Place(index / 3 - 40, 0.1) for index, name in enumerate(names[:150])})

    free = sorted(found[name].x for name in names[150:])
    assert all(right - left >= 0.999 for left, right in pairwise(free))


def test_the_graph_has_the_places_by_hand_and_edges_without_bends_to_them(
    point: IntegrationPoint, environment: Environment, lead: User
) -> None:
    mail = Component.objects.create(system=point.system, name="Mail", slug="mail")
    for consumer, provider in ((point.provider, mail), (point.consumer, mail)):
        services.save_point(
            point.system, consumer=consumer, provider=provider, protocol="mail", operation="send", by=lead
        )

    def drawn() -> Any:
        return graph(map_of(point.system, environment), colour="result")

    before = drawn()
    assert [bool(edge["bends"]) for edge in before["edges"] if edge["id"] == "storefront>mail"] == [True]
    services.place_components(point.system, {"mail": Place(2.5, 0.25)}, by=lead)
    after = drawn()

    assert [(node["x"], node["y"], node["row"]) for node in after["nodes"] if node["id"] == "mail"] == [(2.5, 0.25, 2)]
    assert not any(edge["bends"] for edge in after["edges"] if "mail" in edge["id"])
    assert [node for node in after["nodes"] if node["id"] != "mail"] == [
        node for node in before["nodes"] if node["id"] != "mail"
    ]


def test_only_those_who_may_move_find_the_means(
    point: IntegrationPoint, viewer: User, tester: User, sign_in: SignIn
) -> None:
    url = reverse("insights:map", args=["shop"])
    assert "data-places" not in sign_in(viewer).get(url).content.decode()
    assert "data-places" in sign_in(tester).get(url).content.decode()
