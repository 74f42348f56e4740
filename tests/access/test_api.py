"""Every address of the REST API × every role; see test_pages.py for the pages."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role
from tests.access.populated import MARK, SLUG, World
from tests.access.trials import address, snapshot, text_of
from tests.access.url_map import Route, routes

API = [route for route in routes() if route.access == "api"]
OWN = "other"  # the outsider's own system (conftest.py)
# Collections of what belongs to a person, not to a team: anybody may add to the own ones.
PERSONAL = {"api:tokens-list"}
# Their bodies name no row but the system.
NO_REFERENCES = {"api:components-list", "api:environments-list", "api:datasets-list"}
# What members read there has no text of the team: the person's own things, secrets.
SAYS_NOTHING = {"api:api-root", "api:me-list", "api:tokens-list", "api:secrets-list", "api:secrets-detail"}


def body(route: Route, world: World) -> dict[str, Any]:
    """A body that the route accepts from somebody who may; ``patch`` and ``put`` of rows try to change the name."""
    system = {"system": world.system.slug}
    place = {**system, "environment": world.environment.slug}
    bodies: dict[str, dict[str, Any]] = {
        "api:tokens-list": {"name": "mine"},
        "api:systems-list": {"team": world.team.slug, "name": "New"},
        "api:systems-places": {"places": {SLUG: {"x": 1, "y": 2}}},
        "api:components-list": {**system, "name": "New"},
        "api:components-versions": {"name": "2.0"},
        "api:points-list": {**system, "consumer": SLUG, "provider": "two", "protocol": "http", "operation": "PUT /x"},
        "api:workflows-list": {**system, "name": "New", "points": [SLUG]},
        "api:environments-list": {**system, "name": "New"},
        "api:variables-list": {**place, "name": "NEW", "value": "x"},
        "api:secrets-list": {**place, "name": "NEW", "value": "x"},
        "api:deployments-list": {**place, "component": SLUG, "version": "2.0"},
        "api:datasets-list": {**system, "name": "New", "columns": ["sku"], "rows": [{"values": {"sku": "x"}}]},
        "api:suites-list": {**system, "name": "New", "parent": world.suite.pk},
        "api:cases-list": {**system, "suite": world.suite.pk, "definition": world.definition},
        "api:cases-take-in": {**system, "suite": world.suite.pk, "yaml": YAML},
        "api:plans-list": {**system, "name": "New", "suites": [world.suite.pk], "cases": [world.case.number]},
        "api:shared-steps-list": {**system, "definition": {**world.definition, "title": "New"}},
        "api:runs-list": {**place, "cases": [world.case.number]},
        "api:runs-estimate": {**place, "cases": [world.case.number]},
        "api:runs-cancel": {},
        "api:runs-pause": {},
        "api:runs-resume": {},
        "api:runs-rerun": {"which": "all"},
        "api:runs-assign": {"executions": [world.execution.pk], "user": world.tester.email},
        "api:runs-split": {"people": [world.tester.email]},
        "api:runs-verdicts": {"executions": [{"id": world.waiting.pk, "step": 0}], "verdict": "passed"},
        "api:executions-assign": {"user": world.tester.email},
        "api:executions-verdict": {"step": 0, "verdict": "passed"},
        "api:defects-list": {**system, "title": "New", "execution": world.execution.pk, "another": True},
        "api:defects-comment": {"text": "x"},
        "api:defects-assign": {"owner": world.admin.email},
        "api:defects-start": {},
        "api:defects-fix": {},
        "api:defects-reject": {"reason": "x"},
        "api:defects-reopen": {"reason": "x"},
        "api:defects-retest": {},
        "api:defects-evidence": {"execution": world.execution.pk},
        "api:defects-root-cause": {"category": "code", "explanation": "x"},
    }
    if route.name.endswith("-detail"):
        return {"name": "Changed", "title": "Changed", "message": "x"}
    if route.name not in bodies:
        pytest.fail(f"tests/access/test_api.py has no body for {route.name}")
    return bodies[route.name]


YAML = """
title: New
steps:
  - name: Look
    kind: manual
    with: {instructions: Look}
"""


def ask(client: Client, method: str, url: str, data: dict[str, Any] | None = None) -> Any:
    """One request with a JSON body."""
    return getattr(client, method)(url, **({} if method == "get" else {"data": data, "content_type": JSON}))


JSON = "application/json"


def unsafe(route: Route) -> list[str]:
    return [method for method in route.methods if method != "get"]


def named(routes: list[Route]) -> Any:
    return pytest.mark.parametrize("route", routes, ids=str)


@named(API)
def test_nobody_uses_the_api_without_signing_in(route: Route, world: World, clients: dict[str, Client]) -> None:
    url, before = address(route, world), snapshot()

    for method in route.methods:
        response = ask(clients["anonymous"], method, url, body(route, world) if method != "get" else None)
        assert response.status_code == 401, f"{method} got {response.status_code}"
        assert MARK not in text_of(response)

    assert snapshot() == before


@named([route for route in API if "get" in route.methods])
def test_outsiders_read_nothing_of_the_team(route: Route, world: World, clients: dict[str, Client]) -> None:
    response = ask(clients["outsider"], "get", address(route, world))
    member = ask(clients["viewer"], "get", address(route, world))

    assert response.status_code == (404 if route.parameters else 200)
    assert MARK not in text_of(response)
    assert member.status_code == 200 or route.name.startswith("api:tokens")
    if route.name not in SAYS_NOTHING:
        assert MARK in text_of(member), "The world has nothing to show here: the test above could not fail."


@named([route for route in API if unsafe(route) and route.name not in PERSONAL])
def test_outsiders_change_nothing(route: Route, world: World, clients: dict[str, Client]) -> None:
    url, before = address(route, world), snapshot()

    for method in unsafe(route):
        response = ask(clients["outsider"], method, url, body(route, world))
        assert response.status_code in ({404} if route.parameters else {400, 403, 404}), response.status_code
        assert MARK not in text_of(response)

    assert snapshot() == before


@named([route for route in API if "post" in route.methods and not route.parameters and route.name not in PERSONAL])
def test_rows_of_another_team_cannot_be_referred_to(route: Route, world: World, clients: dict[str, Client]) -> None:
    """The outsider names the own system, and beside it rows of the team."""
    own = body(route, world) | {"system": OWN}
    before = snapshot()

    response = ask(clients["outsider"], "post", address(route, world), own)

    assert MARK not in text_of(response)
    if route.name not in NO_REFERENCES:
        assert response.status_code in {400, 403, 404, 422}
        assert snapshot() == before


@named([route for route in API if unsafe(route) and not route.name.startswith("api:tokens")])
def test_viewers_change_nothing_and_admins_may(route: Route, world: World, clients: dict[str, Client]) -> None:
    url, before = address(route, world), snapshot()

    for method in unsafe(route):
        response = ask(clients["viewer"], method, url, body(route, world))
        assert response.status_code == 403, f"{method} got {response.status_code}: {text_of(response)[:300]}"
    assert snapshot() == before

    for method in unsafe(route):
        with transaction.atomic():
            allowed = ask(clients[Role.ADMIN.name.lower()], method, url, body(route, world))
            transaction.set_rollback(True)
        refused = {403, 404, 405} if route.parameters else {400, 403, 404, 405}
        assert allowed.status_code not in refused, f"{method} got {allowed.status_code}: {text_of(allowed)[:300]}"
