"""Every address of the REST API × every scope of a token; what its user may do is the subject of test_api.py."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import Scope
from apps.accounts.permissions import WithinScope
from apps.accounts.services import create_token
from tests.access.populated import World
from tests.access.test_api import API, ask, body, named, unsafe
from tests.access.trials import address, snapshot
from tests.access.url_map import Route

# What CI does with a token for it; everything else that changes something needs a token for everything.
RUN = {
    ("api:runs-list", "post"),
    ("api:runs-rerun", "post"),
    ("api:runs-pause", "post"),
    ("api:runs-resume", "post"),
    ("api:runs-cancel", "post"),
    ("api:deployments-list", "post"),
}
# Asks by POST, and changes nothing.
READ = {("api:runs-estimate", "post")}


def program(world: World, scope: Scope) -> Client:
    """A program with a token of the team's admin, whose use has been noted."""
    _saved, token = create_token(world.admin, "CI", scope=scope)
    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    assert client.get("/api/v1/me/").status_code == 200
    return client


def is_out_of_scope(response: Any) -> bool:
    return response.status_code == 403 and response.json()["type"] == "urn:integhub:token-scope"


def may(scope: Scope, route: Route, method: str) -> bool:
    if (route.name, method) in READ:
        return True
    return scope is Scope.WRITE or (scope is Scope.RUN and (route.name, method) in RUN)


def test_every_view_of_the_api_holds_tokens_to_their_scope() -> None:
    assert [str(route) for route in API if WithinScope not in route.view.cls.permission_classes] == []
    known = {(route.name, method) for route in API for method in unsafe(route)}
    assert known >= RUN | READ


@named([route for route in API if "get" in route.methods])
@pytest.mark.parametrize("scope", [Scope.READ, Scope.RUN])
def test_every_token_reads_what_its_user_reads(
    route: Route, scope: Scope, world: World, clients: dict[str, Client]
) -> None:
    client = program(world, scope)
    for method in ("get", "head", "options"):
        own = getattr(clients["admin"], method)(address(route, world))
        by_token = getattr(client, method)(address(route, world))
        assert by_token.status_code == own.status_code, f"{method} got {by_token.status_code}"


@named([route for route in API if unsafe(route)])
@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_changes_what_its_scope_allows(route: Route, scope: Scope, world: World, db: None) -> None:
    client = program(world, scope)
    before = snapshot()
    for method in unsafe(route):
        with transaction.atomic():
            response = ask(client, method, address(route, world), body(route, world))
            if not may(scope, route, method):
                assert is_out_of_scope(response), f"{method} got {response.status_code}"
                assert snapshot() == before
            else:
                assert response.status_code < 500
                assert response.status_code not in {401, 403}, f"{method} got {response.status_code}"
            transaction.set_rollback(True)


def test_an_outsider_s_token_tells_nothing_of_what_it_may_not_do(world: World, db: None) -> None:
    _saved, token = create_token(world.people["outsider"], "CI", scope=Scope.READ)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    there = client.delete(f"/api/v1/components/{world.component.pk}/")
    nowhere = client.delete("/api/v1/components/123456789/")
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)
