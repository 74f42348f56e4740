"""Data sets: typed cells, CSV in and out, errors that name row and column, and saving as a whole."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core.errors import DomainError
from apps.environments import csv_tables, services
from apps.environments.cells import cell_kind, read_cell, write_cell
from apps.environments.models import DataRow, Dataset
from apps.environments.tables import MOST_ROWS, check_table
from apps.systems.models import System

VALUES: list[Any] = [
    "", "plain", "42", 42, -1.5, 0, "0", True, False, None, "true", "null",
    '"quoted"', "two\nlines", "tab\there", "NaN",
    "1e999", "[1]", "{}", "  3 ", "007", "=SUM(A1)", "Größe €", "\\", 'say "hi"', 10**30, "Infinity", "a,b;c",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_value_survives_being_written_and_read(value: Any) -> None:
    again = read_cell(write_cell(value))

    assert (again, type(again)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("3", 3, "number"),
        ("3.50", 3.5, "number"),
        ('"3"', "3", "text"),
        ("true", True, "boolean"),
        ("True", "True", "text"),
        ("null", None, "null"),
        ("007", "007", "text"),
        ("NaN", "NaN", "text"),
        ("[1]", "[1]", "text"),
        ("9" * 5000, "9" * 5000, "text"),
    ],
)
def test_a_cell_is_typed_by_how_it_is_written(text: str, value: Any, kind: str) -> None:
    assert (read_cell(text), cell_kind(read_cell(text))) == (value, kind)


def save(system: System, lead: User, **values: Any) -> Dataset:
    rows = [{"label": "one", "values": {"sku": "A-1", "quantity": 2}}, {"values": {"sku": "42", "quantity": None}}]
    return services.save_dataset(
        system, by=lead, **{"name": "Orders", "columns": ["sku", "quantity"], "rows": rows, **values}
    )


def test_rows_keep_their_types_and_order(system: System, lead: User) -> None:
    dataset = save(system, lead)

    assert [(row.position, row.label, row.values) for row in dataset.rows.all()] == [
        (1, "one", {"sku": "A-1", "quantity": 2}),
        (2, "", {"sku": "42", "quantity": None}),
    ]


def test_a_csv_that_was_exported_imports_as_the_same_table(system: System, lead: User) -> None:
    columns = ["value", "other"]
    rows = [{"label": f"r{n}", "values": {"value": value, "other": "x"}} for n, value in enumerate(VALUES)]
    dataset = save(system, lead, columns=columns, rows=rows)

    text = csv_tables.write_csv(dataset.columns, dataset.rows.all())

    assert csv_tables.read_csv(text.encode()) == (columns, rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_usual_delimiters_and_the_mark_of_spreadsheets_are_read(delimiter: str) -> None:
    text = "\ufeff" + f"sku{delimiter}quantity\r\nA-1{delimiter}2\r\n\r\n"

    assert csv_tables.read_csv(text.encode()) == (
        ["sku", "quantity"],
        [{"label": "", "values": {"sku": "A-1", "quantity": 2}}],
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "first line"),
        (b"\n\n", "first line"),
        (b"a,b\n1,2,3\n", r"Row 1 \(line 2\) has 3 cells"),
        (b"a,b\n1,2\n\n1\n", r"Row 2 \(line 4\) has 1 cells"),
        (b'a\n"open\n', "Line 2 is not CSV"),
        (b"a\nok\n\xff\xfe\n", "Line 3 is not UTF-8"),
        (b"a\n" + b"x" * 200_000, "field larger than field limit"),
        (b"a\n" + b"x\n" * 1_000_001, "more than 2000000 bytes"),
    ],
)
def test_a_bad_csv_says_where(content: bytes, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        csv_tables.read_csv(content)


@pytest.mark.parametrize(
    ("columns", "rows", "place"),
    [
        (["a b"], [], {"field": "columns", "column": "a b"}),
        (["a", "a"], [], {"field": "columns", "column": "a"}),
        (["a", ""], [], {"field": "columns", "column": ""}),
        (["uuid"], [], {"field": "columns", "column": "uuid"}),
        ([f"c{n}" for n in range(61)], [], {"field": "columns"}),
        (["a"], [{"values": {}}], {"field": "rows[0].values.a", "row": 1, "column": "a"}),
        (["a"], [{"values": {"a": 1, "z": 1}}], {"field": "rows[0].values.z", "row": 1, "column": "z"}),
        (["a"], [{"values": {"a": [1]}}], {"field": "rows[0].values.a", "row": 1, "column": "a"}),
        (["a"], [{"values": {"a": "x" * 10_001}}], {"field": "rows[0].values.a", "row": 1, "column": "a"}),
        (["a"], [{"values": {"a": "\x00"}}], {"field": "rows[0].values.a", "row": 1, "column": "a"}),
        (["a"], [{"values": {"a": "\ud800"}}], {"field": "rows[0].values.a", "row": 1, "column": "a"}),
        (["a"], [{"values": {"a": 1}, "label": "x" * 121}], {"field": "rows[0].label", "row": 1}),
        (["a"], ["a"], {"field": "rows[0].values", "row": 1}),
        (["a"], [{"values": {"a": float("nan")}}], {"field": "rows[0].values.a", "row": 1, "column": "a"}),
    ],
)
def test_a_bad_table_names_row_and_column(columns: list[str], rows: list[Any], place: dict[str, Any]) -> None:
    with pytest.raises(DomainError) as error:
        check_table(columns, rows)

    assert place.items() <= error.value.errors[0].items()


def test_a_table_is_bounded() -> None:
    with pytest.raises(DomainError, match="At most 2000 rows"):
        check_table(["a"], [{"values": {"a": 1}}] * (MOST_ROWS + 1))


def test_a_refused_table_leaves_the_old_one_whole(system: System, lead: User) -> None:
    dataset = save(system, lead)

    with pytest.raises(DomainError):
        save(system, lead, dataset=dataset, rows=[{"values": {"sku": "B", "quantity": 1}}, {"values": {}}])

    assert [row.values["sku"] for row in dataset.rows.all()] == ["A-1", "42"]


def test_the_table_stays_when_only_the_name_changes(system: System, lead: User) -> None:
    dataset = save(system, lead)

    services.save_dataset(system, by=lead, dataset=dataset, name="Renamed")

    assert DataRow.objects.filter(dataset=dataset).count() == 2


def test_what_another_person_saved_meanwhile_is_not_overwritten(system: System, lead: User) -> None:
    dataset = save(system, lead)
    seen = dataset.updated_at
    services.save_dataset(system, by=lead, dataset=dataset, rows=[{"values": {"sku": "B", "quantity": 1}}])

    with pytest.raises(DomainError) as error:
        services.save_dataset(system, by=lead, dataset=dataset, rows=[], seen_at=seen)

    assert error.value.status == 409
    assert dataset.rows.count() == 1


def test_a_data_set_of_a_case_is_not_removed(system: System, lead: User, make_case: Callable[..., TestCase]) -> None:
    dataset = save(system, lead)
    make_case(dataset=dataset)

    with pytest.raises(DomainError, match="test cases"):
        services.remove_dataset(dataset, by=lead)

    TestCase.objects.update(dataset=None)
    services.remove_dataset(dataset, by=lead)
    assert not Dataset.objects.exists()
