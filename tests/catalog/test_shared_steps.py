"""Shared steps: kept in revisions, called by cases that must fit them, taken out of cases, given in and out as YAML."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import SharedStep, TestCase, TestSuite
from apps.core.errors import Conflict, DomainError
from apps.environments.models import Environment
from apps.execution import requests
from apps.runs import services as runs
from apps.runs.models import TestRun
from apps.systems.models import IntegrationPoint, System

pytestmark = pytest.mark.django_db


def http(url: str, **more: Any) -> dict[str, Any]:
    return {"name": f"Ask {url}", "kind": "http", "with": {"url": url}, **more}


def call(slug: str = "log-in", **arguments: Any) -> dict[str, Any]:
    given = {"arguments": arguments} if arguments else {}
    return {"name": "Log in", "kind": "call", "with": {"step": slug, **given}}


LOG_IN: dict[str, Any] = {
    "title": "Log in",
    "slug": "log-in",
    "parameters": {"user": None, "password": {"default": "{{ PASSWORD }}"}},
    "steps": [http("{{ SHOP }}/{{ user }}", capture={"token": "$.token"})],
}


@pytest.fixture
def save(system: System, tester: User) -> Callable[..., SharedStep]:
    def make(definition: Any = LOG_IN, shared: SharedStep | None = None, **more: Any) -> SharedStep:
        return services.save_shared(system, definition, tester, shared=shared, **more)

    return make


@pytest.fixture
def case_of(system: System, suite: TestSuite, tester: User) -> Callable[..., TestCase]:
    def make(*steps: Any, **more: Any) -> TestCase:
        return services.save_case(system, suite, {"title": "Calling", "steps": list(steps), **more}, tester)

    return make


def errors_of(error: DomainError) -> list[str]:
    return [f"{one['field']}: {one['detail']}" for one in error.errors]


def test_a_change_adds_a_revision_and_the_short_name_stays(save: Callable[..., SharedStep]) -> None:
    made = save()
    assert made.current is not None
    assert made.current.definition["parameters"] == {"user": {}, "password": {"default": "{{ PASSWORD }}"}}

    save(LOG_IN, made)
    assert made.revisions.count() == 1
    changed = save({**LOG_IN, "title": "Sign in"}, made)
    assert (changed.title, changed.slug, changed.revisions.count()) == ("Sign in", "log-in", 2)
    with pytest.raises(DomainError) as refused:
        save({**LOG_IN, "slug": "sign-in"}, made)
    assert errors_of(refused.value) == ["slug: the short name stays “log-in”: cases call it so"]
    with pytest.raises(Conflict):
        save({**LOG_IN, "title": "Other"}, made, based_on=1)


def test_a_short_name_is_made_of_the_title(save: Callable[..., SharedStep]) -> None:
    plain = {"title": "Place an Order!", "steps": [http("a")]}
    assert [save(plain).slug, save(plain).slug] == ["place-an-order", "place-an-order-2"]


def test_a_call_that_does_not_fit_is_refused_at_its_line(
    save: Callable[..., SharedStep], case_of: Callable[..., TestCase], system: System, suite: TestSuite, tester: User
) -> None:
    save()
    with pytest.raises(DomainError) as refused:
        case_of(call("log-on"), call(), call(user="a", pasword="b"))
    assert errors_of(refused.value) == [
        "steps[0].with.step: there is no shared step “log-on” in this system",
        "steps[1].with: the shared step “log-in” needs a value for “user”",
        "steps[2].with.arguments.pasword: the shared step “log-in” has no parameter “pasword”",
    ]
    text = "title: t\nsteps:\n  - name: Log in\n    kind: call\n    with:\n      step: log-on\n"
    with pytest.raises(DomainError) as refused:
        services.save_case(system, suite, text, tester)
    assert (refused.value.errors[0]["line"], refused.value.errors[0]["column"]) == (6, 7)


def test_a_shared_step_cannot_change_so_that_its_callers_no_longer_fit(
    save: Callable[..., SharedStep], case_of: Callable[..., TestCase]
) -> None:
    made = save()
    case_of(call(user="ann"))
    with pytest.raises(DomainError) as refused:
        save({**LOG_IN, "parameters": {"user": None, "realm": None, "password": "x"}}, made)
    assert errors_of(refused.value) == ["parameters: C1 calls it: the shared step “log-in” needs a value for “realm”"]


def test_shared_steps_may_call_others_but_never_themselves(save: Callable[..., SharedStep]) -> None:
    first = save({"title": "First", "slug": "first", "steps": [http("a")]})
    save({"title": "Second", "slug": "second", "steps": [call("first")]})
    save({"title": "Third", "slug": "third", "steps": [call("second")]})
    with pytest.raises(DomainError) as refused:
        save({"title": "First", "slug": "first", "steps": [call("third")]}, first)
    assert errors_of(refused.value) == [": it would call itself"]
    with pytest.raises(DomainError):
        save({"title": "Own", "slug": "own", "steps": [call("own")]})


def test_a_case_covers_and_needs_what_its_shared_steps_do(
    save: Callable[..., SharedStep], case_of: Callable[..., TestCase], point: IntegrationPoint
) -> None:
    inner = save({"title": "Inner", "slug": "inner", "steps": [http("a")]})
    save({"title": "Outer", "slug": "outer", "steps": [call("inner")]})
    case = case_of(call("outer"))
    assert list(case.points.all()) == []

    command = {"name": "Run", "kind": "command", "with": {"argv": ["true"]}}
    save({"title": "Inner", "slug": "inner", "steps": [http("a", point=point.slug), command]}, inner)
    case.refresh_from_db()
    assert list(case.points.all()) == [point]
    assert case.needs == ["command"]


def test_a_run_keeps_the_revisions_that_it_executes(
    save: Callable[..., SharedStep], case_of: Callable[..., TestCase], environment: Environment, tester: User
) -> None:
    inner = save({"title": "Inner", "slug": "inner", "steps": [http("one")]})
    save({"title": "Outer", "slug": "outer", "steps": [call("inner")]})
    save({"title": "Unused", "slug": "unused", "steps": [http("x")]})
    case = case_of(call("outer"))
    run = runs.create_run(
        environment=environment, title="r", planned=[runs.Planned(case=case)], started_by=tester,
        trigger=TestRun.Trigger.PERSON, seed=1,
    )  # fmt: skip
    save({"title": "Inner", "slug": "inner", "steps": [http("two")]}, inner)

    assert run.shared == {"inner": 1, "outer": 1}
    versions = requests.shared_versions(run.system_id, run.shared)
    assert {slug: one.number for slug, one in versions.items()} == {"inner": 1, "outer": 1}
    assert versions["inner"].shared.steps[0].params == {"url": "one"}


def test_what_nothing_calls_can_be_archived(
    save: Callable[..., SharedStep], case_of: Callable[..., TestCase], tester: User
) -> None:
    made = save()
    case = case_of(call(user="ann"))
    with pytest.raises(Conflict):
        services.archive_shared(made, by=tester)
    services.set_status(case, TestCase.Status.ARCHIVED, by=tester)
    services.archive_shared(made, by=tester)
    with pytest.raises(DomainError):
        case_of(call(user="ann"))


def test_shared_steps_and_their_cases_go_out_and_come_in_as_yaml(
    save: Callable[..., SharedStep], case_of: Callable[..., TestCase], system: System, suite: TestSuite, tester: User
) -> None:
    save({"title": "Zero", "slug": "zero", "steps": [http("a")]})
    save({"title": "And", "slug": "and", "steps": [call("zero")]})
    case_of(call("and"))
    text = "".join([*services.export_shared(system), *services.export_cases(system.cases.select_related("suite"))])
    assert text.index("slug: zero") < text.index("slug: and") < text.index("title: Calling")

    system.cases.update(current=None)
    system.cases.all().delete()
    system.shared_steps.update(current=None)
    system.shared_steps.all().delete()
    [case] = services.import_cases(system, suite, [("all.yaml", text)], by=tester)
    assert [one.slug for one in case.shared_steps.all()] == ["and"]
    assert set(system.shared_steps.values_list("slug", flat=True)) == {"zero", "and"}

    with pytest.raises(DomainError) as refused:
        services.import_cases(system, suite, [("b.yaml", "title: x\nslug: y\nstps: []\n")], by=tester)
    assert (refused.value.errors[0]["file"], refused.value.errors[0]["line"]) == ("b.yaml", 1)


# -- pages and API ---------------------------------------------------------------------------------------------------


@pytest.fixture
def client(sign_in: Callable[[User], Client], tester: User) -> Client:
    return sign_in(tester)


def post(client: Client, path: str, data: Any) -> tuple[int, Any]:
    answer = client.post(f"/s/shop/shared-steps/{path}", json.dumps(data), content_type="application/json")
    return answer.status_code, answer.json()


def test_pages_show_what_it_does_and_who_calls_it(
    client: Client, save: Callable[..., SharedStep], case_of: Callable[..., TestCase]
) -> None:
    assert "No shared steps" in client.get("/s/shop/shared-steps/").content.decode()
    made = save()
    case = case_of(call(user="ann"))
    save({**LOG_IN, "title": "Sign in"}, made)

    listed = client.get("/s/shop/shared-steps/").content.decode()
    assert "Sign in" in listed
    assert "1 case" in listed
    page = client.get(made.get_absolute_url()).content.decode()
    assert case.key in page
    assert "needed" in page
    assert "{{ PASSWORD }}" in page
    assert "Log in" in client.get(made.get_absolute_url() + "?revision=1").content.decode()
    assert client.get(made.get_absolute_url() + "edit/").status_code == 200
    assert client.get("/s/shop/shared-steps/new/").status_code == 200
    assert "slug: log-in" in client.get("/s/shop/shared-steps/export/").content.decode()


def test_the_editor_saves_converts_and_refuses(client: Client, system: System) -> None:
    status, answer = post(client, "new/", {"definition": LOG_IN})
    assert (status, answer["slug"]) == (200, "log-in")
    status, answer = post(client, "log-in/edit/", {"yaml": "title: x\nsteps: []\n", "based_on": 1})
    assert (status, answer["errors"][0]["line"]) == (422, 2)
    status, answer = post(client, "convert/", {"definition": LOG_IN})
    assert "slug: log-in" in answer["yaml"]
    status, answer = post(client, "convert/", {"yaml": answer["yaml"]})
    assert answer["definition"]["parameters"]["user"] == {}


def test_steps_are_taken_out_of_a_case_with_parameters_for_what_they_use(client: Client, system: System) -> None:
    steps = [http("{{ SHOP }}/{{ order }}", capture={"state": "$.state"}), http("{{ state }}/{{ token }}")]
    status, answer = post(client, "extract/", {"title": "Look", "steps": steps, "known": ["order", "token", "other"]})
    assert status == 201, answer
    arguments = {"order": "{{ order }}", "token": "{{ token }}"}
    assert answer["step"] == {"name": "Look", "kind": "call", "with": {"step": "look", "arguments": arguments}}
    assert [one["name"] for one in answer["shared"]["parameters"]] == ["order", "token"]
    made = system.shared_steps.get()
    assert made.current is not None
    assert len(made.current.definition["steps"]) == 2
    assert post(client, "extract/", {"title": "", "steps": steps})[0] == 400
    assert post(client, "extract/", {"title": "x", "steps": []})[0] == 400


def test_the_api_keeps_shared_steps(client: Client, system: System) -> None:
    made = client.post(
        "/api/v1/shared-steps/", {"system": "shop", "definition": LOG_IN}, content_type="application/json"
    )
    assert made.status_code == 201, made.content
    pk = made.json()["id"]
    assert made.json()["definition"]["slug"] == "log-in"
    changed = client.patch(
        f"/api/v1/shared-steps/{pk}/", {"definition": {**LOG_IN, "title": "Sign in"}}, content_type="application/json"
    )
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    wrong = client.patch(f"/api/v1/shared-steps/{pk}/", {"yaml": "title: x\n"}, content_type="application/json")
    assert wrong.status_code == 422
    assert client.get("/api/v1/shared-steps/?system=shop&slug=log-in").json()["results"][0]["id"] == pk
