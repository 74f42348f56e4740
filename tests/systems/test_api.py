"""Systems, components, integration points and workflows over the REST API: roles, filters, problems."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.systems.models import Component, IntegrationPoint, System

SignIn = Callable[[User], Client]
API = "/api/v1"


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return client.generic(method, f"{API}{path}", json.dumps(body or {}), content_type="application/json")


def test_a_system_is_described_from_nothing(team: Team, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)

    system = send(client, "POST", "/systems/", {"team": team.slug, "name": "Billing"})
    assert (system.status_code, system.json()["slug"]) == (201, "billing")
    for name, kind in (("Web", "service"), ("Ledger", "database")):
        body = {"system": "billing", "name": name, "kind": kind}
        assert send(client, "POST", "/components/", body).status_code == 201
    point = send(
        client,
        "POST",
        "/points/",
        {"system": "billing", "consumer": "web", "provider": "ledger", "protocol": "sql", "operation": "bills"},
    ).json()
    workflow = send(
        client, "POST", "/workflows/", {"system": "billing", "name": "Bill", "points": [point["slug"], point["slug"]]}
    ).json()

    assert (point["consumer"], point["slug"], point["criticality"]) == ("web", "web-ledger-bills", 2)
    assert workflow["points"] == [point["slug"]] * 2
    assert [row["slug"] for row in client.get(f"{API}/points/?system=billing").json()["results"]] == [point["slug"]]


@pytest.mark.parametrize("role", ["viewer", "tester"])
def test_describing_is_for_leads(role: str, request: pytest.FixtureRequest, point: IntegrationPoint) -> None:
    client = Client()
    client.force_login(request.getfixturevalue(role))
    rows = [
        ("POST", "/systems/", {"team": "shop-team", "name": "X"}),
        ("PATCH", "/systems/shop/", {"name": "X"}),
        ("POST", "/components/", {"system": "shop", "name": "X"}),
        ("PATCH", f"/components/{point.consumer_id}/", {"name": "X"}),
        ("DELETE", f"/points/{point.pk}/", None),
        ("POST", f"/components/{point.consumer_id}/versions/", {"name": "9"}),
        ("POST", "/workflows/", {"system": "shop", "name": "X", "points": [point.slug]}),
    ]

    answers = [send(client, *row) for row in rows]

    assert [answer.status_code for answer in answers] == [403] * len(rows)
    assert answers[0]["Content-Type"] == "application/problem+json"
    assert client.get(f"{API}/points/{point.pk}/").status_code == 200


def test_an_outsider_finds_nothing(point: IntegrationPoint, outsider: User, sign_in: SignIn) -> None:
    client = sign_in(outsider)

    assert client.get(f"{API}/points/").json()["results"] == []
    assert client.get(f"{API}/components/{point.consumer_id}/versions/").status_code == 404
    assert send(client, "PATCH", "/systems/shop/", {"name": "X"}).status_code == 404
    stolen = send(client, "POST", "/components/", {"system": "shop", "name": "X"})
    assert stolen.status_code == 400 and stolen.json()["errors"][0]["field"] == "system"


def test_ends_of_another_system_do_not_exist(point: IntegrationPoint, lead: User, team: Team, sign_in: SignIn) -> None:
    second = System.objects.create(team=team, name="Second", slug="second")
    Component.objects.create(system=second, name="Far", slug="far")
    body = {"system": "shop", "consumer": "storefront", "provider": "far", "protocol": "http", "operation": "GET /"}

    answer = send(sign_in(lead), "POST", "/points/", body)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["provider"]


def test_a_partial_change_leaves_the_rest(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    answer = send(sign_in(lead), "PATCH", f"/points/{point.pk}/", {"criticality": 4})

    assert answer.status_code == 200
    point.refresh_from_db()
    assert (point.criticality, point.operation) == (4, "POST /orders")


@pytest.mark.parametrize(
    ("body", "field"),
    [({"slug": "other"}, "slug"), ({"system": "second"}, "system"), ({"protocol": "smoke"}, "protocol")],
)
def test_what_cannot_change_is_named(
    point: IntegrationPoint, lead: User, team: Team, sign_in: SignIn, body: Any, field: str
) -> None:
    System.objects.create(team=team, name="Second", slug="second")

    answer = send(sign_in(lead), "PATCH", f"/points/{point.pk}/", body)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_conflict_is_a_problem(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    answer = send(sign_in(lead), "DELETE", f"/components/{point.consumer_id}/")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:integhub:component-in-use")


def test_an_unknown_filter_is_refused(system: System, viewer: User, sign_in: SignIn) -> None:
    answer = sign_in(viewer).get(f"{API}/components/?name=x")

    assert answer.status_code == 400 and "name" in answer.json()["detail"]


def test_versions_are_listed_and_named(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    client, path = sign_in(lead), f"/components/{point.provider_id}/versions/"

    assert send(client, "POST", path, {"name": "1.0", "notes": "First"}).status_code == 201
    assert send(client, "POST", path, {"name": "1.0"}).status_code == 201
    assert send(client, "POST", path, {}).status_code == 400

    assert [row["name"] for row in client.get(f"{API}{path}").json()] == ["1.0"]
