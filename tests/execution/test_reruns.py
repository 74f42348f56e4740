"""Reruns of chosen executions, with their data or with new, beside the run before."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.catalog.models import TestCase
from apps.environments.models import DataRow, Dataset, Environment
from apps.execution import services
from apps.runs.models import TestRun
from apps.systems.models import System
from tests.execution.test_views import text
from tests.runs.story import finished_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]
MakeCase = Callable[..., TestCase]


def test_chosen_ones_run_again_with_their_data_or_with_new(
    client: Client, system: System, environment: Environment, make_case: MakeCase
) -> None:
    orders = Dataset.objects.create(system=system, name="Orders", slug="orders", columns=["sku"])
    first_row = DataRow.objects.create(dataset=orders, position=1, values={"sku": "A"}, label="A")
    case, other = make_case("Rows", dataset=orders), make_case("Other")
    services.start_run(system=system, environment=environment, cases=[case, other], started_by=None)
    run = TestRun.objects.get()
    kept = run.executions.get(case=case)
    DataRow.objects.create(dataset=orders, position=2, values={"sku": "B"}, label="B")
    DataRow.objects.filter(pk=first_row.pk).update(values={"sku": "A2"})
    url, chosen = f"/s/shop/runs/{run.number}/rerun/", {"which": "chosen", "execution": [f"{kept.pk}:0:0"]}

    client.post(url, chosen | {"data": "original"})
    again = TestRun.objects.latest("pk")
    assert [(one.row, one.seed) for one in again.executions.all()] == [({"sku": "A"}, kept.seed)]

    client.post(url, chosen | {"data": "new"})
    fresh = TestRun.objects.latest("pk")
    assert {one.row["sku"] for one in fresh.executions.all()} == {"A2", "B"}
    assert kept.seed not in {one.seed for one in fresh.executions.all()}

    for wrong in (
        {"which": "chosen"},
        {"which": "chosen", "execution": ["x"]},
        {"which": "chosen", "execution": ["9:0:0"]},
    ):
        assert client.post(url, wrong).status_code == 422
    assert TestRun.objects.count() == 3


def test_a_rerun_is_compared_with_the_run_before(client: Client, environment: Environment, make_case: MakeCase) -> None:
    cases = [make_case("One"), make_case("Two")]
    before = finished_run(environment, cases, ["broken", "broken"])
    again = finished_run(environment, cases, ["", "broken"], rerun_of=before)
    url = f"/s/shop/runs/{again.number}/"

    shown = text(client.get(url).content)

    assert f"Compared with #{before.number}" in shown
    assert "Fixed 1" in shown
    assert "Still failing 1" in shown
    assert "Compared with" not in text(client.get(f"{url}?compare=none").content)
