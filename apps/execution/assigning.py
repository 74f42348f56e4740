"""Who does the manual steps of an execution; public through ``apps.execution.services``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.access import testers_of
from apps.accounts.models import User
from apps.catalog.models import TestCase
from apps.core import live
from apps.core.errors import Conflict, DomainError
from apps.core.states import OPEN, State
from apps.execution import dispatch
from apps.runs import services as runs
from apps.runs.models import Execution, ExecutionEvent, TestRun
from apps.systems.models import System

logger = structlog.get_logger(__name__)

EVENLY, BY_SUITE = "evenly", "suite"


def chosen(run: TestRun, ids: Sequence[int]) -> list[Execution]:
    """The executions of *run* with these *ids*; DomainError when one of them is not of this run."""
    found = list(Execution.objects.filter(run=run, pk__in=ids).only("pk"))
    if missing := set(ids) - {one.pk for one in found}:
        named = ", ".join(map(str, sorted(missing)[:10]))
        raise DomainError("unknown-execution", _("Not an execution of this run: %(ids)s") % {"ids": named}, status=422)
    return found


@transaction.atomic
def assign(executions: Iterable[Execution], *, to: User | None, by: User | None) -> int:
    """Ask *to* to do *executions* of one run; None asks nobody. All or none; returns how many changed hands.

    Conflict when one of them has ended; DomainError when *to* is no tester of the team.
    """
    found = _read([one.pk for one in executions])
    if found and to is not None:
        _check_testers(found[0].run.system, [to])
    return _hand_over([(one, to) for one in found], by)


@transaction.atomic
def split(
    run: TestRun, people: Sequence[User], *, by: User | None, how: str = EVENLY, again: bool = False
) -> dict[int, int]:
    """Share the open manual work of *run* among *people*; returns how many executions each (by id) was given.

    *how* is ``evenly`` (numbers differ by one at most) or ``suite`` (a suite stays together, the largest go first to
    who has least). What somebody has been asked to do stays theirs, unless *again* shares out everything anew.
    """
    if how not in (EVENLY, BY_SUITE):
        raise DomainError("unknown-choice", _("Split “evenly” or by “suite”."), status=422)
    chosen = list(dict.fromkeys(people))
    if not chosen:
        raise DomainError("nobody-chosen", _("Choose at least one person."), status=422)
    _check_testers(run.system, chosen)
    wanted = Execution.objects.filter(run=run, state__in=OPEN, case__mode__in=TestCase.BY_PERSON)
    if not again:
        wanted = wanted.filter(assigned_to=None)
    work = _read(list(wanted.values_list("pk", flat=True)))
    if not work:
        raise Conflict("nothing-to-split", _("There is no manual work in this run that nobody has."))
    work.sort(key=lambda one: one.position)
    shared = (_by_suite if how == BY_SUITE else _evenly)(work, chosen)
    _hand_over(shared, by)
    return {person.pk: sum(to == person for _one, to in shared) for person in chosen}


def give_back_work_of(team_id: int, user_id: int) -> None:
    """What somebody who can execute for the team no more was asked to do is nobody's again."""
    theirs = Execution.objects.filter(assigned_to=user_id, state__in=OPEN, run__system__team=team_id)
    by_run: dict[int, list[Execution]] = {}
    for one in theirs.only("pk", "run_id"):
        by_run.setdefault(one.run_id, []).append(one)
    for some in by_run.values():
        try:
            assign(some, to=None, by=None)
        except Conflict as conflict:  # somebody else took it meanwhile, or it ended: who is left can still take over
            logger.warning("work.not-given-back", run_id=some[0].run_id, reason=conflict.detail)


def _read(ids: Sequence[int]) -> list[Execution]:
    """Not locked: a worker that claims passes over locked rows."""
    rows = Execution.objects.filter(pk__in=ids).order_by("pk")
    return list(
        rows.select_related("run__system", "run__environment", "case", "assigned_to").defer("row", "resume_captured")
    )


def _check_testers(system: System, people: Sequence[User]) -> None:
    able = testers_of(system.team_id).filter(pk__in=[person.pk for person in people]).order_by("pk")
    # Held until the commit: who takes one of them out of the team meanwhile waits, and then gives back this, too.
    if len(able.select_for_update(no_key=True)) < len(people):
        raise DomainError("unknown-user", _("Only testers of this team can be asked."), status=422)


def _evenly(work: Sequence[Execution], people: Sequence[User]) -> list[tuple[Execution, User | None]]:
    """Neighbours stay together: data rows of one case need the same preparation."""
    size, rest = divmod(len(work), len(people))
    shared: list[tuple[Execution, User | None]] = []
    for index, person in enumerate(people):
        start = index * size + min(index, rest)
        shared += [(one, person) for one in work[start : start + size + (index < rest)]]
    return shared


def _by_suite(work: Sequence[Execution], people: Sequence[User]) -> list[tuple[Execution, User | None]]:
    suites: dict[int, list[Execution]] = {}
    for one in work:
        suites.setdefault(one.case.suite_id, []).append(one)
    load = dict.fromkeys(people, 0)
    shared: list[tuple[Execution, User | None]] = []
    for some in sorted(suites.values(), key=len, reverse=True):
        least: Callable[[User], int] = load.__getitem__
        person = min(people, key=least)
        load[person] += len(some)
        shared += [(one, person) for one in some]
    return shared


def _hand_over(shared: Sequence[tuple[Execution, User | None]], by: User | None) -> int:
    if any(one.state not in OPEN for one, _to in shared):
        raise Conflict("execution-ended", _("This execution has ended already."))
    changed = [(one, to) for one, to in shared if one.assigned_to_id != (to.pk if to else None)]
    if not changed:
        return 0
    ExecutionEvent.objects.bulk_create(
        ExecutionEvent(execution=one, kind=ExecutionEvent.Kind.ASSIGNED, actor=by, assignee=to, before=one.assigned_to)
        for one, to in changed
    )
    moved: dict[tuple[int | None, User | None], list[int]] = {}
    for one, to in changed:
        moved.setdefault((one.assigned_to_id, to), []).append(one.pk)
    count = 0
    for (before, to), ids in moved.items():
        same = Execution.objects.filter(pk__in=ids, assigned_to=before, state__in=OPEN)
        count += same.update(assigned_to=to)
    if count < len(changed):
        raise Conflict("changed-meanwhile", _("Somebody changed or removed this at the same moment. Load it again."))
    run = changed[0][0].run
    transaction.on_commit(partial(_tell, run, {one.pk: one.state for one, _to in changed}))
    return len(changed)


def _tell(run: TestRun, changed: Mapping[int, str]) -> None:
    live.publish(run.topic, "executions", runs.of_changes(changed))
    runs.tell_progress(run)  # pages of the system show whose turn it is
    # A worker that claimed meanwhile passed over rows that were being changed, and their message is gone. Who has a
    # second one does nothing.
    queued = Execution.objects.filter(pk__in=list(changed), state=State.QUEUED, parked_at=None).order_by("position")
    if passed_over := list(queued.values_list("pk", flat=True)):
        dispatch.send(run, passed_over)
