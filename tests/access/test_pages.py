"""Every address × every role, generated from the URL map.

For each address the view says who may use it; here each role tries it on rows of one team. An address with a
parameter that ``tests.access.populated`` cannot fill, or an API collection without an example body, fails loudly.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import NoReverseMatch, reverse

from apps.accounts.models import Role
from tests.access.populated import MARK, World
from tests.access.trials import address, snapshot, text_of
from tests.access.url_map import Route, routes

ROUTES = routes()
UNSAFE = ("post", "put", "patch", "delete")
SIGN_IN = "/sign-in/"
OF_ONE_PERSON = {"execution:try-result", "execution:try-picture"}  # 404 for every other person, of whatever role
OWN = "other"  # the outsider's own system (conftest.py)


def sent_to_sign_in(response: Any) -> bool:
    """Pages redirect; live streams, which no person looks at, answer 401."""
    if response.status_code == 401:
        return str(response.request["PATH_INFO"]).startswith("/live/")
    return response.status_code == 302 and SIGN_IN in response["Location"]


def by_name(names: Callable[[Route], bool]) -> Any:
    chosen = [route for route in ROUTES if names(route)]
    return pytest.mark.parametrize("route", chosen, ids=str)


@by_name(lambda route: True)
def test_every_view_says_who_may_use_it(route: Route) -> None:
    assert route.access in {"public", "signed in", "api"} or isinstance(route.access, Role), route.path


def test_the_world_has_a_row_of_every_model(world: World, db: None) -> None:
    ours = [
        model for config in apps.get_app_configs() if config.name.startswith("apps.") for model in config.get_models()
    ]

    assert [model.__name__ for model in ours if not model._default_manager.exists()] == []


@by_name(lambda route: isinstance(route.access, Role))
def test_pages_of_a_team_open_only_for_those_who_may(route: Route, world: World, clients: dict[str, Client]) -> None:
    url = address(route, world)
    seen = {name: client.get(url) for name, client in clients.items()}

    assert sent_to_sign_in(seen["anonymous"])
    assert seen["outsider"].status_code == 404
    for role in Role:
        response = seen[role.name.lower()]
        if role < route.access:
            assert response.status_code == 403, f"{role.name} got {response.status_code}"
        else:
            refused = {403} if route.name in OF_ONE_PERSON else {403, 404}
            assert response.status_code < 500 and response.status_code not in refused, (
                f"{role.name} got {response.status_code}"
            )
    for name in ("anonymous", "outsider"):
        assert MARK not in text_of(seen[name])


@by_name(lambda route: route.access == "signed in")
def test_pages_of_a_person_show_nothing_of_other_teams(route: Route, world: World, clients: dict[str, Client]) -> None:
    url = address(route, world)

    anonymous = clients["anonymous"].get(url)
    outsider = clients["outsider"].get(url)

    assert sent_to_sign_in(anonymous)
    assert outsider.status_code in {200, 302, 404, 405}
    assert MARK not in text_of(outsider)


@by_name(lambda route: route.access == "public" and route.name != "accounts:invitation")
def test_public_pages_show_nothing_of_a_team(route: Route, world: World, clients: dict[str, Client]) -> None:
    response = clients["anonymous"].get(address(route, world), follow=True)

    assert response.status_code < 500
    assert MARK not in text_of(response)


@by_name(lambda route: ("s", "system") in route.parameters and len(route.parameters) > 1)
def test_another_teams_rows_are_not_found_below_the_own_system(
    route: Route, world: World, clients: dict[str, Client]
) -> None:
    url = address(route, world, system=OWN)

    for method in ("get", *UNSAFE):
        response = getattr(clients["outsider"], method)(url)
        assert response.status_code in {404, 405, 400}, f"{method} got {response.status_code}"
        assert MARK not in text_of(response)


@by_name(lambda route: isinstance(route.access, Role) and ("s", "system") in route.parameters)
def test_references_of_a_query_are_looked_up_in_the_own_system(
    route: Route, world: World, clients: dict[str, Client]
) -> None:
    """``?execution=17`` of another team's execution must not prefill anything."""
    references = {
        "execution": world.execution.pk,
        "suite": world.suite.pk,
        "case": world.case.number,
        "plan": world.plan.slug,
        "environment": world.environment.slug,
        "point": world.point.slug,
        "component": world.component.slug,
        "compare": world.run.number,
        "group": world.group.pk,
        "person": world.tester.pk,
        "owner": world.tester.pk,
        "assigned": world.tester.pk,
    }
    url = address(route, world, system=OWN)

    assert MARK not in text_of(clients["outsider"].get(url, references))


@by_name(lambda route: route.access not in {"public", "api"})
def test_outsiders_change_nothing(route: Route, world: World, clients: dict[str, Client]) -> None:
    url = address(route, world)
    before = snapshot()

    for method in UNSAFE:
        response = getattr(clients["outsider"], method)(url)
        if isinstance(route.access, Role):
            assert response.status_code == 404, f"{method} got {response.status_code}"
        anonymous = getattr(clients["anonymous"], method)(url)
        assert sent_to_sign_in(anonymous)

    assert snapshot() == before


@by_name(lambda route: isinstance(route.access, Role) and route.access > Role.VIEWER)
def test_too_low_a_role_changes_nothing(route: Route, world: World, clients: dict[str, Client]) -> None:
    url = address(route, world)
    before = snapshot()

    for role in [role for role in Role if role < route.access]:
        for method in UNSAFE:
            response = getattr(clients[role.name.lower()], method)(url)
            assert response.status_code == 403, f"{method} as {role.name} got {response.status_code}"

    assert snapshot() == before


def test_sessions_are_refused_without_a_csrf_token(world: World, db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.admin)
    before = snapshot()

    invited = client.post(f"/teams/{world.team.slug}/invite/", {"email": "x@example.test", "role": 20})
    made = client.post("/api/v1/tokens/", {"name": "x"}, content_type="application/json")

    assert (invited.status_code, made.status_code) == (403, 403)

    assert snapshot() == before


def test_every_address_can_be_reversed() -> None:
    """A name that hides another one would leave an address untested."""
    seen: dict[tuple[str, frozenset[str]], str] = {}
    for route in ROUTES:
        key = route.name, frozenset(parameter for _, parameter in route.parameters)
        assert key not in seen, f"{route.path} and {seen[key]} share the name {route.name}"
        seen[key] = route.path
        with pytest.raises(NoReverseMatch):
            reverse(f"{route.name}-that-does-not-exist")
