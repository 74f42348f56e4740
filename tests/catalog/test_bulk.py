"""Changes of many cases at once: all or nothing, with a revision where the definition changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEntry, User
from apps.catalog import services
from apps.catalog.models import TestCase, TestSuite
from apps.core.errors import DomainError
from apps.systems.models import System

Make = Callable[..., TestCase]


def test_tags_are_added_and_removed_with_a_revision_where_something_changed(
    system: System, tester: User, make_case: Make
) -> None:
    plain, tagged = make_case("Plain"), make_case("Tagged")
    services.tag_cases(system, [tagged.number], by=tester, add=["old", "smoke"])

    changed = services.tag_cases(system, [plain.number, tagged.number], by=tester, add=["smoke"], remove=["old"])

    plain.refresh_from_db()
    tagged.refresh_from_db()
    assert changed == 2
    assert (plain.tags, tagged.tags) == (["smoke"], ["smoke"])
    assert plain.current is not None
    assert plain.current.definition["tags"] == ["smoke"]
    assert plain.current.author == tester
    assert services.tag_cases(system, [plain.number], by=tester, add=["smoke"]) == 0
    assert plain.revisions.count() == 2


def test_the_priority_is_set_in_column_and_definition(system: System, tester: User, make_case: Make) -> None:
    case = make_case()

    services.prioritise_cases(system, [case.number], "critical", by=tester)

    case.refresh_from_db()
    assert case.priority == TestCase.Priority.CRITICAL
    assert case.current is not None
    assert case.current.definition["priority"] == "critical"


@pytest.mark.parametrize("change", [{"add": ["x" * 41]}, {"add": ["a,b"]}], ids=str)
def test_a_bad_tag_changes_no_case(system: System, tester: User, make_case: Make, change: Any) -> None:
    cases = [make_case("One"), make_case("Two")]

    with pytest.raises(DomainError, match="tag"):
        services.tag_cases(system, [case.number for case in cases], by=tester, **change)

    assert all(case.revisions.count() == 1 for case in cases)


def test_an_unknown_number_changes_nothing(system: System, tester: User, make_case: Make) -> None:
    case = make_case()

    with pytest.raises(DomainError, match="C99"):
        services.set_statuses(system, [case.number, 99], "archived", by=tester)

    case.refresh_from_db()
    assert case.status == "active"


def test_archiving_and_restoring_is_told_in_the_audit_log(system: System, lead: User, make_case: Make) -> None:
    numbers = [make_case(f"Case {n}").number for n in range(3)]

    assert services.set_statuses(system, numbers, "archived", by=lead) == 3
    assert services.set_statuses(system, numbers, "archived", by=lead) == 0
    assert services.set_statuses(system, numbers[:1], "active", by=lead) == 1

    entry = AuditEntry.objects.filter(action="cases.status").last()
    assert entry is not None
    assert entry.detail["cases"] == ["C1", "C2", "C3"]


def test_moving_needs_a_suite_of_the_same_system(
    system: System, suite: TestSuite, outsider: User, lead: User, make_case: Make
) -> None:
    case = make_case()
    theirs = TestSuite.objects.create(system=System.objects.get(slug="other"), name="Theirs")

    with pytest.raises(DomainError):
        services.move_cases(system, [case.number], theirs, by=lead)
    assert services.move_cases(system, [case.number], suite, by=lead) == 0


def test_queries_do_not_grow_with_the_number_of_cases(system: System, tester: User, make_case: Make) -> None:
    numbers = [make_case(f"Case {n}").number for n in range(12)]

    def queries(chosen: list[int], tag: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            services.tag_cases(system, chosen, by=tester, add=[tag])
        return len(captured)

    assert queries(numbers[:2], "few") == queries(numbers, "many")
