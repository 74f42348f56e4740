"""Verbs on systems: what they save, refuse and write in the audit log."""

from collections.abc import Callable

import pytest

from apps.accounts.models import AuditEntry, Team, User
from apps.catalog.models import TestCase
from apps.core.errors import DomainError
from apps.systems import services
from apps.systems.models import Component, IntegrationPoint, System


def fields(error: pytest.ExceptionInfo[DomainError]) -> list[str]:
    return [item["field"] for item in error.value.errors]


def test_a_system_gets_a_short_name_that_is_free(team: Team, lead: User, system: System) -> None:
    second = services.create_system(team, name="Shop", by=lead)

    assert (second.slug, second.team) == ("shop-2", team)
    assert AuditEntry.objects.filter(action="system.created", subject="shop-2", actor=lead).exists()


def test_a_name_without_latin_letters_gets_a_short_name_too(system: System, lead: User) -> None:
    component = services.save_component(system, name="Заказы", kind="service", by=lead)

    assert component.slug == "component"


def test_a_slug_given_and_taken_is_refused_at_its_field(system: System, lead: User) -> None:
    services.save_component(system, name="Orders", slug="orders", kind="service", by=lead)

    with pytest.raises(DomainError) as error:
        services.save_component(system, name="Orders again", slug="orders", kind="service", by=lead)

    assert fields(error) == ["slug"]
    assert system.components.count() == 1


def test_the_word_of_a_page_is_no_short_name(system: System, lead: User) -> None:
    with pytest.raises(DomainError) as error:
        services.save_component(system, name="New", slug="new", kind="service", by=lead)

    assert fields(error) == ["slug"]
    assert services.save_component(system, name="New", kind="service", by=lead).slug == "new-2"


def test_a_short_name_never_changes(system: System, lead: User) -> None:
    component = services.save_component(system, name="Orders", kind="service", by=lead)

    with pytest.raises(DomainError) as error:
        services.save_component(system, component=component, slug="other", by=lead)

    assert error.value.code == "fixed-short-name"


def test_a_change_says_what_it_changed_and_nothing_when_nothing_did(system: System, lead: User) -> None:
    component = services.save_component(system, name="Orders", kind="service", owner="", by=lead)

    services.save_component(system, component=component, name="Orders", owner="Checkout", by=lead)
    services.save_component(system, component=component, name="Orders", owner="Checkout", by=lead)

    entry = AuditEntry.objects.get(action="component.changed")
    assert entry.subject == "shop/components/orders"
    assert entry.detail == {"changes": {"owner": ["", "Checkout"]}}


def test_a_partial_change_keeps_what_another_person_changed_meanwhile(system: System, lead: User) -> None:
    stale = services.save_component(system, name="Orders", kind="service", by=lead)
    services.save_component(system, component=stale, owner="Checkout", by=lead)

    services.save_component(system, component=stale, description="Takes orders", by=lead)

    assert Component.objects.get(pk=stale.pk).owner == "Checkout"


def test_a_point_is_named_after_its_ends_and_operation(system: System, point: IntegrationPoint, lead: User) -> None:
    second = services.save_point(
        system,
        consumer=point.consumer,
        provider=point.provider,
        protocol="http",
        operation="GET /orders/{id}",
        by=lead,
    )

    assert second.slug == "storefront-orders-get-ordersid"


def test_a_point_stays_within_its_system(system: System, point: IntegrationPoint, outsider: User, lead: User) -> None:
    foreign = Component.objects.create(system=System.objects.get(slug="other"), name="Foreign", slug="foreign")

    with pytest.raises(DomainError) as error:
        services.save_point(
            system, consumer=point.consumer, provider=foreign, protocol="http", operation="GET /", by=lead
        )

    assert fields(error) == ["provider"]


def test_a_point_joins_two_components(system: System, point: IntegrationPoint, lead: User) -> None:
    with pytest.raises(DomainError) as error:
        services.save_point(system, point=point, provider=point.consumer, by=lead)

    assert fields(error) == ["provider"]


def test_the_same_seam_is_not_described_twice(system: System, point: IntegrationPoint, lead: User) -> None:
    with pytest.raises(DomainError) as error:
        services.save_point(
            system,
            consumer=point.consumer,
            provider=point.provider,
            protocol="http",
            operation="POST /orders",
            by=lead,
        )

    assert fields(error) == ["operation"]


def test_a_component_with_seams_is_not_removed(point: IntegrationPoint, lead: User) -> None:
    with pytest.raises(DomainError) as error:
        services.remove_component(point.consumer, by=lead)

    assert error.value.status == 409
    services.remove_point(point, by=lead)
    services.remove_component(point.consumer, by=lead)
    assert not Component.objects.filter(slug="storefront").exists()


def test_a_seam_that_a_case_covers_is_not_removed(
    point: IntegrationPoint, lead: User, make_case: Callable[..., TestCase]
) -> None:
    case = make_case()
    case.points.add(point)

    with pytest.raises(DomainError, match="test cases"):
        services.remove_point(point, by=lead)

    case.points.clear()
    services.remove_point(point, by=lead)


def test_a_workflow_keeps_its_hops_in_order_and_may_pass_a_seam_twice(
    system: System, point: IntegrationPoint, lead: User
) -> None:
    back = services.save_point(
        system, consumer=point.provider, provider=point.consumer, protocol="webhook", operation="paid", by=lead
    )

    workflow = services.save_workflow(system, name="Buy", points=[point, back, point], by=lead)
    services.save_workflow(system, workflow=workflow, points=[back, point], by=lead)

    assert [hop.point for hop in workflow.hops.all()] == [back, point]
    assert [hop.position for hop in workflow.hops.all()] == [1, 2]
    last = AuditEntry.objects.filter(action="workflow.path").first()
    assert last is not None and last.detail["before"] == [point.slug, back.slug, point.slug]


def test_a_workflow_goes_through_its_own_system_only(
    system: System, point: IntegrationPoint, outsider: User, lead: User
) -> None:
    other = System.objects.get(slug="other")

    with pytest.raises(DomainError) as error:
        services.save_workflow(other, name="Theirs", points=[point], by=lead)

    assert fields(error) == ["points"]
    assert not other.workflows.exists()


def test_a_seam_of_a_workflow_is_not_removed(system: System, point: IntegrationPoint, lead: User) -> None:
    services.save_workflow(system, name="Buy", points=[point], by=lead)

    with pytest.raises(DomainError, match="Buy"):
        services.remove_point(point, by=lead)


def test_a_version_is_added_once(point: IntegrationPoint, lead: User) -> None:
    first = services.add_version(point.provider, "1.0", by=lead)
    again = services.add_version(point.provider, " 1.0 ", by=lead)

    assert first == again
    with pytest.raises(DomainError) as error:
        services.add_version(point.provider, "  ", by=lead)
    assert fields(error) == ["name"]
