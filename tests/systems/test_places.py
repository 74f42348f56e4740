"""Where components stand on the map: who may move them, what is refused, and two people at once."""

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEntry, User
from apps.core import live
from apps.core.errors import DomainError
from apps.systems import services
from apps.systems.models import Component, IntegrationPoint, Place, System

SignIn = Callable[[User], Client]
URL = "/api/v1/systems/shop/places/"
CAST = {"viewer": 403, "tester": 204, "lead": 204, "admin": 204, "outsider": 404}


def move(client: Client, body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(URL, text, content_type="application/json")


def places(system: System) -> dict[str, Place | None]:
    return {component.slug: component.place for component in system.components.all()}


@pytest.mark.parametrize(("role", "status"), CAST.items())
def test_viewers_look_testers_move(
    role: str, status: int, request: pytest.FixtureRequest, point: IntegrationPoint, sign_in: SignIn
) -> None:
    client = sign_in(request.getfixturevalue(role))

    assert move(client, {"places": {"orders": {"x": 1.5, "y": -2}}}).status_code == status
    stored = Place(1.5, -2.0) if status == 204 else None
    assert places(point.system) == {"orders": stored, "storefront": None}
    assert client.delete(URL).status_code == status
    assert places(point.system) == {"orders": None, "storefront": None}


def test_nobody_moves_without_signing_in(point: IntegrationPoint) -> None:
    assert move(Client(), {"places": {"orders": {"x": 1, "y": 2}}}).status_code == 401


def test_those_who_look_see_where_it_was_put(point: IntegrationPoint, viewer: User, sign_in: SignIn) -> None:
    services.place_components(point.system, {"orders": Place(1.5, 2)}, by=viewer)

    rows = sign_in(viewer).get("/api/v1/components/?system=shop").json()["results"]

    assert {row["slug"]: row["place"] for row in rows} == {"orders": {"x": 1.5, "y": 2.0}, "storefront": None}


def test_moving_some_leaves_the_others_and_null_gives_one_back(
    point: IntegrationPoint, tester: User, sign_in: SignIn
) -> None:
    client = sign_in(tester)
    move(client, {"places": {"orders": {"x": 1, "y": 1}, "storefront": {"x": 2, "y": 2}}})

    move(client, {"places": {"orders": {"x": 3, "y": 3}}})
    assert places(point.system) == {"orders": Place(3, 3), "storefront": Place(2, 2)}
    move(client, {"places": {"orders": None}})
    assert places(point.system) == {"orders": None, "storefront": Place(2, 2)}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"places": {"orders": {"x": NaN, "y": 1}}}', ""),
        ('{"places": {"orders": {"x": 1e999, "y": 1}}}', "places.orders.x"),
        ('{"places": {"orders": {"x": 1, "y": %s}}}' % ("9" * 400), "places.orders.y"),
        ('{"places": {"orders": {"x": 1000.5, "y": 1}}}', "places.orders.x"),
        ('{"places": {"orders": {"x": "1", "y": 1}}}', "places.orders.x"),
        ('{"places": {"orders": {"x": "NaN", "y": 1}}}', "places.orders.x"),
        ('{"places": {"orders": {"x": true, "y": 1}}}', "places.orders.x"),
        ('{"places": {"orders": {"x": 1}}}', "places.orders.y"),
        ('{"places": {"orders": [1, 2]}}', "places.orders.non_field_errors"),
        ('{"places": {"gone": {"x": 1, "y": 1}}}', "places.gone"),
        ('{"places": {"far": {"x": 1, "y": 1}}}', "places.far"),
        ('{"places": {"\\u0000": {"x": 1, "y": 1}}}', None),
        ('{"places": ["orders"]}', "places"),
        ('{"orders": {"x": 1, "y": 1}}', "places"),
        ('["orders"]', "non_field_errors"),
        ("{", ""),
    ],
)
def test_bad_places_are_refused_at_their_place_and_nothing_is_kept(
    body: str, field: str | None, point: IntegrationPoint, outsider: User, tester: User, sign_in: SignIn
) -> None:
    Component.objects.create(system=System.objects.get(slug="other"), name="Far", slug="far")
    good = body.replace('{"places": {', '{"places": {"storefront": {"x": 0, "y": 0}, ', 1)

    for text in (body, good):
        answer = move(sign_in(tester), text)

        assert answer.status_code == 400, answer.content
        assert answer["Content-Type"] == "application/problem+json"
        if field:
            assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Component.objects.exclude(map_x=None).exists()


