"""Saving a case: revisions, columns taken from the definition, references, and two people at once."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import CaseRevision, TestCase, TestSuite
from apps.core.errors import DomainError
from apps.environments.models import Dataset
from apps.systems.models import IntegrationPoint, System

MANUAL = {"name": "Look", "kind": "manual", "with": {"instructions": "Look at it"}}
HTTP = {"name": "Ask", "kind": "http", "with": {"url": "{{ SHOP }}/health"}}


def definition(**changes: Any) -> dict[str, Any]:
    return {"title": "The shop answers", "steps": [HTTP], **changes}


@pytest.fixture
def save(system: System, suite: TestSuite, tester: User) -> Callable[..., TestCase]:
    def call(source: Any, message: str = "", case: TestCase | None = None, **rest: Any) -> TestCase:
        return services.save_case(system, suite, source, tester, message, case, **rest)

    return call


def test_a_new_case_gets_the_next_number_and_its_first_revision(save: Callable[..., TestCase], tester: User) -> None:
    first, second = save(definition()), save(definition(title="Another"), "From the specification")

    assert (first.number, second.number) == (1, 2)
    assert second.current is not None
    assert (second.current.number, second.current.author) == (1, tester)
    assert second.current.message == "From the specification"


def test_columns_come_from_the_definition(save: Callable[..., TestCase], system: System, point: Any) -> None:
    Dataset.objects.create(system=system, name="Orders", slug="orders")

    case = save(
        definition(
            title="Paid", priority="critical", tags=["smoke", "smoke", "pay"], dataset="orders", points=[point.slug]
        )
    )

    case.refresh_from_db()
    assert (case.title, case.priority, case.tags) == ("Paid", TestCase.Priority.CRITICAL, ["smoke", "pay"])
    assert case.dataset is not None
    assert case.dataset.slug == "orders"
    assert [p.slug for p in case.points.all()] == [point.slug]


@pytest.mark.parametrize(
    ("steps", "mode"), [([HTTP], "automated"), ([MANUAL], "manual"), ([HTTP, MANUAL], "mixed")], ids=str
)
def test_the_mode_follows_from_the_kinds_of_the_steps(save: Callable[..., TestCase], steps: Any, mode: str) -> None:
    assert save(definition(steps=steps)).mode == mode


def test_points_of_steps_count_as_covered(save: Callable[..., TestCase], point: IntegrationPoint) -> None:
    case = save(definition(steps=[{**HTTP, "point": point.slug}]))

    assert list(case.points.all()) == [point]


def test_saving_the_same_again_adds_no_revision(save: Callable[..., TestCase]) -> None:
    case = save(definition())
    # A default written out and a short form say the same as the canonical definition.
    save(definition(priority="medium", description=""), "nothing", case)

    assert case.revisions.count() == 1


def test_a_change_adds_a_revision_and_leaves_the_old_one_as_it_was(save: Callable[..., TestCase]) -> None:
    case = save(definition())
    case = save(definition(title="Better"), "Clearer title", case)

    assert [(r.number, r.definition["title"]) for r in case.revisions.all()] == [
        (2, "Better"),
        (1, "The shop answers"),
    ]
    assert case.title == "Better"


def test_keys_stay_in_the_order_in_which_they_were_written(save: Callable[..., TestCase]) -> None:
    body = {"quantity": 1, "sku": "A", "a_long_name_that_sorts_last": {"z": 1, "b": 2}}
    case = save(definition(steps=[{**HTTP, "with": {"url": "http://shop", "json": body}}]))

    stored = CaseRevision.objects.get(case=case).definition["steps"][0]["with"]["json"]

    assert list(stored) == list(body)
    assert list(stored["a_long_name_that_sorts_last"]) == ["z", "b"]


def test_yaml_text_is_taken_like_data(save: Callable[..., TestCase]) -> None:
    case = save("title: From text\nsteps:\n  - {name: Ask, kind: http, with: {url: 'http://shop'}}\n")

    assert case.title == "From text"


def test_a_bad_definition_names_each_place_and_stores_nothing(save: Callable[..., TestCase], system: System) -> None:
    with pytest.raises(DomainError) as refused:
        save(definition(steps=[HTTP, {"name": "", "kind": "htpp"}]))

    assert refused.value.status == 422
    assert {error["field"] for error in refused.value.errors} == {"steps[1].name", "steps[1].kind"}
    assert not system.cases.exists()


def test_unknown_slugs_are_errors_at_their_place(save: Callable[..., TestCase]) -> None:
    with pytest.raises(DomainError) as refused:
        save(definition(dataset="nope", points=["missing"], steps=[HTTP, {**HTTP, "point": "gone"}]))

    assert [error["field"] for error in refused.value.errors] == ["points[0]", "steps[1].point", "dataset"]


def test_unknown_slugs_of_yaml_have_line_and_column(save: Callable[..., TestCase]) -> None:
    text = "title: T\nsteps:\n  - name: Ask\n    kind: http\n    point: gone\n    with: {url: 'http://shop'}\n"

    with pytest.raises(DomainError) as refused:
        save(text)

    assert refused.value.errors == [
        {
            "field": "steps[0].point",
            "line": 5,
            "column": 5,
            "detail": "there is no integration point “gone” in this system",
        }
    ]
    assert refused.value.detail.startswith("line 5, column 5: ")


def test_slugs_of_another_system_are_unknown(save: Callable[..., TestCase], outsider: User, point: Any) -> None:
    other = System.objects.get(slug="other")
    Dataset.objects.create(system=other, name="Theirs", slug="theirs")

    with pytest.raises(DomainError):
        save(definition(dataset="theirs"))


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", float("nan"), float("inf")], ids=repr)
def test_what_the_database_cannot_keep_is_refused_with_its_place(save: Callable[..., TestCase], value: Any) -> None:
    with pytest.raises(DomainError) as refused:
        save(definition(steps=[{**HTTP, "with": {"url": "http://shop", "json": {"deep": [value]}}}]))

    assert refused.value.errors[0]["field"] == "steps[0].with.json.deep[0]"


def test_nul_hidden_in_a_yaml_escape_is_refused_with_its_line(save: Callable[..., TestCase]) -> None:
    with pytest.raises(DomainError) as refused:
        save('title: "a\\0b"\nsteps:\n  - {name: Ask, kind: http, with: {url: "http://shop"}}\n')

    assert (refused.value.errors[0]["field"], refused.value.errors[0]["line"]) == ("title", 1)


def test_a_definition_nested_without_end_is_refused(save: Callable[..., TestCase]) -> None:
    deep: Any = "x"
    for _level in range(500):
        deep = [deep]

    with pytest.raises(DomainError) as refused:
        save(definition(steps=[{**HTTP, "with": {"url": "http://shop", "json": deep}}]))

    assert "nested" in refused.value.detail


def test_editing_an_outdated_revision_is_a_conflict_that_shows_both_changes(save: Callable[..., TestCase]) -> None:
    case = save(definition())
    save(definition(title="Theirs"), case=case, based_on=1)

    with pytest.raises(services.EditConflict) as refused:
        save(definition(title="Mine"), case=case, based_on=1)

    assert refused.value.status == 409
    assert "-title: The shop answers" in refused.value.theirs
    assert "+title: Theirs" in refused.value.theirs
    assert "+title: Mine" in refused.value.yours
    case.refresh_from_db()
    assert case.title == "Theirs"


def test_the_same_edit_by_two_people_is_no_conflict(save: Callable[..., TestCase]) -> None:
    case = save(definition())
    save(definition(title="Same"), case=case, based_on=1)

    assert save(definition(title="Same"), case=case, based_on=1).revisions.count() == 2


def test_going_back_makes_a_new_revision(save: Callable[..., TestCase], tester: User) -> None:
    case = save(definition())
    case = save(definition(title="Worse"), case=case)
    case = services.go_back(case, 1, by=tester)

    assert case.title == "The shop answers"
    assert case.current is not None
    assert (case.current.number, case.current.message) == (3, "Back to revision 1")


def test_a_copy_is_a_draft_that_does_the_same(save: Callable[..., TestCase], tester: User) -> None:
    case = save(definition(tags=["smoke"]))
    copy = services.duplicate_case(case, by=tester)

    assert (copy.title, copy.status, copy.tags) == ("Copy of The shop answers", "draft", ["smoke"])
    assert copy.number == 2


def test_a_suite_of_another_system_is_refused(
    save: Callable[..., TestCase], outsider: User, tester: User, system: System
) -> None:
    other = TestSuite.objects.create(system=System.objects.get(slug="other"), name="Theirs")

    with pytest.raises(DomainError):
        services.save_case(system, other, definition(), tester)
    with pytest.raises(DomainError):
        services.move_case(save(definition()), other, by=tester)
