import itertools
from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, DomainError
from apps.defects import services
from apps.defects.models import Defect
from apps.defects.transitions import BY_PERSON, TRANSITIONS, Move
from apps.systems.models import Component, ComponentVersion, System

pytestmark = pytest.mark.django_db

Verb = Callable[[Defect, User], object]
VERBS: dict[Move, Verb] = {
    Move.START: lambda defect, by: services.start_work(defect, by=by),
    Move.FIX: lambda defect, by: services.mark_fixed(defect, by=by),
    Move.REJECT: lambda defect, by: services.reject(defect, by=by, reason="As designed"),
    Move.REOPEN: lambda defect, by: services.reopen(defect, by=by, reason="Not at all"),
}
# The whole table, written out once more on purpose: a change of the rules must be made in two places.
LEADS_TO = {
    ("open", "start"): "in_progress",
    ("open", "fix"): "fixed",
    ("open", "reject"): "rejected",
    ("in_progress", "fix"): "fixed",
    ("in_progress", "reject"): "rejected",
    ("fixed", "reject"): "rejected",
    ("fixed", "reopen"): "reopened",
    ("verified", "reopen"): "reopened",
    ("reopened", "start"): "in_progress",
    ("reopened", "fix"): "fixed",
    ("reopened", "reject"): "rejected",
    ("rejected", "reopen"): "reopened",
}


@pytest.fixture
def blank(system: System, tester: User) -> Defect:
    return services.open_defect(None, system=system, by=tester, title="Something breaks")


@pytest.mark.parametrize(("state", "verb"), list(itertools.product(Defect.State.values, VERBS)))
def test_each_verb_moves_from_its_states_and_is_refused_from_the_others(
    blank: Defect, tester: User, state: str, verb: Move
) -> None:
    Defect.objects.update(state=state)
    before = blank.events.count()
    expected = LEADS_TO.get((state, str(verb)))

    if expected is None:
        with pytest.raises(Conflict):
            VERBS[verb](blank, tester)
        assert blank.events.count() == before
    else:
        VERBS[verb](blank, tester)
        event = blank.events.filter(kind="state").get()
        assert (event.data["from"], event.data["to"], event.actor) == (state, expected, tester)

    blank.refresh_from_db()
    assert blank.state == (expected or state)
    assert (blank.closed_at is not None) == (expected == "rejected")


def test_no_person_can_verify() -> None:
    assert {TRANSITIONS[move][1] for move in BY_PERSON}.isdisjoint({Defect.State.VERIFIED})


def test_whoever_starts_owns_what_nobody_owned(blank: Defect, tester: User, lead: User) -> None:
    services.start_work(blank, by=tester)
    blank.refresh_from_db()
    assert blank.owner == tester

    services.mark_fixed(blank, by=tester)
    services.reopen(blank, by=lead, reason="No")
    services.start_work(blank, by=lead)
    blank.refresh_from_db()
    assert blank.owner == tester


def test_a_fix_names_its_version(blank: Defect, tester: User, system: System) -> None:
    orders = Component.objects.create(system=system, name="Orders", slug="orders")
    version = ComponentVersion.objects.create(component=orders, name="1.2")

    services.mark_fixed(blank, by=tester, version=version)

    blank.refresh_from_db()
    assert blank.fix_version == version
    assert blank.events.get(kind="state").data["version"] == "Orders 1.2"


@pytest.mark.parametrize("verb", [services.reject, services.reopen])
def test_rejecting_and_reopening_need_a_reason(blank: Defect, tester: User, verb: Callable[..., Defect]) -> None:
    with pytest.raises(DomainError) as refused:
        verb(blank, by=tester, reason=" ")
    assert refused.value.errors[0]["field"] == "reason"
    blank.refresh_from_db()
    assert blank.state == "open"


def test_each_changed_field_leaves_one_event_and_an_unchanged_one_none(blank: Defect, tester: User) -> None:
    services.change(blank, by=tester, title="Something breaks", severity=4, description="Every day")

    changes = {event.data["field"]: event.data for event in blank.events.filter(kind="changed")}
    assert set(changes) == {"severity", "description"}
    assert (changes["severity"]["from"], changes["severity"]["to"]) == (2, 4)


def test_only_a_member_can_own_it(blank: Defect, tester: User, outsider: User) -> None:
    with pytest.raises(DomainError, match="not a member"):
        services.assign(blank, outsider, by=tester)

    services.assign(blank, tester, by=tester)
    services.assign(blank, tester, by=tester)
    assert [event.data for event in blank.events.filter(kind="changed")] == [
        {"field": "owner", "from": None, "to": "Tom"}
    ]


def test_a_root_cause_said_again_keeps_the_earlier_one_on_the_timeline(blank: Defect, tester: User) -> None:
    services.set_root_cause(blank, category="code", explanation="A race", by=tester)
    services.set_root_cause(blank, category="code", explanation="A race", by=tester)
    services.set_root_cause(blank, category="contract", explanation="A renamed field", by=tester)

    blank.refresh_from_db()
    assert (blank.root_cause.category, blank.root_cause.explanation) == ("contract", "A renamed field")
    assert [event.text for event in blank.events.filter(kind="root_cause")] == ["A race", "A renamed field"]
