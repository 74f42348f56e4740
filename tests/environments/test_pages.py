"""Pages of environments: edited in place, secrets never shown."""

import pytest

from apps.accounts.models import User
from apps.environments import services
from apps.environments.models import Environment, Secret, Variable
from apps.systems.models import Component, IntegrationPoint, System
from tests.environments.pages import SignIn, at, queries

PLAIN = "hunter2-s3cr3t"
HTMX = {"HTTP_HX_REQUEST": "true"}


def test_an_environment_is_made_with_the_variables_of_another(
    environment: Environment, lead: User, sign_in: SignIn
) -> None:
    services.set_variable(environment, "SHOP", "http://local", by=lead)
    client = sign_in(lead)

    response = client.post(
        at("environment-new"), {"name": "Staging", "max_parallel": 5, "copy_from": environment.pk, "queue": ""}
    )

    staging = Environment.objects.get(slug="staging")
    assert response["Location"] == at("environment", "staging")
    assert services.values_for(staging) == ({"SHOP": "http://local"}, {})


def test_a_wrong_queue_is_named_and_nothing_is_lost(system: System, lead: User, sign_in: SignIn) -> None:
    response = sign_in(lead).post(at("environment-new"), {"name": "Staging", "max_parallel": 5, "queue": "celery"})

    assert response.status_code == 400
    assert response.context["form"].errors.keys() == {"queue"}
    assert 'value="Staging"' in response.content.decode()


def test_a_variable_is_set_changed_and_removed_in_place(environment: Environment, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)

    added = client.post(at("variables", "local"), {"name": "SHOP", "value": "a"}, **HTMX)
    editing = client.get(at("variables", "local") + "?edit=SHOP", **HTMX)
    client.post(at("variables", "local"), {"name": "SHOP_URL", "value": "b", "was": "SHOP"}, **HTMX)

    assert "<html" not in added.content.decode() and "SHOP" in added.content.decode()
    assert 'name="was" value="SHOP"' in editing.content.decode()
    assert services.values_for(environment)[0] == {"SHOP_URL": "b"}
    client.post(at("variable-remove", "local"), {"name": "SHOP_URL"}, **HTMX)
    assert services.values_for(environment)[0] == {}


def test_a_refused_variable_keeps_what_was_typed(environment: Environment, lead: User, sign_in: SignIn) -> None:
    body = (
        sign_in(lead).post(at("variables", "local"), {"name": "not a name", "value": "kept"}, **HTMX).content.decode()
    )

    assert 'value="not a name"' in body and 'value="kept"' in body
    assert "Letters, digits and underscores" in body


def test_a_value_keeps_its_blanks(environment: Environment, lead: User, sign_in: SignIn) -> None:
    sign_in(lead).post(at("variables", "local"), {"name": "PAD", "value": "  x "}, **HTMX)

    assert services.values_for(environment)[0] == {"PAD": "  x "}


def test_a_secret_is_on_no_page(environment: Environment, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)
    bodies = [
        client.post(at("secrets", "local"), {"name": "API_KEY", "value": PLAIN}, **HTMX),
        client.post(at("secrets", "local"), {"name": "not a name", "value": PLAIN}, **HTMX),
        client.get(at("secrets", "local") + "?edit=API_KEY", **HTMX),
        client.get(at("environment", "local")),
        client.get(at("environments")),
        client.get(at("environment-history", "local")),
    ]

    assert services.values_for(environment)[1] == {"API_KEY": PLAIN}
    assert [response.status_code for response in bodies] == [200] * len(bodies)
    assert not any(PLAIN in response.content.decode() for response in bodies)
    assert not any("gAAAA" in response.content.decode() for response in bodies)
    assert "API_KEY" in bodies[3].content.decode() and "Lena" in bodies[3].content.decode()


def test_a_secret_is_replaced_and_removed(environment: Environment, lead: User, sign_in: SignIn) -> None:
    client = sign_in(lead)
    for value in (PLAIN, PLAIN + "-2"):
        client.post(at("secrets", "local"), {"name": "API_KEY", "value": value, "edit": "API_KEY"}, **HTMX)

    assert services.values_for(environment)[1] == {"API_KEY": PLAIN + "-2"}
    client.post(at("secret-remove", "local"), {"name": "API_KEY"}, **HTMX)
    assert not Secret.objects.exists()


def test_without_htmx_the_page_comes_back_and_says_what_was_wrong(
    environment: Environment, lead: User, sign_in: SignIn
) -> None:
    response = sign_in(lead).post(at("variables", "local"), {"name": "no name", "value": "x"}, follow=True)

    assert response.redirect_chain == [(at("environment", "local"), 302)]
    assert "Letters, digits and underscores" in response.content.decode()


def test_a_viewer_reads_names_and_changes_nothing(
    environment: Environment, lead: User, viewer: User, sign_in: SignIn
) -> None:
    services.set_variable(environment, "SHOP", "http://local", by=lead)
    client = sign_in(viewer)

    body = client.get(at("environment", "local")).content.decode().split("<main")[1].split("</main>")[0]

    assert "SHOP" in body and "<form" not in body
    assert client.post(at("variables", "local"), {"name": "X", "value": "x"}, **HTMX).status_code == 403
    assert client.post(at("secrets", "local"), {"name": "X", "value": "x"}, **HTMX).status_code == 403


