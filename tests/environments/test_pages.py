"""Pages of environments and data sets: edited in place, secrets never shown, tables in and out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.environments import services
from apps.environments.models import Dataset, Environment, Secret, Variable
from apps.systems.models import Component, IntegrationPoint, System

SignIn = Callable[[User], Client]
PLAIN = "hunter2-s3cr3t"
HTMX = {"HTTP_HX_REQUEST": "true"}


def at(name: str, *slugs: str) -> str:
    return reverse(f"environments:{name}", args=["shop", *slugs])


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


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


# Data sets


@pytest.fixture
def dataset(system: System, lead: User) -> Dataset:
    rows = [{"label": "one", "values": {"sku": "42", "quantity": 2}}]
    return services.save_dataset(system, name="Orders", columns=["sku", "quantity"], rows=rows, by=lead)


def send(client: Client, url: str, body: Any) -> Any:
    return client.post(url, json.dumps(body), content_type="application/json")


def test_a_data_set_starts_from_a_csv_file(system: System, tester: User, sign_in: SignIn) -> None:
    upload = SimpleUploadedFile("orders.csv", b'row label,sku,quantity\nbig,"""42""",999\n')

    response = sign_in(tester).post(at("dataset-new"), {"name": "Orders", "file": upload})

    assert response["Location"] == at("dataset", "orders")
    row = Dataset.objects.get().rows.get()
    assert (row.label, row.values) == ("big", {"sku": "42", "quantity": 999})


def test_an_empty_data_set_goes_on_to_the_editor(system: System, tester: User, sign_in: SignIn) -> None:
    response = sign_in(tester).post(at("dataset-new"), {"name": "Orders"})

    assert response["Location"] == at("dataset-edit", "orders")


def test_a_bad_file_leaves_nothing_behind_and_is_explained(system: System, tester: User, sign_in: SignIn) -> None:
    upload = SimpleUploadedFile("orders.csv", b"sku,quantity\nA,1\nB\n")

    response = sign_in(tester).post(at("dataset-new"), {"name": "Orders", "file": upload})

    assert response.status_code == 400
    body = response.content.decode()
    assert "Row 2 (line 3) has 1 cells; there are 2 columns." in body and 'value="Orders"' in body
    assert not Dataset.objects.exists()


def test_the_editor_reads_and_saves_typed_cells(dataset: Dataset, tester: User, sign_in: SignIn) -> None:
    client, url = sign_in(tester), at("dataset-table", "orders")
    table = client.get(url).json()
    assert table["rows"] == [{"label": "one", "cells": ['"42"', "2"]}]

    table["rows"].append({"label": "two", "cells": ["null", "true"]})
    answer = send(client, url, table)

    assert answer.json() == {"url": dataset.get_absolute_url()}
    assert [row.values for row in dataset.rows.all()] == [
        {"sku": "42", "quantity": 2},
        {"sku": None, "quantity": True},
    ]


def test_the_editor_learns_which_cell_is_wrong(dataset: Dataset, tester: User, sign_in: SignIn) -> None:
    rows = [{"label": "", "cells": ["x", "1"]}, {"label": "", "cells": ["y" * 10_001, "1"]}]

    answer = send(sign_in(tester), at("dataset-table", "orders"), {"columns": ["sku", "quantity"], "rows": rows})

    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert [(error["row"], error["column"]) for error in answer.json()["errors"]] == [(2, "sku")]
    assert dataset.rows.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"columns": ["a"]},
        {"columns": ["a"], "rows": [{"cells": ["1"]}]},
        {"columns": ["a"], "rows": [{"label": "", "cells": []}]},
        {"columns": ["a"], "rows": [1]},
    ],
    ids=str,
)
def test_a_table_that_is_none_is_a_problem(dataset: Dataset, tester: User, sign_in: SignIn, body: Any) -> None:
    answer = send(sign_in(tester), at("dataset-table", "orders"), body)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:integhub:invalid-table")


def test_two_people_do_not_overwrite_each_other(dataset: Dataset, tester: User, lead: User, sign_in: SignIn) -> None:
    url = at("dataset-table", "orders")
    first, second = sign_in(tester), sign_in(lead)
    mine, theirs = first.get(url).json(), second.get(url).json()

    assert send(first, url, mine).status_code == 200
    assert send(second, url, theirs).status_code == 409


def test_an_export_imports_as_the_same_rows(dataset: Dataset, tester: User, sign_in: SignIn) -> None:
    client = sign_in(tester)
    exported = client.get(at("dataset-export", "orders"))
    assert exported["Content-Disposition"] == 'attachment; filename="shop-orders.csv"'
    before = list(dataset.rows.values_list("label", "values"))

    upload = SimpleUploadedFile("orders.csv", exported.content)
    response = client.post(at("dataset-import", "orders"), {"file": upload})

    assert response.status_code == 302
    assert list(dataset.rows.values_list("label", "values")) == before


def test_a_bad_import_keeps_the_table(dataset: Dataset, tester: User, sign_in: SignIn) -> None:
    upload = SimpleUploadedFile("orders.csv", b"a b\n1\n")

    response = sign_in(tester).post(at("dataset-import", "orders"), {"file": upload})

    assert response.status_code == 400
    assert "Column “a b”" in response.content.decode()
    assert dataset.rows.count() == 1


def test_a_viewer_reads_data_sets_and_writes_none(dataset: Dataset, viewer: User, sign_in: SignIn) -> None:
    client = sign_in(viewer)

    assert client.get(at("dataset", "orders")).status_code == 200
    assert client.get(at("dataset-export", "orders")).status_code == 200
    for name in ("dataset-table", "dataset-import", "dataset-remove", "dataset-edit"):
        assert client.post(at(name, "orders")).status_code == 403


def test_pages_of_data_sets_cost_and_weigh_the_same_however_many_rows(
    system: System, dataset: Dataset, lead: User, viewer: User, sign_in: SignIn
) -> None:
    client = sign_in(viewer)
    urls = [at("datasets"), at("dataset", "orders")]
    before = [queries(client, url) for url in urls]
    rows = [{"values": {"sku": f"SKU {number}", "quantity": number}} for number in range(2_000)]
    services.save_dataset(system, dataset=dataset, rows=rows, by=lead)
    for number in range(5):
        services.save_dataset(system, name=f"D{number}", columns=["a"], rows=[], by=lead)

    assert [queries(client, url) for url in urls] == before
    assert len(client.get(urls[1]).content) < 150_000
