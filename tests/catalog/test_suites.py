"""The tree of suites: counts, moves without circles, nothing lost when one is removed."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEntry, User
from apps.catalog import services
from apps.catalog.models import TestCase, TestSuite
from apps.core.errors import Conflict, DomainError
from apps.systems.models import System


@pytest.fixture
def below(system: System, suite: TestSuite, lead: User) -> list[TestSuite]:
    """Checkout / Payment / Card."""
    payment = services.save_suite(system, by=lead, parent=suite, name="Payment")
    return [suite, payment, services.save_suite(system, by=lead, parent=payment, name="Card")]


def test_the_tree_lists_parents_first_and_counts_what_is_below(
    system: System, below: list[TestSuite], lead: User, make_case: Callable[..., TestCase]
) -> None:
    services.save_suite(system, by=lead, name="Search", parent=None)
    deep, archived, top = make_case("Deep"), make_case("Old"), make_case("Top")
    services.move_cases(system, [deep.number, archived.number], below[2], by=lead)
    services.set_status(archived, "archived", by=lead)

    nodes = services.tree(system)

    assert [(node.name, node.depth, node.own, node.total) for node in nodes] == [
        ("Checkout", 0, 1, 2),
        ("Checkout / Payment", 1, 0, 1),
        ("Checkout / Payment / Card", 2, 1, 1),
        ("Search", 0, 0, 0),
    ]
    assert top.suite == below[0]


def test_the_tree_costs_the_same_at_any_size(system: System, below: list[TestSuite], lead: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            services.tree(system)
        return len(captured)

    few = queries()
    for number in range(20):
        services.save_suite(system, by=lead, parent=below[number % 3], name=f"Suite {number}")

    assert queries() == few == 2


def test_a_suite_cannot_stand_below_itself(system: System, below: list[TestSuite], lead: User) -> None:
    for parent in below:
        with pytest.raises(DomainError) as refused:
            services.save_suite(system, by=lead, suite=below[0], parent=parent)
        assert refused.value.errors[0]["field"] == "parent"


def test_a_suite_moves_with_all_below_it(system: System, below: list[TestSuite], lead: User) -> None:
    services.save_suite(system, by=lead, suite=below[1], parent=None)

    assert [node.name for node in services.tree(system)] == ["Checkout", "Payment", "Payment / Card"]


def test_siblings_have_different_names(system: System, below: list[TestSuite], lead: User) -> None:
    with pytest.raises(DomainError):
        services.save_suite(system, by=lead, parent=below[0], name="Payment")
    with pytest.raises(DomainError):
        services.save_suite(system, by=lead, parent=None, name="Checkout")
    assert services.save_suite(system, by=lead, parent=None, name="Payment").parent is None


def test_a_parent_of_another_system_is_refused(system: System, outsider: User, lead: User) -> None:
    theirs = TestSuite.objects.create(system=System.objects.get(slug="other"), name="Theirs")

    with pytest.raises(DomainError):
        services.save_suite(system, by=lead, parent=theirs, name="Mine")


def test_nesting_has_an_end(system: System, lead: User) -> None:
    parent = None
    with pytest.raises(DomainError, match="levels"):
        for level in range(20):
            parent = services.save_suite(system, by=lead, parent=parent, name=f"Level {level}")


def test_only_an_empty_suite_can_be_removed(
    system: System, below: list[TestSuite], lead: User, make_case: Callable[..., TestCase]
) -> None:
    case = make_case()
    services.move_case(case, below[2], by=lead)
    services.set_status(case, "archived", by=lead)
    for suite in below:
        with pytest.raises(Conflict):
            services.remove_suite(suite, by=lead)

    services.move_case(case, below[0], by=lead)
    services.remove_suite(below[2], by=lead)

    assert not TestSuite.objects.filter(pk=below[2].pk).exists()
    assert AuditEntry.objects.filter(action="suite.removed", actor=lead).count() == 1