def test_a_version_is_deployed_and_withdrawn(
    environment: Environment, point: IntegrationPoint, lead: User, sign_in: SignIn
) -> None:
    client = sign_in(lead)

    client.post(at("deploy", "local"), {"component": "orders", "version": "1.4.0"})
    assert services.versions_deployed(environment) == {"orders": "1.4.0"}
    refused = client.post(at("deploy", "local"), {"component": "orders", "version": ""})
    assert refused.status_code == 400
    assert "1.4.0" in client.get(at("component-deployments", "orders")).content.decode()

    client.post(at("withdraw", "local"), {"component": "orders"})
    assert services.versions_deployed(environment) == {}


@pytest.fixture
def production(environment: Environment, lead: User) -> Environment:
    return services.save_environment(environment.system, name="Production", is_production=True, by=lead)


def test_differences_from_production_are_marked(
    environment: Environment,
    production: Environment,
    point: IntegrationPoint,
    lead: User,
    viewer: User,
    sign_in: SignIn,
) -> None:
    services.deploy_named(environment, point.provider, "2.0", by=lead)
    services.deploy_named(production, point.provider, "1.0", by=lead)
    services.deploy_named(production, point.consumer, "1.0", by=lead)
    services.set_variable(production, "ONLY_THERE", "x", by=lead)
    long = "x" * 100
    for place, value in ((environment, f"{long}1"), (production, f"{long}2")):
        services.set_variable(place, "LIMIT", value, by=lead)
        services.set_variable(place, "SAME", "1", by=lead)
    services.set_secret(environment, "BOTH", PLAIN, by=lead)
    services.set_secret(production, "BOTH", PLAIN, by=lead)
    client = sign_in(viewer)

    comparison = client.get(at("environments")).context["comparison"]
    page = client.get(at("environment", "local")).context

    assert comparison.reference == production
    assert (comparison.count_for(environment), comparison.count_for(production)) == (3, 0)
    assert [(row.name, row.differs) for row in comparison.names] == [
        ("ONLY_THERE", True),
        ("LIMIT", False),
        ("BOTH", False),
        ("SAME", False),
    ]
    assert client.get(at("environments")).content.decode().count("another value") == 1
    found = [getattr(item["row"], "name", None) or item["row"].component.name for item in page["differences"]]
    assert sorted(found) == ["ONLY_THERE", "Orders", "Storefront"]
    other = client.get(at("environments") + "?against=local").context["comparison"]
    assert other.reference == environment


def test_every_change_is_in_the_log_with_before_and_after(
    environment: Environment, point: IntegrationPoint, lead: User, viewer: User, sign_in: SignIn
) -> None:
    services.set_variable(environment, "SHOP", "old", by=lead)
    services.set_variable(environment, "SHOP", "new", by=lead)
    services.deploy_named(environment, point.provider, "1.0", by=lead)
    services.deploy_named(environment, point.provider, "2.0", by=lead)

    changes = sign_in(viewer).get(at("environment-history", "local")).context["changes"]

    assert [(change.text, change.before, change.after) for change in changes][:3] == [
        ("deployed orders:", "1.0", "2.0"),
        ("deployed orders:", "", "1.0"),
        ("set SHOP:", "old", "new"),
    ]


def test_pages_of_environments_cost_the_same_however_much_there_is(
    environment: Environment, system: System, lead: User, viewer: User, sign_in: SignIn
) -> None:
    def grow(number: int) -> None:
        component = Component.objects.create(system=system, name=f"C{number}", slug=f"c{number}")
        services.deploy_named(environment, component, "1.0", by=lead)
        services.set_variable(environment, f"V{number}", "x", by=lead)
        services.set_secret(environment, f"S{number}", PLAIN, by=lead)
        other = services.save_environment(system, name=f"E{number}", copy_from=environment, by=lead)
        services.deploy_named(other, component, "2.0", by=lead)

    grow(0)
    client = sign_in(viewer)
    urls = [
        at("environments"),
        at("environment", "local"),
        at("environment", "e0"),
        at("environment-history", "local"),
        at("component-deployments", "c0"),
    ]
    before = [queries(client, url) for url in urls]
    for number in range(1, 8):
        grow(number)

    assert [queries(client, url) for url in urls] == before
    assert max(before) <= 18


def test_the_comparison_bears_many_environments_and_many_names(
    environment: Environment, system: System, lead: User, viewer: User, sign_in: SignIn
) -> None:
    client = sign_in(viewer)

    def grow(first: int, last: int) -> None:
        made = Environment.objects.bulk_create(
            Environment(system=system, name=f"N{number:03}", slug=f"e{number:03}") for number in range(first, last)
        )
        names = [
            Variable(environment=one, name=f"V{number:03}", value="x" * 90) for one in made for number in range(150)
        ]
        Variable.objects.bulk_create(names)

    def cost(url: str) -> tuple[int, int]:
        return queries(client, url), len(client.get(url).content)

    grow(0, 20)
    urls = [at("environments"), at("environment", "e003")]
    few = [cost(url) for url in urls]
    grow(20, 60)
    many = [cost(url) for url in urls]
    first = client.get(at("environments")).context
    second = client.get(at("environments") + "?page=2&rows=2&against=e059").context

    assert [count for count, _size in many] == [count for count, _size in few]
    assert all(size == pytest.approx(before, rel=0.02) for (_, size), (_, before) in zip(many, few, strict=True))
    assert [one.slug for one in first["comparison"].environments] == ["local", *(f"e{n:03}" for n in range(8))]
    assert [one.slug for one in second["comparison"].environments] == ["e059", *(f"e{n:03}" for n in range(7, 15))]
    assert (len(first["names"]), len(second["names"])) == (100, 50)
