from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.defects import services
from apps.environments.models import Environment
from apps.insights.search import search
from apps.systems.models import Component, IntegrationPoint, System
from tests.defects.play import MakeCase, planned

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(
    system: System, environment: Environment, point: IntegrationPoint, make_case: MakeCase, tester: User
) -> System:
    """C1, C2, #1 and D1 of a shop with a seam."""
    case = make_case(title="An order is paid")
    make_case(title="A mail is sent")
    planned(environment, [case])
    services.open_defect(None, system=system, by=tester, title="Paying fails")
    return system


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("C1", "/s/shop/cases/1/"),
        ("c 2", "/s/shop/cases/2/"),
        ("#1", "/s/shop/runs/1/"),
        ("d1", "/s/shop/defects/1/"),
        ("order paid", "/s/shop/cases/1/"),
        ("paying", "/s/shop/defects/1/"),
        ("a run", "/s/shop/runs/1/"),
        ("post /orders", "/s/shop/points/storefront-orders-create/"),
        ("storefront", "/s/shop/points/storefront-orders-create/"),
        ("local", "/s/shop/environments/local/"),
    ],
)
def test_a_key_or_words_find_it_first(shop: System, text: str, url: str) -> None:
    assert search(shop, text)[0]["url"] == url


def test_components_are_found(shop: System) -> None:
    assert "/s/shop/components/storefront/" in {entry["url"] for entry in search(shop, "storefront")}


def test_a_bare_number_finds_all_that_have_it(shop: System) -> None:
    assert [entry["key"] for entry in search(shop, "1")][:3] == ["C1", "#1", "D1"]


def test_nothing_is_found_twice_and_never_more_than_twenty(shop: System, make_case: MakeCase) -> None:
    for number in range(30):
        make_case(title=f"Order {number}")
        Component.objects.create(system=shop, name=f"Order {number}", slug=f"order-{number}")
    found = search(shop, "order")

    assert len(found) <= 20
    assert len({entry["url"] for entry in found}) == len(found)


@pytest.mark.parametrize("text", ["", "   ", "%", "'; --", "c99999999999", "\x00"])
def test_odd_texts_do_no_harm(shop: System, text: str) -> None:
    assert isinstance(search(shop, text), list)


def test_archived_cases_are_left_out(shop: System) -> None:
    TestCase.objects.update(status="archived")
    assert not [entry for entry in search(shop, "order paid") if entry["key"].startswith("C")]


def test_only_the_system_itself_is_searched(
    shop: System, outsider: User, viewer: User, sign_in: Callable[[User], Client]
) -> None:
    other = System.objects.get(slug="other")
    assert search(other, "order") == []
    assert sign_in(outsider).get("/s/shop/search/", {"q": "order"}).status_code == 404
    body = sign_in(viewer).get("/s/shop/search/", {"q": "order paid"}).json()
    assert body["results"][0] == {
        "group": "Cases",
        "key": "C1",
        "label": "An order is paid",
        "hint": "Medium",
        "url": "/s/shop/cases/1/",
    }


def test_a_search_is_nine_queries_at_most(shop: System) -> None:
    with CaptureQueriesContext(connection) as asked:
        search(shop, "1")
    assert len(asked) <= 9
