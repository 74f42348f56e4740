"""The manual runner: the step in hand, verdicts, files."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.environments.models import Environment
from apps.execution.attachments import LARGEST, kind_of, safe_name
from apps.runs import services as runs
from apps.runs.models import Artifact, Execution, StepResult
from tests.runs.story import ended, planned_run, runner, step, taken, waiting_at, waiting_execution

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]  # no worker in these tests
MakeCase = Callable[..., TestCase]
JSON = {"Accept": "application/json"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def text(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def verdict(execution: Execution, **changes: Any) -> dict[str, Any]:
    return {"attempt": execution.attempt, "step": execution.resume_at, "verdict": "passed", "note": ""} | changes


def test_the_runner_shows_the_step_with_its_place_in_the_case(client: Client, waiting: Execution) -> None:
    html = client.get(runner(waiting)).content

    assert "2 / 3 Look at the mail" in text(html)
    assert b"Look at <strong>thing 1</strong>" in html
    assert b"It is <em>there</em>" in html


def test_a_verdict_is_stored_and_the_execution_goes_on(client: Client, waiting: Execution, tester: User) -> None:
    answer = client.post(runner(waiting), verdict(waiting, note="Looks **right**."))

    assert answer["Location"] == runner(waiting)
    found = StepResult.objects.get(execution=waiting, position=1)
    assert (found.state, found.note, found.executed_by) == ("passed", "Looks **right**.", tester)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.resume_at) == ("queued", 2)
    assert "Automated steps are running" in text(client.get(runner(waiting)).content)


def test_the_next_manual_step_or_the_result_comes_after_it(client: Client, waiting: Execution) -> None:
    client.post(runner(waiting), verdict(waiting))
    [execution] = taken(waiting.run)
    runs.record([waiting_at(execution, 2)])
    assert "3 / 3 Look at the page" in text(client.get(runner(waiting)).content)

    waiting.refresh_from_db()
    client.post(runner(waiting), verdict(waiting))
    [execution] = taken(waiting.run)
    runs.record([ended(execution)])

    html = client.get(runner(waiting), headers={"HX-Target": "runner"}).content
    assert 'data-mode="done"' in html.decode()
    assert "Show the result" in text(html)


def test_a_verdict_sent_twice_is_stored_once(client: Client, waiting: Execution) -> None:
    data = verdict(waiting, note="once")

    first, second = client.post(runner(waiting), data, headers=JSON), client.post(runner(waiting), data, headers=JSON)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == {"step": 1, "verdict": "passed"}
    waiting.refresh_from_db()
    assert waiting.run.executions.filter(state="queued").count() == 1
    assert StepResult.objects.filter(execution=waiting, position=1).count() == 1


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"verdict": "failed", "note": "  "}, 422, "Say what you saw"),
        ({"verdict": "great"}, 422, "great"),
        ({"note": "x" * 20_001}, 422, "20000"),
        ({"attempt": 7}, 409, "earlier attempt"),
        ({"step": 0}, 409, "does not wait"),
        ({"step": ""}, 422, "required"),
    ],
)
def test_a_verdict_that_does_not_fit_is_refused_with_the_reason(
    client: Client, waiting: Execution, changes: Any, status: int, said: str
) -> None:
    answer = client.post(runner(waiting), verdict(waiting, **changes), headers=JSON)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_another_person_cannot_overrule_a_verdict(
    client: Client, sign_in: Callable[[User], Client], lead: User, waiting: Execution
) -> None:
    client.post(runner(waiting), verdict(waiting))

    answer = sign_in(lead).post(runner(waiting), verdict(waiting, verdict="failed", note="no"), headers=JSON)

    assert answer.status_code == 409
    assert StepResult.objects.get(execution=waiting, position=1).state == "passed"


def test_when_it_is_done_the_next_one_that_waits_is_offered_mine_first(
    client: Client, environment: Environment, make_case: MakeCase, tester: User
) -> None:
    run = planned_run(environment, [make_case(f"Case {n}") for n in range(4)])
    first, somebodys, free, mine = taken(run)
    runs.record([ended(first, step()), *(waiting_at(one, 1) for one in (somebodys, free, mine))])
    other = User.objects.create_user("else@example.test", name="Else")
    Execution.objects.filter(pk=somebodys.pk).update(assigned_to=other)
    assert f'href="{runner(free)}"' in client.get(runner(first)).content.decode()

    Execution.objects.filter(pk=mine.pk).update(assigned_to=tester)

    for path in (runner(first), runner(free)):  # also from a step that is not done
        assert f'href="{runner(mine)}"' in client.get(path).content.decode()


def test_what_is_mine_in_another_run_comes_before_what_nobody_has_here(
    client: Client, environment: Environment, make_case: MakeCase, tester: User, waiting: Execution
) -> None:
    run = planned_run(environment, [make_case("One"), make_case("Two")])
    runs.record([waiting_at(one, 1) for one in taken(run)])
    first, free = run.executions.order_by("position")
    assert f'href="{runner(free)}"' in client.get(runner(first)).content.decode()

    Execution.objects.filter(pk=waiting.pk).update(assigned_to=tester)

    assert f'href="{runner(waiting)}"' in client.get(runner(first)).content.decode()


def test_an_execution_is_assigned_to_testers_of_the_team_only(
    client: Client, waiting: Execution, lead: User, viewer: User, outsider: User
) -> None:
    path = f"/s/shop/executions/{waiting.pk}/assign/"

    assert client.post(path, {"user": lead.pk})["Location"] == runner(waiting)
    waiting.refresh_from_db()
    assert waiting.assigned_to == lead
    for nobody in (viewer, outsider):
        assert client.post(path, {"user": nobody.pk}).status_code == 422
    client.post(path, {"user": ""})
    waiting.refresh_from_db()
    assert waiting.assigned_to is None


@pytest.mark.parametrize("steps", [3, 30])
def test_the_runner_costs_the_same_for_a_long_case(
    client: Client, environment: Environment, make_case: MakeCase, steps: int
) -> None:
    manual = {"name": "Look", "kind": "manual", "with": {"instructions": "Look."}}
    execution = waiting_execution(environment, make_case)
    revision = execution.revision
    revision.definition = {"title": "Long", "steps": [manual] * steps}
    revision.save()
    client.get(runner(execution))

    with CaptureQueriesContext(connection) as captured:
        client.get(runner(execution))

    assert len(captured) <= 14


def attach(client: Client, execution: Execution, name: str, content: bytes, content_type: str = "text/html") -> Any:
    upload = SimpleUploadedFile(name, content, content_type)
    return client.post(f"{runner(execution)}files/", {"file": upload}, headers=JSON)


def test_a_screenshot_is_kept_with_the_step_before_the_verdict(client: Client, waiting: Execution) -> None:
    answer = attach(client, waiting, "shot.png", PNG)

    artifact = Artifact.objects.get()
    assert answer.status_code == 200
    assert f"/s/shop/artifacts/{artifact.pk}/".encode() in answer.content
    assert (artifact.step.position, artifact.content_type, artifact.size) == (1, "image/png", len(PNG))
    client.post(runner(waiting), verdict(waiting))
    assert artifact in StepResult.objects.get(execution=waiting, position=1).artifacts.all()


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("evil.svg", b"<svg onload=alert(1)>", 415),
        ("page.html", b"<script>", 415),
        ("program.exe", b"MZ", 415),
        ("no-extension", b"text", 415),
        ("not-a.png", b"<script>alert(1)</script>", 415),
        ("not-a.txt", b"\0\1\2", 415),
        ("large.txt", b"x" * (LARGEST + 1), 413),
    ],
)
def test_files_that_are_not_accepted_are_refused_with_the_reason(
    client: Client, waiting: Execution, name: str, content: bytes, status: int
) -> None:
    answer = attach(client, waiting, name, content, "image/png")

    assert answer.status_code == status
    assert name in answer.json()["detail"]
    assert not Artifact.objects.exists()


def test_a_step_takes_so_many_files(client: Client, waiting: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.execution.attachments.MOST", 2)

    assert [attach(client, waiting, f"{n}.txt", b"x").status_code for n in range(3)] == [200, 200, 409]


def test_a_file_whose_answer_was_lost_is_kept_once(client: Client, waiting: Execution) -> None:
    for content in (PNG, PNG, PNG[:-1] + b"1"):
        assert attach(client, waiting, "shot.png", content).status_code == 200

    assert Artifact.objects.count() == 2


def test_a_file_can_be_taken_away_until_the_verdict(
    client: Client, waiting: Execution, django_capture_on_commit_callbacks: Any
) -> None:
    attach(client, waiting, "shot.png", PNG)
    artifact = Artifact.objects.get()
    path = f"{runner(waiting)}files/{artifact.pk}/remove/"

    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(path).status_code == 200

    assert not Artifact.objects.exists()
    assert not artifact.file.storage.exists(artifact.file.name)
    client.post(runner(waiting), verdict(waiting))
    assert attach(client, waiting, "late.png", PNG).status_code == 409
    assert client.post(path, headers=JSON).status_code == 409


def test_a_request_without_a_file_says_so(client: Client, waiting: Execution) -> None:
    assert client.post(f"{runner(waiting)}files/", headers=JSON).json()["detail"] == "There is no file in this request."


def test_a_file_of_another_execution_cannot_be_taken_away(
    client: Client, environment: Environment, make_case: MakeCase, waiting: Execution
) -> None:
    attach(client, waiting, "shot.png", PNG)
    other = waiting_execution(environment, make_case)

    client.post(f"{runner(other)}files/{Artifact.objects.get().pk}/remove/")

    assert Artifact.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\shot.png", "shot.png"),
        ('a"b\r\nc.txt', "a_b__c.txt"),
        ("...", "attachment"),
        ("captura de página (1).png", "captura de página (1).png"),
    ],
)
def test_file_names_lose_what_is_dangerous(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_long_file_names_keep_their_extension() -> None:
    assert safe_name("x" * 500 + ".png").endswith("x.png")
    assert len(safe_name("x" * 500 + ".png")) == 120


def test_pictures_are_told_by_their_content() -> None:
    assert kind_of("a.JPG", b"\xff\xd8\xff\xe0" + b"\0" * 20) == "image/jpeg"
    assert kind_of("a.webp", b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert kind_of("a.json", b"{}") == "text/plain"
    assert kind_of("a.zip", b"PK\3\4") == "application/octet-stream"