def test_more_components_than_are_moved_at_once_are_refused(point: IntegrationPoint, tester: User) -> None:
    many: dict[str, Place | None] = {f"c{number}": Place(0, 0) for number in range(services.MOST_PLACES + 1)}

    with pytest.raises(DomainError, match="At most 500"):
        services.place_components(point.system, many, by=tester)


def test_the_database_keeps_out_what_no_map_can_show(point: IntegrationPoint) -> None:
    for x, y in ((float("nan"), 0.0), (float("inf"), 0.0), (0.0, 1e9), (None, 1.0)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Component.objects.filter(pk=point.consumer_id).update(map_x=x, map_y=y)


def test_moving_costs_the_same_for_one_and_for_many(system: System, tester: User) -> None:
    Component.objects.bulk_create(Component(system=system, name=f"C{n}", slug=f"c{n}") for n in range(100))
    counts = []
    for many in (1, 100):
        with CaptureQueriesContext(connection) as captured:
            services.place_components(system, {f"c{n}": Place(n, n) for n in range(many)}, by=tester)
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 6


def test_editing_a_component_leaves_it_where_it_stands(point: IntegrationPoint, lead: User) -> None:
    stale = point.provider
    services.place_components(point.system, {"orders": Place(4, 5)}, by=lead)

    services.save_component(point.system, component=stale, owner="Checkout", by=lead)

    assert Component.objects.get(pk=stale.pk).place == Place(4, 5)


def test_open_maps_and_the_audit_log_hear_of_what_changed(
    point: IntegrationPoint, tester: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(live, "publish", lambda topic, event, data: told.append((topic, event)))

    for _ in range(2):  # the second time it stands there already
        with django_capture_on_commit_callbacks(execute=True):
            services.place_components(point.system, {"orders": Place(1, 1), "storefront": None}, by=tester)
    moved = AuditEntry.objects.get(action="map.moved")
    assert (moved.actor, moved.subject, moved.detail) == (tester, "shop", {"count": 1, "components": ["orders"]})
    for _ in range(2):  # nothing is left to forget the second time
        with django_capture_on_commit_callbacks(execute=True):
            services.forget_places(point.system, by=tester)

    assert told == [(f"system:{point.system_id}", "map")] * 2
    assert AuditEntry.objects.get(action="map.arranged").subject == "shop"


@pytest.mark.django_db(transaction=True)
def test_two_people_who_move_at_once_lose_nothing_of_each_other(point: IntegrationPoint, tester: User) -> None:
    """Each moves one of their own and the same third one, in the opposite order of names."""
    Component.objects.create(system=point.system, name="Mail", slug="mail")
    start, errors = Barrier(2), []

    def work(own: str, x: float) -> None:
        try:
            for y in range(25):
                start.wait(20)
                pair = [(own, Place(x, y)), ("mail", Place(x, y))]
                services.place_components(point.system, dict(pair if x > 0 else pair[::-1]), by=tester)
        except Exception as error:  # noqa: BLE001 (told by the test)
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work, args=("orders", 1.0)), Thread(target=work, args=("storefront", -1.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    found = places(point.system)
    assert (found["orders"], found["storefront"]) == (Place(1, 24), Place(-1, 24))
    assert found["mail"] in {Place(1, 24), Place(-1, 24)}
