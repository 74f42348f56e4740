import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.defects.models import Defect
from apps.environments.models import Environment, Variable
from apps.environments.services import set_secret
from apps.runs import services
from apps.runs.models import Artifact, Attempt, Execution, StepResult
from apps.systems.models import IntegrationPoint, System
from tests.runs.story import MANUAL, ended, finished_run, planned_run, step, taken, waiting_execution
from tests.runs.test_run_pages import text

pytestmark = pytest.mark.django_db
MakeCase = Callable[..., TestCase]


@pytest.fixture
def client(sign_in: Callable[[User], Client], tester: User) -> Client:
    return sign_in(tester)


@pytest.fixture
def executed(environment: Environment, make_case: MakeCase, point: IntegrationPoint) -> Callable[..., Execution]:
    """``executed(step, …)`` → a finished execution with these steps."""

    def make(*steps: Any, definition: dict[str, Any] | None = None, title: str = "An order is paid") -> Execution:
        [execution] = taken(planned_run(environment, [make_case(title, definition)]))
        services.record([ended(execution, *steps)])
        execution.refresh_from_db()
        return execution

    return make


def path(execution: Execution) -> str:
    return f"/s/shop/executions/{execution.pk}/"


def test_the_failed_step_is_open_and_the_others_say_what_they_did_in_a_line(
    client: Client, executed: Callable[..., Execution]
) -> None:
    execution = executed(step(0), step(1, "failed"), step(2, "skipped", message="", request={}, response={}))

    html = client.get(path(execution)).content.decode()

    [opened] = re.findall(r"<details[^>]*data-step=\"(\d+)\" open>", html)
    assert StepResult.objects.get(pk=opened).position == 1
    assert "POST /orders → 201" in text(html)
    assert "Expected 201 Actual 500" in text(html)
    assert text(html).index("status is 500") < text(html).index("Where and with what")


def test_a_folded_step_says_in_a_line_what_each_kind_did(client: Client, executed: Callable[..., Execution]) -> None:
    execution = executed(
        step(0, kind="grpc", request={"target": "h:1", "method": "a.b.Stock/Reserve"}, response={"status": "OK"}),
        step(1, kind="sql", request={"query": "SELECT"}, response={"rows": [{}, {}], "row_count": 2}),
        step(2, kind="command", request={"argv": ["true"]}, response={"exit_code": 0}),
    )

    html = text(client.get(path(execution)).content)

    for summary in ("Stock/Reserve → OK", "2 rows", "exit code 0"):
        assert summary in html


def test_a_text_is_told_from_the_number_beside_it(client: Client, executed: Callable[..., Execution]) -> None:
    check = {"label": "stdout equals 1", "passed": False, "expected": 1, "actual": "1", "diff": "", "message": "no"}
    execution = executed(step(0, "failed", checks=[check]))

    assert "Expected 1 Actual &quot;1&quot;" in text(client.get(path(execution)).content)


def test_a_folded_step_is_fetched_when_it_is_opened(client: Client, executed: Callable[..., Execution]) -> None:
    execution = executed(step(0, response={"status": 200, "body": "only when asked"}), step(1, "failed"))
    first = execution.steps.get(position=0)

    assert b"only when asked" not in client.get(path(execution)).content
    assert b"only when asked" in client.get(f"{path(execution)}steps/{first.pk}/").content
    assert b"only when asked" in client.get(f"{path(execution)}?step={first.pk}").content


RACE: dict[str, Any] = {
    "kind": "parallel",
    "with": {"branches": [{"name": "Buyer", "steps": [{"name": "Buy", "kind": "http", "with": {"url": "/"}}]}]},
}


def raced(executed: Callable[..., Execution], expect: Sequence[Mapping[str, Any]]) -> Execution:
    """A case whose second step is a race that failed, as did the step inside it."""
    ask = {"name": "Ask", "kind": "http", "with": {"url": "/"}}
    definition = {"title": "A race", "steps": [ask, {"name": "Race", **RACE, "expect": list(expect)}]}
    told = {"passes": [{"number": 1, "branch": 1, "name": "Buyer", "copy": 1, "of": 1, "state": "failed"}]}
    race = step(1, "failed", name="Race", kind="parallel", response=told, message="the race failed")
    return executed(
        step(0), race, step(1, "failed", path="1.1", name="Buy", message="status should be 201"), definition=definition
    )


