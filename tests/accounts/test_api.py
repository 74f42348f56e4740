from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiToken, Team, User


def caller(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def api(admin: User) -> Client:
    return caller(services.create_token(admin, "CI")[1])


def test_me_says_who_asks_and_as_what(api: Client, team: Team) -> None:
    assert api.get("/api/v1/me/").json() == {
        "email": "ada@example.test",
        "name": "Ada",
        "language": "en",
        "teams": [{"team": "shop-team", "role": "admin"}],
    }


def test_teams_come_with_their_members(api: Client, viewer: User) -> None:
    (team,) = api.get("/api/v1/teams/").json()["results"]

    assert {member["email"]: member["role"] for member in team["members"]} == {
        "ada@example.test": "admin",
        "vera@example.test": "viewer",
    }


def test_a_token_is_made_listed_without_itself_and_revoked(api: Client) -> None:
    made = api.post("/api/v1/tokens/", {"name": "Nightly"}, content_type="application/json").json()

    assert caller(made["token"]).get("/api/v1/me/").status_code == 200
    listed = api.get("/api/v1/tokens/").json()["results"]
    assert [row["name"] for row in listed] == ["Nightly", "CI"]
    assert "token" not in listed[0]
    assert api.delete(f"/api/v1/tokens/{made['id']}/").status_code == 204
    assert caller(made["token"]).get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Bearer a b", "Basic YTpi"])
def test_a_bad_token_is_refused_as_a_problem(db: None, header: str) -> None:
    response = Client(headers={"Authorization": header}).get("/api/v1/me/")

    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token_and_one_of_a_person_who_left_are_refused(admin: User) -> None:
    saved, token = services.create_token(admin, "CI", timezone.now() + timedelta(days=1))
    assert caller(token).get("/api/v1/me/").status_code == 200
    ApiToken.objects.filter(pk=saved.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert caller(token).get("/api/v1/me/").status_code == 401

    _, other = services.create_token(admin, "CI")
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert caller(other).get("/api/v1/me/").status_code == 401


def test_the_use_of_a_token_is_noted(api: Client, admin: User) -> None:
    assert ApiToken.objects.get(user=admin).last_used_at is None

    api.get("/api/v1/me/")

    assert ApiToken.objects.get(user=admin).last_used_at is not None


def test_bad_input_names_the_field(api: Client) -> None:
    body: dict[str, Any] = {"name": "", "expires_at": "yesterday"}

    response = api.post("/api/v1/tokens/", body, content_type="application/json")

    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {"name", "expires_at"}


def test_unknown_addresses_of_the_api_answer_as_problems(api: Client) -> None:
    response = api.get("/api/v1/nothing/")

    assert response.status_code == 404
    assert response.json()["type"] == "urn:integhub:not-found"


def test_a_token_is_made_for_less_than_its_user_may(api: Client) -> None:
    made = api.post("/api/v1/tokens/", {"name": "Looks on", "scope": "read"}, content_type="application/json").json()
    assert made["scope"] == "read"
    assert api.post("/api/v1/tokens/", {"name": "All"}, content_type="application/json").json()["scope"] == "write"

    looks_on = caller(made["token"])
    assert looks_on.get("/api/v1/tokens/").status_code == 200
    refused = looks_on.post("/api/v1/tokens/", {"name": "More", "scope": "write"}, content_type="application/json")
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:integhub:token-scope"
    assert "Read only" in refused.json()["detail"]
    wrong = api.post("/api/v1/tokens/", {"name": "X", "scope": "root"}, content_type="application/json")
    assert [error["field"] for error in wrong.json()["errors"]] == ["scope"]


def test_the_schema_says_how_to_send_a_token_and_what_for() -> None:
    schema = Client().get("/api/v1/schema/?format=json").json()

    bearer = schema["components"]["securitySchemes"]["bearerToken"]
    assert (bearer["type"], bearer["scheme"]) == ("http", "bearer")
    assert "`read`: Read only" in bearer["description"]
    assert schema["components"]["schemas"]["TokenScopeEnum"]["enum"] == ["read", "run", "write"]
    assert {"bearerToken": []} in schema["paths"]["/api/v1/me/"]["get"]["security"]
