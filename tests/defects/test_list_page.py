"""The list of defects: filters, search, what it costs."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.defects import services
from apps.defects.models import Defect
from apps.runs.models import Execution
from apps.systems.models import IntegrationPoint, System
from tests.defects.test_pages import address, queries, text

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def many(system: System, tester: User, lead: User, point: IntegrationPoint) -> list[Defect]:
    """Six defects, D1 to D6, of different severity, state, owner and place."""
    make = {"system": system, "by": tester}
    found = [
        services.open_defect(None, title="Payment loses the amount", severity=4, owner=tester, point=point, **make),
        services.open_defect(None, title="Stock is reserved twice", severity=3, component=point.provider, **make),
        services.open_defect(None, title="Mail arrives late", severity=2, owner=lead, **make),
        services.open_defect(None, title="Typo in the footer", severity=1, **make),
        services.open_defect(None, title="Old thing", severity=2, **make),
        services.open_defect(None, title="Gone thing", severity=2, **make),
    ]
    services.reject(found[4], by=tester, reason="As designed")
    Defect.objects.filter(pk=found[5].pk).update(state="verified")
    services.set_root_cause(
        found[1], category="code", explanation="The row lock was dropped in inventory 1.1", by=tester
    )
    return found


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({}, ["D1", "D2", "D3", "D4"]),
        ({"state": "closed"}, ["D5", "D6"]),
        ({"state": "verified"}, ["D6"]),
        ({"min_severity": "high"}, ["D1", "D2"]),
        ({"severity": "medium"}, ["D3"]),
        ({"owner": "me"}, ["D1"]),
        ({"owner": "none"}, ["D2", "D4"]),
        ({"owner": "lena@example.test"}, ["D3"]),
        ({"component": "orders"}, ["D2"]),
        ({"point": "storefront-orders-create"}, ["D1"]),
        ({"q": "reserved stock"}, ["D2"]),
        ({"q": "row lock"}, ["D2"]),
        ({"q": "paym"}, ["D1"]),
        ({"q": "d4"}, ["D4"]),
        ({"q": "unheard of"}, []),
        ({"environment": "local"}, []),
        ({"sort": "oldest"}, ["D1", "D2", "D3", "D4"]),
        ({"sort": "newest"}, ["D4", "D3", "D2", "D1"]),
    ],
)
def test_the_list_shows_what_the_address_asks_for(
    many: list[Defect], tester: User, sign_in: SignIn, query: dict[str, str], keys: list[str]
) -> None:
    page = sign_in(tester).get(address("defects", **query)).context["page"]

    assert [defect.key for defect in page.object_list] == keys


def test_defects_seen_in_an_environment_are_found_by_it(defect: Defect, tester: User, sign_in: SignIn) -> None:
    client = sign_in(tester)
    assert "D1" in text(client, address("defects", environment="local"))
    assert not client.get(address("defects", environment="elsewhere")).context["page"].object_list


def test_searching_finds_errors_that_never_became_defects(failure: Execution, tester: User, sign_in: SignIn) -> None:
    page = text(sign_in(tester), address("defects", q="equals 201"))

    assert "Errors seen in runs" in page
    assert f"{address('new')}?execution={failure.pk}" in page


def test_the_list_asks_the_same_number_of_queries_for_one_row_as_for_many(
    many: list[Defect], system: System, tester: User, sign_in: SignIn
) -> None:
    client = sign_in(tester)
    few = queries(client, address("defects", q="payment"))
    for number in range(60):
        services.open_defect(None, system=system, by=tester, title=f"Payment {number}", owner=tester)
    assert queries(client, address("defects", q="payment")) == few