def test_a_failure_inside_a_step_says_in_which(client: Client, executed: Callable[..., Execution]) -> None:
    page = text(client.get(path(raced(executed, []))).content)

    assert "at step 2 · Race › Buyer › Buy" in page


def test_a_step_whose_own_checks_reckon_with_failures_is_the_one_that_failed(
    client: Client, executed: Callable[..., Execution]
) -> None:
    execution = raced(executed, [{"check": "passed", "equals": 1}])

    html = client.get(path(execution)).content.decode()

    [opened] = re.findall(r"<details[^>]*data-step=\"(\d+)\" open>", html)
    assert StepResult.objects.get(pk=opened).name == "Race"
    assert "at step 2 · Race" in text(html)


def test_the_difference_of_structures_is_shown_as_a_diff(client: Client, executed: Callable[..., Execution]) -> None:
    diff = '--- expected\n+++ actual\n@@ -1 +1 @@\n {\n-  "total": 24\n+  "total": 25\n }'
    check = {
        "label": "json $ equals",
        "passed": False,
        "expected": {},
        "actual": {},
        "diff": diff,
        "message": "differs",
    }
    execution = executed(step(0, "failed", checks=[check]))

    html = client.get(path(execution)).content.decode()

    assert "<del>  &quot;total&quot;: 24</del>" in html
    assert "<ins>  &quot;total&quot;: 25</ins>" in html
    assert "− Expected" in html and "+ Actual" in html


def test_a_long_body_is_cut_on_the_page_more_on_demand_all_as_a_file(
    client: Client, executed: Callable[..., Execution]
) -> None:
    long = "\n".join(f"line {number} of the answer" for number in range(20_000))
    execution = executed(step(0, "failed", response={"status": 500, "body": long, "notes": ["the body was cut"]}))
    [found] = execution.steps.all()

    page = client.get(path(execution)).content
    more = client.get(f"{path(execution)}steps/{found.pk}/?full=1").content
    file = client.get(f"{path(execution)}steps/{found.pk}/response/body/")

    assert len(page) < 60_000
    assert b"the body was cut" in page
    assert f"of {len(long)} characters" in text(page)
    assert 150_000 < len(more) < 400_000
    assert file.content.decode() == long
    assert file["Content-Disposition"].startswith("attachment")
    assert client.get(f"{path(execution)}steps/{found.pk}/response/nothing/").status_code == 404


@pytest.mark.parametrize("count", [4, 40])
def test_forty_steps_make_a_small_page_with_as_few_queries(
    client: Client, executed: Callable[..., Execution], count: int
) -> None:
    bodies = {"status": 201, "body": json.dumps({"text": "x" * 50_000})}
    execution = executed(*[step(n, response=bodies) for n in range(count - 1)], step(count - 1, "failed"))
    client.get(path(execution))

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path(execution))

    assert len(answer.content) < 150_000
    assert len(captured) <= 24
    assert sum("x" * 100 in query["sql"] for query in captured) == 0


def test_secrets_never_appear_and_are_marked_as_masked(
    client: Client, environment: Environment, executed: Callable[..., Execution], lead: User
) -> None:
    set_secret(environment, "API_KEY", "s3cr3t-of-the-shop", by=lead)
    Variable.objects.create(environment=environment, name="SHOP", value="http://shop.test")
    definition = {
        "steps": [{"name": "Ask", "kind": "http", "with": {"url": "{{ SHOP }}", "headers": {"X": "{{ API_KEY }}"}}}]
    }
    execution = executed(step(0, "failed"), definition=definition)

    with CaptureQueriesContext(connection) as captured:
        page = client.get(path(execution)).content.decode()

    assert "s3cr3t-of-the-shop" not in page
    assert not any("ciphertext" in query["sql"] for query in captured)  # not even read
    assert re.search(r"API_KEY</code>.{0,200}masked", page, re.DOTALL)
    assert "http://shop.test" in page
    assert "X-Key: ***" in page  # also in the curl command


