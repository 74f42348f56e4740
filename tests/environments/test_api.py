"""Environments, names, deployments and data sets over the REST API; a secret's value never comes back."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.environments import services
from apps.environments.models import Dataset, Environment, Secret, Variable
from apps.systems.models import IntegrationPoint, System

SignIn = Callable[[User], Client]
API = "/api/v1"
PLAIN = "hunter2-s3cr3t"
HERE = {"system": "shop", "environment": "local"}


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return client.generic(method, f"{API}{path}", json.dumps(body or {}), content_type="application/json")


def test_an_environment_is_prepared_by_a_program(
    system: System, point: IntegrationPoint, lead: User, sign_in: SignIn
) -> None:
    client = sign_in(lead)

    made = send(client, "POST", "/environments/", {"system": "shop", "name": "Local"})
    assert (made.status_code, made.json()["slug"], made.json()["versions"]) == (201, "local", {})
    assert send(client, "POST", "/variables/", {**HERE, "name": "SHOP", "value": "a"}).status_code == 201
    assert send(client, "POST", "/secrets/", {**HERE, "name": "KEY", "value": PLAIN}).status_code == 201
    deployed = send(client, "POST", "/deployments/", {**HERE, "component": "orders", "version": "1.4.0"})
    assert deployed.status_code == 201 and deployed.json()["until"] is None

    environment = Environment.objects.get(slug="local")
    assert services.values_for(environment) == ({"SHOP": "a"}, {"KEY": PLAIN})
    assert client.get(f"{API}/environments/?system=shop").json()["results"][0]["versions"] == {"orders": "1.4.0"}


def test_the_value_of_a_secret_never_comes_back(environment: Environment, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)
    made = send(client, "POST", "/secrets/", {**HERE, "name": "KEY", "value": PLAIN})
    path = f"/secrets/{made.json()['id']}/"
    answers = [
        made,
        client.get(f"{API}/secrets/"),
        client.get(f"{API}{path}"),
        send(client, "PATCH", path, {"value": PLAIN + "-2"}),
        send(client, "POST", "/secrets/", {**HERE, "name": "no name", "value": PLAIN}),
        send(client, "POST", "/variables/", {**HERE, "name": "KEY", "value": "x"}),
        client.get(f"{API}/environments/"),
        client.get(f"{API}/schema/"),
    ]

    assert not any(PLAIN in answer.content.decode() or "gAAAA" in answer.content.decode() for answer in answers)
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 400, 400, 200, 200]
    assert services.values_for(environment)[1] == {"KEY": PLAIN + "-2"}
    assert answers[2].json()["changed_by"] == "lena@example.test"


def test_setting_again_changes_and_does_not_double(environment: Environment, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)
    for value in ("a", "b"):
        send(client, "POST", "/variables/", {**HERE, "name": "SHOP", "value": value})
        send(client, "POST", "/secrets/", {**HERE, "name": "KEY", "value": value})

    assert services.values_for(environment) == ({"SHOP": "b"}, {"KEY": "b"})


def test_a_variable_is_renamed_and_a_secret_is_not(environment: Environment, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)
    variable = services.set_variable(environment, "SHOP", "a", by=lead)
    secret = services.set_secret(environment, "KEY", PLAIN, by=lead)

    renamed = send(client, "PATCH", f"/variables/{variable.pk}/", {"name": "SHOP_URL"})
    refused = send(client, "PATCH", f"/secrets/{secret.pk}/", {"name": "OTHER", "value": "x"})

    assert renamed.json()["value"] == "a" and Variable.objects.get().name == "SHOP_URL"
    assert refused.status_code == 400 and Secret.objects.get().name == "KEY"


@pytest.mark.parametrize("role", ["viewer", "tester"])
def test_environments_are_for_leads_to_change(
    role: str, request: pytest.FixtureRequest, environment: Environment, point: IntegrationPoint, lead: User
) -> None:
    variable = services.set_variable(environment, "SHOP", "a", by=lead)
    secret = services.set_secret(environment, "KEY", PLAIN, by=lead)
    client = Client()
    client.force_login(request.getfixturevalue(role))
    rows = [
        ("POST", "/environments/", {"system": "shop", "name": "X"}),
        ("PATCH", f"/environments/{environment.pk}/", {"name": "X"}),
        ("POST", "/variables/", {**HERE, "name": "X", "value": "x"}),
        ("DELETE", f"/variables/{variable.pk}/", None),
        ("POST", "/secrets/", {**HERE, "name": "X", "value": "x"}),
        ("DELETE", f"/secrets/{secret.pk}/", None),
        ("POST", "/deployments/", {**HERE, "component": "orders", "version": "1"}),
    ]

    assert [send(client, *row).status_code for row in rows] == [403] * len(rows)
    assert services.values_for(environment) == ({"SHOP": "a"}, {"KEY": PLAIN})


def test_an_outsider_finds_nothing(environment: Environment, lead: User, outsider: User, sign_in: SignIn) -> None:
    secret = services.set_secret(environment, "KEY", PLAIN, by=lead)
    client = sign_in(outsider)

    for prefix in ("environments", "variables", "secrets", "deployments", "datasets"):
        assert client.get(f"{API}/{prefix}/").json()["results"] == []
    assert send(client, "PATCH", f"/secrets/{secret.pk}/", {"value": "x"}).status_code == 404
    stolen = send(client, "POST", "/variables/", {**HERE, "name": "X", "value": "x"})
    assert stolen.status_code == 400 and "system" in {error["field"] for error in stolen.json()["errors"]}


def test_an_environment_of_another_system_is_not_named(
    environment: Environment, outsider: User, lead: User, sign_in: SignIn
) -> None:
    mine = send(sign_in(outsider), "POST", "/environments/", {"system": "other", "name": "Local"})
    assert mine.status_code == 201

    answer = send(
        sign_in(lead), "POST", "/variables/", {"system": "shop", "environment": "nowhere", "name": "X", "value": ""}
    )

    assert [error["field"] for error in answer.json()["errors"]] == ["environment"]


def test_deployments_are_history(
    environment: Environment, point: IntegrationPoint, lead: User, sign_in: SignIn
) -> None:
    client = sign_in(lead)
    first = send(client, "POST", "/deployments/", {**HERE, "component": "orders", "version": "1.0"}).json()
    second = send(client, "POST", "/deployments/", {**HERE, "component": "orders", "version": "1.1"}).json()

    now = client.get(f"{API}/deployments/?system=shop&environment=local&current=true").json()["results"]
    assert [row["id"] for row in now] == [second["id"]]
    assert send(client, "DELETE", f"/deployments/{first['id']}/").status_code == 400
    assert send(client, "DELETE", f"/deployments/{second['id']}/").status_code == 204
    assert services.versions_deployed(environment) == {}
    assert client.get(f"{API}/deployments/?component=orders").json()["results"][0]["version"] == "1.1"


def test_a_tester_writes_data_sets_whole(system: System, tester: User, sign_in: SignIn) -> None:
    client = sign_in(tester)
    rows = [{"label": "one", "values": {"sku": "42", "quantity": None}}]

    made = send(
        client, "POST", "/datasets/", {"system": "shop", "name": "Orders", "columns": ["sku", "quantity"], "rows": rows}
    )
    assert made.status_code == 201, made.content
    path = f"/datasets/{made.json()['id']}/"
    assert made.json()["rows"] == rows and made.json()["row_count"] == 1
    assert "rows" not in client.get(f"{API}/datasets/?system=shop").json()["results"][0]

    changed = send(client, "PATCH", path, {"rows": [*rows, {"label": "", "values": {"sku": "A", "quantity": 1.5}}]})
    assert [row["values"]["quantity"] for row in changed.json()["rows"]] == [None, 1.5]
    assert changed.json()["row_count"] == 2
    stale = send(client, "PATCH", path, {"rows": [], "seen_at": made.json()["updated_at"]})
    assert stale.status_code == 409


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([{"values": {"sku": [1]}}], "rows[0].values.sku"),
        ([{"values": {}}], "rows[0].values.sku"),
        ([{"values": {"sku": 1}}, {"values": {"sku": 1, "x": 2}}], "rows[1].values.x"),
    ],
)
def test_a_wrong_cell_is_named(system: System, tester: User, sign_in: SignIn, rows: Any, place: str) -> None:
    answer = send(
        sign_in(tester), "POST", "/datasets/", {"system": "shop", "name": "Orders", "columns": ["sku"], "rows": rows}
    )

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [place]
    assert not Dataset.objects.exists()


def test_a_viewer_writes_no_data_set(system: System, viewer: User, sign_in: SignIn) -> None:
    assert send(sign_in(viewer), "POST", "/datasets/", {"system": "shop", "name": "X"}).status_code == 403


@pytest.mark.parametrize(
    "query", ["environments/?queue=x", "variables/?value=a", "secrets/?value=a", "datasets/?name=x"]
)
def test_filters_are_declared(system: System, viewer: User, sign_in: SignIn, query: str) -> None:
    assert sign_in(viewer).get(f"{API}/{query}").status_code == 400
