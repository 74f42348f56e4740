from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.defects import services
from apps.defects.models import Defect
from apps.runs.models import Execution
from apps.systems.models import Component, ComponentVersion, System
from tests.defects.play import finish

pytestmark = pytest.mark.django_db
API = "/api/v1/defects/"


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """``api(user)`` → a client that acts as that user."""

    def enter(user: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(user)
        return client

    return enter


Api = Callable[[User], APIClient]


def test_a_defect_goes_from_failure_to_verified(api: Api, failure: Execution, tester: User, lead: User) -> None:
    client = api(tester)
    opened: Any = client.post(API, {"system": "shop", "execution": failure.pk})
    assert opened.status_code == 201
    body = opened.json()
    assert (body["key"], body["state"], body["severity"]) == ("D1", "open", "high")
    assert body["component"] == "orders"
    one = f"{API}{body['id']}/"

    assert client.post(f"{one}comment/", {"text": "@lena, look"}).json()["kind"] == "comment"
    assert client.post(f"{one}assign/", {"owner": lead.email}).json()["owner"] == lead.email
    assert client.patch(one, {"severity": "critical", "title": "Orders break"}).json()["severity"] == "critical"
    cause = {"category": "contract", "explanation": "A renamed field", "component": "orders"}
    assert client.put(f"{one}root-cause/", cause).json()["root_cause"] == cause
    assert client.post(f"{one}start/").json()["state"] == "in_progress"
    assert client.post(f"{one}fix/").json()["state"] == "fixed"
    retest = client.post(f"{one}retest/")
    assert (retest.status_code, retest.json()["environment"]) == (201, "local")

    finish(Defect.objects.get().retests.get().run, "passed")

    assert client.get(one).json()["state"] == "verified"
    assert [row["kind"] for row in client.get(f"{one}evidence/").json()] == ["pass", "failure"]
    events = client.get(f"{one}timeline/").json()["results"]
    assert events[0]["kind"] == "state"
    assert events[-1]["kind"] == "opened"
    assert [event["mentions"] for event in events if event["kind"] == "comment"] == [[lead.email]]


def test_a_failure_that_has_a_defect_gets_another_one_only_when_that_is_wanted(
    api: Api, failure: Execution, tester: User
) -> None:
    client = api(tester)
    body = {"system": "shop", "execution": failure.pk, "title": "Orders break"}
    first = client.post(API, body).json()

    refused: Any = client.post(API, body)

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:integhub:defect-open")
    assert refused.json()["defect"] == {"id": first["id"], "key": "D1", "url": first["url"]}
    assert "D1" in refused.json()["detail"]
    assert client.post(f"{API}{first['id']}/fix/").json()["state"] == "fixed"
    assert client.post(API, body).status_code == 409  # says a person: nothing has shown it yet
    assert client.post(API, {**body, "another": True}).json()["key"] == "D2"
    assert client.post(API, {"system": "shop", "title": "Orders break"}).json()["key"] == "D3"


def test_the_next_failure_after_a_defect_was_rejected_gets_a_new_one(
    api: Api, failure: Execution, defect: Defect, tester: User
) -> None:
    services.reject(defect, by=tester, reason="The test was wrong")

    opened: Any = api(tester).post(API, {"system": "shop", "execution": failure.pk})

    assert (opened.status_code, opened.json()["key"]) == (201, "D2")


def test_a_fix_may_name_the_version_of_the_defects_component(api: Api, defect: Defect, tester: User) -> None:
    ComponentVersion.objects.create(component=Component.objects.get(slug="orders"), name="1.2")
    client = api(tester)

    assert client.post(f"{API}{defect.pk}/fix/", {"version": "9"}).json()["errors"][0]["field"] == "version"
    assert client.post(f"{API}{defect.pk}/fix/", {"version": "1.2"}).json()["fix_version"] == "Orders 1.2"


def test_a_move_that_is_not_possible_is_a_conflict(api: Api, defect: Defect, tester: User) -> None:
    answer = api(tester).post(f"{API}{defect.pk}/reopen/", {"reason": "No"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:integhub:defect-state"


def test_bad_bodies_are_refused_at_the_field(api: Api, failure: Execution, tester: User, outsider: User) -> None:
    client = api(tester)

    def fields(body: dict[str, Any]) -> list[str]:
        answer = client.post(API, body)
        assert answer.status_code in (400, 422)
        return [error["field"] for error in answer.json()["errors"]]

    assert fields({"system": "other", "title": "x"}) == ["system"]
    assert fields({"system": "shop"}) == ["title"]
    assert fields({"system": "shop", "title": "x", "severity": "awful"}) == ["severity"]
    assert fields({"system": "shop", "title": "x", "severity": []}) == ["severity"]
    assert fields({"system": "shop", "title": "x", "severity": {}}) == ["severity"]
    assert fields({"system": "shop", "title": "x", "component": "nowhere"}) == ["component"]
    assert fields({"system": "shop", "title": "x", "owner": outsider.email}) == ["owner"]
    assert fields({"system": "shop", "execution": 999_999}) == ["execution"]
    assert not Defect.objects.exists()


def test_filters_are_those_of_the_page_and_no_others(api: Api, defect: Defect, system: System, tester: User) -> None:
    services.open_defect(None, system=system, by=tester, title="Small", severity=1, owner=tester)
    client = api(tester)

    def keys(query: str) -> list[str]:
        return [row["key"] for row in client.get(f"{API}?{query}").json()["results"]]

    assert keys("") == ["D2", "D1"]
    assert keys("min_severity=high") == ["D1"]
    assert keys("owner=me&system=shop&state=unsolved") == ["D2"]
    assert keys("environment=local") == ["D1"]
    assert keys("q=small") == ["D2"]
    assert client.get(f"{API}?colour=red").status_code == 400
    assert client.get(f"{API}?state=awful").status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "comment/"),
        ("post", "assign/"),
        ("post", "start/"),
        ("post", "fix/"),
        ("post", "reject/"),
        ("post", "reopen/"),
        ("put", "root-cause/"),
        ("post", "retest/"),
        ("post", "evidence/"),
        ("patch", ""),
    ],
)
def test_only_testers_write_and_outsiders_find_nothing(
    api: Api, defect: Defect, viewer: User, outsider: User, method: str, path: str
) -> None:
    url = f"{API}{defect.pk}/{path}"

    assert getattr(api(viewer), method)(url, {}).status_code == 403
    assert getattr(api(outsider), method)(url, {}).status_code == 404
    assert getattr(APIClient(), method)(url, {}).status_code == 401


def test_reading_needs_membership(api: Api, defect: Defect, viewer: User, outsider: User) -> None:
    assert api(viewer).get(f"{API}{defect.pk}/timeline/").status_code == 200
    for path in ("", "timeline/", "evidence/"):
        assert api(outsider).get(f"{API}{defect.pk}/{path}").status_code == 404
    assert api(outsider).get(API).json()["results"] == []


def test_the_session_of_the_browser_works_too(defect: Defect, tester: User, sign_in: Callable[[User], Client]) -> None:
    assert sign_in(tester).get(API).json()["results"][0]["url"] == "/s/shop/defects/1/"