def test_a_variable_that_was_changed_since_says_so(
    client: Client, environment: Environment, executed: Callable[..., Execution]
) -> None:
    Variable.objects.create(environment=environment, name="SHOP", value="http://old.test")
    execution = executed(step(0, "failed"))
    assert "changed after this execution" not in text(client.get(path(execution)).content)

    Variable.objects.get(name="SHOP").save()

    assert "changed after this execution" in text(client.get(path(execution)).content)


def test_the_values_of_the_data_row_are_shown_as_they_were(client: Client, executed: Callable[..., Execution]) -> None:
    execution = executed(step(0, "failed"))
    Execution.objects.filter(pk=execution.pk).update(row={"sku": "MUG-01", "long": "x" * 5_000}, row_label="A mug")

    page = text(client.get(path(execution)).content)

    assert "A mug" in page
    assert "sku MUG-01" in page
    assert "x" * 301 not in page


def test_earlier_attempts_can_be_looked_at(client: Client, executed: Callable[..., Execution]) -> None:
    execution = executed(step(0, "failed"))
    Attempt.objects.create(execution=execution, number=1, state="failed", finished_at=timezone.now(), message="")
    Execution.objects.filter(pk=execution.pk).update(attempt=2, state="passed")
    StepResult.objects.create(
        execution=execution, attempt=2, position=0, name="The second try", kind="http", state="passed"
    )

    last, first = client.get(path(execution)).content, client.get(f"{path(execution)}?attempt=1").content

    assert b"The second try" in last
    assert b"The second try" not in first
    assert "Expected 201 Actual 500" in text(first)


def test_failed_executions_lead_to_the_next_and_the_previous_failed_one(
    client: Client, environment: Environment, make_case: MakeCase
) -> None:
    run = finished_run(environment, [make_case(f"Case {n}") for n in range(4)], ["broken", "", "broken", "broken"])
    first, _, third, fourth = run.executions.order_by("position")

    html = client.get(path(third)).content.decode()

    assert re.search(rf'href="{path(first)}" data-key="k"', html)
    assert re.search(rf'href="{path(fourth)}" data-key="j"', html)


def test_defects_of_the_same_reason_come_before_a_new_one(
    client: Client, system: System, executed: Callable[..., Execution]
) -> None:
    execution = executed(step(0, "failed"))
    assert f"/s/shop/defects/new/?execution={execution.pk}".encode() in client.get(path(execution)).content

    Defect.objects.create(system=system, number=7, title="Known trouble", failure_group=execution.failure_group)

    page = text(client.get(path(execution)).content)
    assert page.index("D7 Known trouble") < page.index("Create another defect")


def test_the_last_pass_in_the_environment_is_named(
    client: Client, environment: Environment, make_case: MakeCase
) -> None:
    case = make_case()
    good = finished_run(environment, [case], [""])
    [execution] = finished_run(environment, [case], ["broken"]).executions.all()

    assert f"Last passed in #{good.number}" in text(client.get(path(execution)).content)


def test_what_is_still_to_come_is_named(client: Client, environment: Environment, make_case: MakeCase) -> None:
    execution = waiting_execution(environment, make_case)

    html = client.get(path(execution)).content.decode()

    assert MANUAL["steps"][2]["name"] in html
    assert "to come" in text(html)
    assert f"{path(execution)}manual/" in html


def test_what_came_from_outside_is_text_not_html(client: Client, executed: Callable[..., Execution]) -> None:
    evil = "<script>alert(1)</script>"
    execution = executed(
        step(
            0,
            "failed",
            name=evil,
            message=evil,
            request={"method": "GET", "url": f"http://x/{evil}", "headers": {evil: evil}},
            response={"status": 500, "body": json.dumps({evil: evil})},
            checks=[{"label": evil, "passed": False, "expected": evil, "actual": [evil], "diff": f"+{evil}"}],
            captured={evil[:20]: evil},
        )
    )

    assert evil.encode() not in client.get(path(execution)).content


