from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.defects import services
from apps.defects.models import Defect, Mention
from apps.environments.models import Environment
from apps.runs.models import Execution, TestRun
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System
from tests.defects.play import MakeCase, finish, played

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
EDITED = ("title", "severity", "component", "point", "description", "seen")


def address(name: str, *args: int, **query: str) -> str:
    return reverse(f"defects:{name}", args=["shop", *args], query=query or None)


def text(client: Client, url: str, **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_of_a_defect_asks_the_same_number_of_queries_however_long_its_story(
    defect: Defect, environment: Environment, make_case: MakeCase, tester: User, sign_in: SignIn
) -> None:
    client = sign_in(tester)
    services.comment(defect, by=tester, text="@lena, look")
    services.mark_fixed(defect, by=tester)
    finish(services.retest(defect, by=tester).run, "failed")
    client.get(address("defect", 1))
    few = queries(client, address("defect", 1))
    for number in range(12):
        played(environment, [make_case(title=f"Another {number}")], "failed")
        services.comment(defect, by=tester, text=f"Seen again, {number} times, @tom")
    for _again in range(3):
        finish(services.retest(defect, by=tester).run, "failed")
    for number in range(8):
        services.open_defect(None, system=defect.system, by=tester, title=f"{defect.title} {number}")
    assert queries(client, address("defect", 1)) == few


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


def test_a_defect_is_opened_from_a_failed_execution(
    failure: Execution, tester: User, point: IntegrationPoint, sign_in: SignIn
) -> None:
    client, url = sign_in(tester), f"{address('new')}?execution={failure.pk}"
    form = client.get(url).context["form"]
    values = {name: form[name].value() for name in form.fields}
    assert values["title"] == "Place the order: expected status equals 201, got 500"

    response = client.post(url, {name: getattr(value, "pk", value) or "" for name, value in values.items()})

    opened = Defect.objects.get()
    assert response.headers["Location"] == address("defect", opened.number)
    assert (opened.point, opened.reported_by) == (point, tester)
    assert opened.evidence.get().execution == failure


def test_the_form_keeps_what_was_typed_when_the_title_is_missing(system: System, tester: User, sign_in: SignIn) -> None:
    response = sign_in(tester).post(address("new"), {"title": "", "severity": "3", "description": "Half a page"})

    assert response.status_code == 422
    assert "Half a page" in response.content.decode()
    assert not Defect.objects.exists()


def test_two_who_edit_at_once_lose_nothing(defect: Defect, tester: User, lead: User, sign_in: SignIn) -> None:
    mine, theirs = sign_in(tester), sign_in(lead)
    url = address("edit", defect.number)
    opened = {name: str(mine.get(url).context["form"][name].value() or "") for name in EDITED}
    theirs.post(url, opened | {"title": "Theirs", "severity": "4"})

    assert mine.post(url, opened | {"description": "Mine"}).status_code == 302
    defect.refresh_from_db()
    assert (defect.title, defect.severity, defect.description) == ("Theirs", 4, "Mine")

    refused = mine.post(url, opened | {"title": "Mine"})
    assert refused.status_code == 422
    assert "while you wrote: “Theirs”" in refused.content.decode()
    again = {name: str(refused.context["form"][name].value() or "") for name in EDITED}
    assert again["title"] == "Mine"
    assert mine.post(url, again).status_code == 302
    defect.refresh_from_db()
    assert (defect.title, defect.description) == ("Mine", "Mine")


def test_an_open_defect_with_the_same_failure_is_offered_instead_of_a_new_one(
    defect: Defect, environment: Environment, make_case: MakeCase, tester: User, sign_in: SignIn
) -> None:
    again = played(environment, [make_case(title="Another")], "failed").executions.get()
    client = sign_in(tester)
    assert "It is this one" in text(client, f"{address('new')}?execution={again.pk}")

    client.post(address("evidence", 1), {"execution": again.pk})

    assert defect.evidence.filter(execution=again).exists()


def test_the_evidence_tells_the_whole_story(
    defect: Defect, failure: Execution, tester: User, point: IntegrationPoint, sign_in: SignIn
) -> None:
    version = ComponentVersion.objects.create(component=Component.objects.get(slug="orders"), name="1.2")
    services.mark_fixed(defect, by=tester, version=version)
    finish(services.retest(defect, by=tester).run, "failed")
    services.mark_fixed(defect, by=tester, version=version)
    finish(services.retest(defect, by=tester).run, "passed")

    response = sign_in(tester).get(address("defect", 1))

    proof = response.context["proof"]
    told = [
        entry.retest.state if getattr(entry, "retest", None) else getattr(entry, "to", "seen")
        for entry in proof.entries
    ]
    assert told == ["seen", "fixed", "failed", "reopened", "fixed", "passed", "verified"]
    assert proof.failures == 2
    assert proof.retest.retest.state == "passed"
    page = response.content.decode()
    assert "Retest passed" in page
    assert "Orders 1.2" in page


def test_the_evidence_names_the_version_of_the_component_that_caused_it(
    defect: Defect, failure: Execution, tester: User, sign_in: SignIn
) -> None:
    TestRun.objects.filter(pk=failure.run_id).update(versions={"orders": "1.0", "payments": "2.0"})
    culprit = Component.objects.create(system=defect.system, slug="payments", name="Payments")
    client = sign_in(tester)
    assert [one.version for one in client.get(address("defect", 1)).context["proof"].entries] == ["Orders 1.0"]

    services.set_root_cause(defect, category="contract", explanation="A field", component=culprit, by=tester)
    assert [one.version for one in client.get(address("defect", 1)).context["proof"].entries] == ["Payments 2.0"]


def test_a_retest_that_passed_is_no_proof_any_more_when_the_failure_came_back(
    defect: Defect, failure: Execution, tester: User, environment: Environment, sign_in: SignIn
) -> None:
    finish(services.retest(defect, by=tester).run, "passed")
    client = sign_in(tester)
    assert not client.get(address("defect", 1)).context["proof"].failed_since

    again = played(environment, [failure.case], "failed")

    page = client.get(address("defect", 1))
    assert page.context["defect"].state == "reopened"
    assert page.context["proof"].last_failure.run == again
    assert "Failed again" in page.content.decode()


def test_the_page_listens_to_the_system_and_to_the_run_of_a_retest_while_it_runs(
    defect: Defect, tester: User, sign_in: SignIn
) -> None:
    client = sign_in(tester)
    page = text(client, address("defect", 1))
    assert page.count("data-live=") == 1
    assert 'data-live="/live/s/shop/?after=' in page

    retest = services.retest(defect, by=tester)
    page = text(client, address("defect", 1))
    assert f'data-live="/live/s/shop/runs/{retest.run.number}/"' in page
    assert 'hx-trigger="live:progress from:body' in page
    part = text(client, address("defect", 1), **{"HX-Target": "defect-live"})
    assert f'data-live="/live/s/shop/runs/{retest.run.number}/"' in part

    finish(retest.run, "passed")
    part = text(client, address("defect", 1), **{"HX-Target": "defect-live"})
    assert '<div id="retest-stream" hidden hx-swap-oob="true"></div>' in part
    assert 'id="evidence"' in part
    assert 'hx-swap-oob="true"' in part


@pytest.mark.parametrize(
    "query", [{"q": "\x00"}, {"q": "'; --"}, {"q": "& | !"}, {"page": "x"}, {"state": "?"}, {"sort": "?"}]
)
def test_odd_addresses_do_no_harm(defect: Defect, tester: User, sign_in: SignIn, query: dict[str, str]) -> None:
    assert sign_in(tester).get(address("defects"), query).status_code == 200


def test_a_comment_with_what_cannot_be_stored_is_stored_without_it(
    defect: Defect, tester: User, sign_in: SignIn
) -> None:
    sign_in(tester).post(address("comment", 1), {"text": "nothing\x00 here"})

    assert defect.events.get(kind="comment").text == "nothing here"


def test_the_run_of_a_retest_leads_back_to_its_defect(defect: Defect, tester: User, sign_in: SignIn) -> None:
    run = services.retest(defect, by=tester).run

    page = text(sign_in(tester), run.get_absolute_url())

    assert "retest of D1" in page
    assert address("defect", 1) in page


def test_reading_the_page_answers_the_mention(defect: Defect, tester: User, lead: User, sign_in: SignIn) -> None:
    services.comment(defect, by=tester, text="@lena")

    sign_in(tester).get(address("defect", 1))
    assert Mention.objects.get().seen_at is None

    sign_in(lead).get(address("defect", 1))
    assert Mention.objects.get().seen_at is not None


def test_similar_defects_say_why(defect: Defect, system: System, tester: User, sign_in: SignIn) -> None:
    group = services.open_defect(
        None, system=system, by=tester, title="The very same", failure_group=defect.failure_group
    )
    point = services.open_defect(None, system=system, by=tester, title="Same seam", point=defect.point)
    services.open_defect(None, system=system, by=tester, title="Nothing in common at all")
    words = services.open_defect(None, system=system, by=tester, title="Place an order twice: got 500 again")

    similar = sign_in(tester).get(address("defect", 1)).context["similar"]

    assert [(one.defect, one.why) for one in similar] == [
        (group, "same failure"),
        (point, "same integration point"),
        (words, "similar words"),
    ]


VERBS = {
    "comment": {"text": "Seen"},
    "assign": {"owner": ""},
    "severity": {"severity": "4"},
    "start": {},
    "fix": {"version": ""},
    "reject": {"reason": "As designed"},
    "evidence": {},
    "retest": {},
    "edit": {"title": "Another title", "severity": "4"},
    "root-cause": {"category": "code", "explanation": "A race"},
}


@pytest.mark.parametrize("verb", VERBS)
def test_each_button_changes_the_defect_and_leads_back(
    defect: Defect, failure: Execution, tester: User, sign_in: SignIn, verb: str
) -> None:
    services.assign(defect, tester, by=tester)
    services.change(defect, by=tester, severity=1)
    if verb == "evidence":
        defect.evidence.all().delete()
    before = defect.events.count()

    response = sign_in(tester).post(address(verb, 1), VERBS[verb] | {"execution": failure.pk})

    assert response.status_code == 302
    assert response.headers["Location"].startswith(address("defect", 1))
    assert defect.events.count() > before


@pytest.mark.parametrize("verb", VERBS)
def test_a_viewer_sees_but_does_not_change(defect: Defect, viewer: User, sign_in: SignIn, verb: str) -> None:
    client, before = sign_in(viewer), defect.events.count()

    assert client.post(address(verb, 1), VERBS[verb]).status_code == 403

    assert defect.events.count() == before
    page = text(client, address("defect", 1))
    assert 'method="post" action="/s/shop/' not in page


def test_a_refusal_is_told_on_the_page(defect: Defect, tester: User, sign_in: SignIn) -> None:
    client = sign_in(tester)
    services.retest(defect, by=tester)

    page = client.post(address("retest", 1), follow=True).content.decode()

    assert "running already" in page


def test_choices_that_are_not_offered_are_refused(
    defect: Defect, tester: User, outsider: User, sign_in: SignIn
) -> None:
    other = System.objects.get(slug="other")
    foreign = ComponentVersion.objects.create(
        component=Component.objects.create(system=other, name="X", slug="x"), name="1"
    )
    client = sign_in(tester)

    assert client.post(address("assign", 1), {"owner": outsider.pk}).status_code == 422
    assert client.post(address("fix", 1), {"version": foreign.pk}).status_code == 422
    assert client.post(address("severity", 1), {"severity": "9"}).status_code == 422
    assert client.post(address("evidence", 1), {"execution": "x" * 30}).status_code == 404


def test_an_outsider_finds_nothing(defect: Defect, outsider: User, sign_in: SignIn) -> None:
    client = sign_in(outsider)
    for url in (address("defects"), address("defect", 1), address("new"), address("edit", 1)):
        assert client.get(url).status_code == 404


def test_long_stories_are_shown_from_their_end(defect: Defect, tester: User, sign_in: SignIn) -> None:
    moment = timezone.now() - timedelta(hours=1)
    kind = defect.events.model
    kind.objects.bulk_create(
        kind(defect=defect, kind="comment", actor=tester, at=moment, text=f"Number {n}.") for n in range(120)
    )
    client = sign_in(tester)

    page = text(client, address("defect", 1))
    assert "Number 119." in page
    assert "Number 3." not in page
    assert "Show 21 earlier entries" in page
    assert "Number 3." in text(client, f"{address('defect', 1)}?all")


def test_markup_in_a_comment_is_shown_not_run(defect: Defect, tester: User, sign_in: SignIn) -> None:
    services.comment(defect, by=tester, text="<script>alert(1)</script> [x](javascript:alert(1)) **bold**")

    page = text(sign_in(tester), address("defect", 1))

    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "<strong>bold</strong>" in page
