"""What a refusal looks like to a person, to htmx and to a program."""

import pytest
from django.test import Client

from apps.accounts.models import Team, User

JSON = {"Accept": "application/json"}
PART = {"HX-Request": "true"}


@pytest.fixture
def client(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def test_a_refusal_is_a_page_for_people(client: Client, team: Team) -> None:
    response = client.post("/teams/shop-team/leave/")

    assert response.status_code == 409
    assert "<html" in response.content.decode() and "needs an admin" in response.content.decode()


def test_a_refusal_is_a_message_on_the_open_page_for_htmx(client: Client, team: Team) -> None:
    response = client.post("/teams/shop-team/leave/", headers=PART)

    assert (response.status_code, response["HX-Retarget"]) == (409, "#messages")
    assert "<html" not in response.content.decode() and "needs an admin" in response.content.decode()


def test_a_refusal_is_a_problem_for_modules_that_fetch_json(client: Client, team: Team) -> None:
    response = client.post("/teams/shop-team/leave/", headers=JSON)

    assert (response.status_code, response["Content-Type"]) == (409, "application/problem+json")
    assert response.json()["type"] == "urn:integhub:last-admin"


def test_an_ended_session_reloads_the_page_instead_of_drawing_the_sign_in_into_it(db: None) -> None:
    response = Client().get("/account/", headers=PART)

    assert (response.status_code, response["HX-Refresh"], response.content) == (401, "true", b"")


def test_an_ended_session_is_a_problem_for_modules_that_fetch_json(db: None) -> None:
    response = Client().post("/account/", headers=JSON)

    assert response.status_code == 401
    assert response.json()["type"] == "urn:integhub:not-signed-in"


@pytest.mark.parametrize(("path", "status"), [("/nowhere/", 404), ("/teams/shop-team/audit/", 403)])
def test_missing_and_forbidden_things_are_said_in_the_same_three_ways(path: str, status: int, viewer: User) -> None:
    client = Client()
    client.force_login(viewer)

    page, part, program = (client.get(path, headers=headers) for headers in ({}, PART, JSON))

    assert {page.status_code, part.status_code, program.status_code} == {status}
    assert "<html" in page.content.decode()
    assert part["HX-Retarget"] == "#messages"
    assert program.json()["status"] == status


def test_a_role_that_is_missing_is_named(viewer: User) -> None:
    client = Client()
    client.force_login(viewer)

    assert "“Admin”" in client.get("/teams/shop-team/audit/", headers=JSON).json()["detail"]


def test_a_crash_of_the_api_is_a_problem_without_details(
    client: Client, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("password is hunter2")

    monkeypatch.setattr("apps.accounts.api.views.MeViewSet.list", fail)
    client.raise_request_exception = False

    response = client.get("/api/v1/me/")

    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert "hunter2" not in response.content.decode()