def test_actions_are_listed_with_their_times_and_the_picture_is_shown(
    client: Client, executed: Callable[..., Execution]
) -> None:
    told = [
        {"action": "open http://shop/", "state": "passed", "ms": 300.0},
        {"action": "click <b>Buy</b>", "state": "failed", "ms": 100.0},
        {"action": "press Enter", "state": "skipped"},
    ]
    page = {"kind": "browser", "request": {}, "response": {"actions": told, "status": 200, "title": "Shop"}}
    execution = executed(step(0, **page), step(1, "failed", **page))
    opened = StepResult.objects.get(execution=execution, position=1)
    for name, media_type in (("screenshot.png", "image/png"), ("trace.zip", "application/zip")):
        file = ContentFile(b"data", name)
        Artifact.objects.create(execution=execution, step=opened, name=name, content_type=media_type, size=4, file=file)

    html = client.get(path(execution)).content.decode()

    [listed] = re.findall(r'<ol class="actions">(.*?)</ol>', html, re.S)
    words = re.findall(r"<code>(.*?)</code>", listed)
    assert words == ["open http://shop/", "click &lt;b&gt;Buy&lt;/b&gt;", "press Enter"]
    bars = re.findall(r'x="([\d.]+)" width="([\d.]+)"', listed)
    assert bars == [("0.0", "750.0"), ("750.0", "250.0"), ("1000.0", "0.0")]
    assert html.count('class="picture"') == 1
    [files] = re.findall(r"<h4>Files</h4>(.*?)</section>", html, re.S)
    assert ("trace.zip" in files, "screenshot.png" in files) == (True, False)
    assert re.search(r'class="step-summary">Shop<', html)


@pytest.mark.parametrize(
    ("name", "content_type", "served"),
    [
        ("shot.png", "image/png", "image/png"),
        ("evil.svg", "image/svg+xml", "application/octet-stream"),
        ("page.html", "text/html", "application/octet-stream"),
    ],
)
def test_a_file_is_always_a_download_and_never_sniffed(
    client: Client, executed: Callable[..., Execution], name: str, content_type: str, served: str
) -> None:
    execution = executed(step(0, "failed"))
    artifact = Artifact(execution=execution, name=name, content_type=content_type, size=5)
    artifact.file.save(name, ContentFile(b"<svg>"))

    answer = client.get(f"/s/shop/artifacts/{artifact.pk}/")

    assert answer["Content-Type"] == served
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    artifact.file.storage.delete(artifact.file.name)
    assert client.get(f"/s/shop/artifacts/{artifact.pk}/").status_code == 404


def test_nothing_of_another_system_can_be_reached(
    sign_in: Callable[[User], Client], outsider: User, executed: Callable[..., Execution]
) -> None:
    execution = executed(step(0, "failed"))
    found = execution.steps.get()
    artifact = Artifact(execution=execution, name="a.txt", content_type="text/plain", size=1)
    artifact.file.save("a.txt", ContentFile(b"x"))
    client = sign_in(outsider)

    for inside in (
        f"executions/{execution.pk}/",
        f"executions/{execution.pk}/steps/{found.pk}/",
        f"executions/{execution.pk}/steps/{found.pk}/response/body/",
        f"artifacts/{artifact.pk}/",
        f"runs/{execution.run.number}/",
    ):
        assert client.get(f"/s/shop/{inside}").status_code == 404
        assert client.get(f"/s/other/{inside}").status_code == 404


def test_a_run_that_is_still_going_is_followed(client: Client, environment: Environment, make_case: MakeCase) -> None:
    [execution] = taken(planned_run(environment, [make_case()]))

    page = client.get(path(execution)).content.decode()

    assert f'data-execution="{execution.pk}"' in page
    assert "?after=" in page
    services.record([ended(execution, step())])
    assert "data-execution" not in client.get(path(execution)).content.decode()
