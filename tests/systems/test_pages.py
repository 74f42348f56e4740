"""Forms and pages of systems, components, integration points and workflows."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Team, User
from apps.systems import services
from apps.systems.models import Component, IntegrationPoint, System, Workflow

SignIn = Callable[[User], Client]


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_a_lead_makes_a_system_and_goes_on_to_its_map(team: Team, lead: User, sign_in: SignIn) -> None:
    url = reverse("systems:new", args=[team.slug])

    response = sign_in(lead).post(url, {"name": "Billing", "slug": "", "description": ""})

    assert response["Location"] == reverse("insights:map", args=["billing"])
    assert System.objects.get(slug="billing").team == team


def test_a_tester_makes_no_system(team: Team, tester: User, sign_in: SignIn) -> None:
    assert sign_in(tester).post(reverse("systems:new", args=[team.slug]), {"name": "X"}).status_code == 403


def test_the_short_name_of_a_system_is_not_in_its_settings(system: System, lead: User, sign_in: SignIn) -> None:
    client, url = sign_in(lead), reverse("systems:edit", args=[system.slug])

    client.post(url, {"name": "Web shop", "slug": "stolen", "description": "Sells"})

    system.refresh_from_db()
    assert (system.name, system.slug, system.description) == ("Web shop", "shop", "Sells")
    assert 'name="slug"' not in client.get(url).content.decode()


def test_a_component_is_added_and_another_can_follow(system: System, lead: User, sign_in: SignIn) -> None:
    client, url = sign_in(lead), reverse("systems:component-new", args=[system.slug])
    fields = {"name": "Orders", "kind": "service", "slug": "", "owner": "", "repository": "", "description": ""}

    first = client.post(url, fields)
    second = client.post(url, {**fields, "name": "Orders database", "kind": "database", "again": "1"})

    assert first["Location"] == reverse("insights:map", args=[system.slug]) + "?component=orders"
    assert second["Location"] == url
    assert set(system.components.values_list("slug", "kind")) == {
        ("orders", "service"),
        ("orders-database", "database"),
    }


def test_what_was_typed_stays_when_it_is_refused(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    url = reverse("systems:component-new", args=[point.system.slug])

    response = sign_in(lead).post(url, {"name": "Orders again", "slug": "orders", "kind": "service"})

    assert response.status_code == 400
    body = response.content.decode()
    assert 'value="Orders again"' in body and "This is taken already: choose another." in body
    assert response.context["form"].errors.keys() == {"slug"}


def test_a_component_is_changed(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    url = reverse("systems:component-edit", args=[point.system.slug, "orders"])

    sign_in(lead).post(url, {"name": "Order service", "kind": "service", "owner": "Checkout"})

    changed = Component.objects.get(slug="orders")
    assert (changed.name, changed.owner) == ("Order service", "Checkout")


def test_a_repository_is_an_address_of_the_web(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    url = reverse("systems:component-edit", args=[point.system.slug, "orders"])

    response = sign_in(lead).post(url, {"name": "Orders", "kind": "service", "repository": "javascript:alert(1)"})

    assert response.context["form"].errors.keys() == {"repository"}


def test_a_component_in_use_is_not_removed_and_the_page_says_why(
    point: IntegrationPoint, lead: User, sign_in: SignIn
) -> None:
    response = sign_in(lead).post(reverse("systems:component-remove", args=[point.system.slug, "orders"]))

    assert response.status_code == 409
    assert "still has integration points" in response.content.decode()


def test_a_version_is_named_on_the_page_of_its_component(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    client, url = sign_in(lead), reverse("systems:version-add", args=[point.system.slug, "orders"])

    client.post(url, {"name": "1.4.0", "notes": "Faster"})
    refused = client.post(url, {"name": ""})

    assert list(point.provider.versions.values_list("name", "notes")) == [("1.4.0", "Faster")]
    assert refused.status_code == 400
    assert "1.4.0" in refused.content.decode()


def test_a_point_is_added_between_components_of_the_system_only(
    point: IntegrationPoint, outsider: User, lead: User, sign_in: SignIn
) -> None:
    foreign = Component.objects.create(system=System.objects.get(slug="other"), name="Foreign", slug="foreign")
    client, url = sign_in(lead), reverse("systems:point-new", args=[point.system.slug])
    fields = {
        "consumer": point.provider_id,
        "provider": point.consumer_id,
        "protocol": "webhook",
        "operation": "POST /paid",
        "criticality": 3,
    }

    refused = client.post(url, {**fields, "provider": foreign.pk})
    made = client.post(url, fields)

    assert refused.status_code == 400 and refused.context["form"].errors.keys() == {"provider"}
    assert "Foreign" not in client.get(url).content.decode()
    assert made["Location"].endswith("?point=orders-storefront-post-paid")


def test_the_ends_of_a_new_point_come_from_the_address(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    url = reverse("systems:point-new", args=[point.system.slug])

    form = sign_in(lead).get(f"{url}?consumer=orders&provider=nobody").context["form"]

    assert (form["consumer"].initial, form["provider"].initial) == (point.provider, None)


def test_without_two_components_the_page_says_what_comes_first(system: System, lead: User, sign_in: SignIn) -> None:
    body = sign_in(lead).get(reverse("systems:point-new", args=[system.slug])).content.decode()

    assert "Two components are needed first" in body


def test_the_same_seam_twice_is_refused_with_what_was_typed(
    point: IntegrationPoint, lead: User, sign_in: SignIn
) -> None:
    fields = {
        "consumer": point.consumer_id,
        "provider": point.provider_id,
        "protocol": "http",
        "operation": "POST /orders",
        "criticality": 2,
    }

    response = sign_in(lead).post(reverse("systems:point-new", args=[point.system.slug]), fields)

    assert response.status_code == 400
    assert 'value="POST /orders"' in response.content.decode()
    assert IntegrationPoint.objects.count() == 1


@pytest.fixture
def back(point: IntegrationPoint, lead: User) -> IntegrationPoint:
    return services.save_point(
        point.system, consumer=point.provider, provider=point.consumer, protocol="webhook", operation="paid", by=lead
    )


def test_a_workflow_keeps_the_order_in_which_its_hops_were_sent(
    point: IntegrationPoint, back: IntegrationPoint, lead: User, sign_in: SignIn
) -> None:
    client, url = sign_in(lead), reverse("systems:workflow-new", args=[point.system.slug])

    response = client.post(
        url, {"name": "Pay", "criticality": 4, "entry": "", "output": "", "points": [back.slug, point.slug, back.slug]}
    )

    workflow = Workflow.objects.get(slug="pay")
    assert response["Location"] == workflow.get_absolute_url()
    assert [hop.point for hop in workflow.hops.all()] == [back, point, back]


def test_a_workflow_needs_hops_and_says_which_are_gone(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    client, url = sign_in(lead), reverse("systems:workflow-new", args=[point.system.slug])

    empty = client.post(url, {"name": "Pay", "criticality": 4})
    gone = client.post(url, {"name": "Pay", "criticality": 4, "points": [point.slug, "gone"]})

    assert "Add the integration points" in empty.content.decode()
    assert "No longer there: gone." in gone.content.decode()
    assert [chosen.slug for chosen in gone.context["form"].chosen] == [point.slug]
    assert not Workflow.objects.exists()


def test_a_gap_in_the_path_is_pointed_out(point: IntegrationPoint, lead: User, sign_in: SignIn) -> None:
    apart = [Component.objects.create(system=point.system, name=name, slug=name) for name in ("mail", "box")]
    far = services.save_point(
        point.system, consumer=apart[0], provider=apart[1], protocol="mail", operation="send", by=lead
    )
    workflow = services.save_workflow(point.system, name="Jump", points=[point, far], by=lead)

    hops = sign_in(lead).get(workflow.get_absolute_url()).context["hops"]

    assert [hop.jumps for hop in hops] == [False, True]


def test_pages_cost_the_same_however_much_there_is(
    system: System, point: IntegrationPoint, back: IntegrationPoint, viewer: User, lead: User, sign_in: SignIn
) -> None:
    client = sign_in(viewer)
    workflow = services.save_workflow(system, name="W0", points=[point, back], by=lead)
    urls = [
        reverse("systems:workflows", args=[system.slug]),
        reverse("systems:component", args=[system.slug, "orders"]),
        workflow.get_absolute_url(),
    ]
    before = [queries(client, url) for url in urls]

    for number in range(12):
        extra = services.save_point(
            system,
            consumer=point.consumer,
            provider=point.provider,
            protocol="http",
            operation=f"GET /{number}",
            by=lead,
        )
        services.add_version(point.provider, f"1.{number}", by=lead)
        services.save_workflow(system, name=f"W{number}+", points=[point, extra, back], by=lead)
    services.save_workflow(system, workflow=workflow, points=[point, back] * 20, by=lead)

    assert [queries(client, url) for url in urls] == before
    assert max(before) <= 12


def test_a_viewer_sees_no_button_that_changes(point: IntegrationPoint, viewer: User, sign_in: SignIn) -> None:
    body = sign_in(viewer).get(reverse("systems:component", args=[point.system.slug, "orders"])).content.decode()

    assert (
        "component-edit" not in body
        and "/edit/" not in body
        and "<form" not in body.split("<main")[1].split("</main>")[0]
    )
