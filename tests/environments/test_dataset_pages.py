"""Pages of data sets: tables in, edited and out again."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.environments import services
from apps.environments.models import Dataset
from apps.systems.models import System
from tests.environments.pages import SignIn, at, queries


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
