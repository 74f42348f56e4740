"""Handing executions to workers: claim by lease, give back what expired, cancel what has not begun."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.core import live
from apps.core.commits import WITHOUT_DISK
from apps.core.states import State
from apps.runs import news, parking
from apps.runs.models import Attempt, Execution, TestRun, topic_of
from apps.runs.recording import end_cancelled, record
from apps.runs.results import Result
from apps.runs.rollups import PROGRESS_COLUMNS, tell_progress

MAX_ATTEMPTS = 3  # hand-outs lost with their workers before the execution is blocked
NAMES = 71_202  # advisory lock under which names are taken: two workers must not both find one free

# Right after a run began the statistics know nothing of it, and every claim would go through all that is queued, or
# through the whole run, instead of looking up its ids. COALESCE keeps the planner from the indexes over states, and
# from taking such rows for rare; “+ 0” from those over runs.
_CLAIM = """
    UPDATE runs_execution AS mine SET
        state = 'running', claim = claim + 1, worker = %s, lease_until = now() + %s, parked_at = NULL,
        attempt = CASE WHEN resume_at = 0 THEN attempt + 1 ELSE attempt END,
        started_at = CASE WHEN resume_at = 0 AND failures > 0 THEN now() ELSE COALESCE(started_at, now()) END
    FROM (SELECT e.id, r.phase FROM runs_execution e JOIN runs_testrun r ON r.id = e.run_id + 0
          WHERE e.id = ANY(%s::bigint[]) AND COALESCE(e.state = 'queued', false) AND (e.exclusive = '{}' OR %s)
            AND r.paused_at IS NULL AND r.cancel_requested_at IS NULL
          ORDER BY e.id FOR UPDATE OF e SKIP LOCKED) AS free
    WHERE mine.id = free.id
    RETURNING mine.id, run_id, revision_id, position, row, seed, attempt, claim, carried, message, resume_at,
              resume_captured, trace_id, phase
"""
_BEGIN = (
    "UPDATE runs_testrun SET phase = 'running', started_at = clock_timestamp() "  # noqa: S608 - our own names
    "WHERE id = ANY(%s) AND phase = 'queued' RETURNING " + PROGRESS_COLUMNS
)
_RENEW = """
    UPDATE runs_execution e SET lease_until = now() + %s
    FROM unnest(%s::bigint[], %s::int[]) AS v (id, claim)
    WHERE e.id = v.id AND e.claim = v.claim AND e.state = 'running'
"""


class Claimed(NamedTuple):
    """An execution as it was handed out; *row* is JSON, *resume_captured* encrypted, *phase* that of its run before."""

    id: int
    run_id: int
    revision_id: int
    position: int
    row: str
    seed: int
    attempt: int
    claim: int
    carried: str
    message: str
    resume_at: int
    resume_captured: memoryview | None
    trace_id: str
    phase: str


def claim(ids: Sequence[int], worker: str, lease: timedelta) -> list[Claimed]:
    """Take queued executions for *worker* until now + *lease*, by the database's clock; each is given to one only.

    Returns those that were taken, in the order of their runs. Nothing is handed out of a run that is paused or being
    cancelled, nor an execution of which somebody else has a resource that it needs for itself.
    """
    if not ids:
        return []
    taken = _take(worker, lease, list(ids))
    if len(taken) < len(ids):
        with transaction.atomic():
            if free := _with_free_names(set(ids) - {one.id for one in taken}):
                taken += _take(worker, lease, free, named=True)
    if new := {one.run_id for one in taken if one.phase == TestRun.Phase.QUEUED}:
        _begin(new)
    _tell(((one.run_id, one.id) for one in taken), State.RUNNING)
    return sorted(taken, key=attrgetter("run_id", "position"))


def _begin(runs: Iterable[int]) -> None:
    """Runs of which something was handed out are under way. Apart from the claim: who cancels locks the run first."""
    for run in TestRun.objects.raw(_BEGIN, [list(runs)]):
        transaction.on_commit(partial(tell_progress, run))


def _tell(executions: Iterable[tuple[int, int]], state: str) -> None:
    """Pages hear on commit that *executions* (run, id) are in *state* now."""
    by_run: dict[int, dict[int, str]] = defaultdict(dict)
    for run_id, pk in executions:
        by_run[run_id][pk] = state
    events = [(topic_of(run_id), "executions", news.of_changes(changed)) for run_id, changed in by_run.items()]
    transaction.on_commit(partial(live.publish_all, events))


def renew(claims: Mapping[int, int], lease: timedelta) -> None:
    """Keep what *claims* (execution id → claim) still name until now + *lease*."""
    values: list[Any] = [lease, list(claims), list(claims.values())]  # psycopg2 knows intervals, its types do not
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, values)


def _take(worker: str, lease: timedelta, ids: list[int], *, named: bool = False) -> list[Claimed]:
    values: list[Any] = [worker, lease, ids, named]
    with connection.cursor() as cursor:
        # Work is no promise, a name is: after a crash of PostgreSQL others would take it while it is in use.
        cursor.execute(_CLAIM if named else WITHOUT_DISK + _CLAIM, values)
        return [Claimed(*row) for row in cursor.fetchall()]


def _with_free_names(ids: Iterable[int]) -> list[int]:
    """Those of *ids* that want resources for themselves which nobody has; nobody else takes any until the commit."""
    wanting = Execution.objects.filter(pk__in=ids, state=State.QUEUED).exclude(exclusive=[])
    named = list(wanting.values_list("pk", flat=True))
    if not named:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [NAMES, 0])
        cursor.execute(parking.FREE, [named])
        return [row[0] for row in cursor.fetchall()]


def give_back_expired(limit: int = 500) -> list[int]:
    """Put executions whose worker was lost back into the queue; returns their ids, at most *limit* of each run.

    After ``MAX_ATTEMPTS`` lost workers, or in a run being cancelled, the execution ends instead.
    """
    runs = Execution.objects.filter(state=State.RUNNING, lease_until__lt=Now()).order_by("run_id")
    return [pk for run_id in runs.values_list("run_id", flat=True).distinct() for pk in _give_back(run_id, limit)]


@transaction.atomic
def _give_back(run_id: int, limit: int) -> list[int]:
    expired = list(
        Execution.objects.filter(run=run_id, state=State.RUNNING, lease_until__lt=Now())
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("run")
        .order_by("pk")[:limit]
    )
    _keep_lost_attempts(expired)
    over = {e.pk for e in expired if e.run.cancel_requested_at or e.attempt - e.failures >= MAX_ATTEMPTS}
    if over:
        now = _now()
        record([_lost_for_good(execution, now) for execution in expired if execution.pk in over])
    back = [e.pk for e in expired if e.pk not in over]
    Execution.objects.filter(pk__in=back).update(state=State.QUEUED, lease_until=None, worker="")
    _tell(((run_id, pk) for pk in back), State.QUEUED)
    # Only now, as who stores results: the run is locked last.
    if back and TestRun.objects.select_for_update().get(pk=run_id).cancel_requested_at is not None:
        end_cancelled(run_id, dict.fromkeys(back, State.QUEUED))
        return []
    return back


def _keep_lost_attempts(expired: Sequence[Execution]) -> None:
    Attempt.objects.bulk_create(
        [
            Attempt(
                execution=execution,
                number=execution.attempt,
                state=State.BLOCKED,
                worker=execution.worker,
                message=f"The worker {execution.worker} was lost before it could report.",
                started_at=execution.started_at,
                finished_at=Now(),
            )
            for execution in expired
        ],
        ignore_conflicts=True,
    )


def _now() -> datetime:
    """By the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        at: datetime = cursor.fetchone()[0]
        return at


def _lost_for_good(execution: Execution, at: datetime) -> Result:
    """How an execution ends that no worker could bring to an end. How long it takes is not known."""
    cancelled = execution.run.cancel_requested_at is not None
    return Result(
        execution_id=execution.pk,
        run_id=execution.run_id,
        claim=execution.claim,
        state=State.CANCELLED if cancelled else State.BLOCKED,
        steps=(),
        message="" if cancelled else f"Its worker was lost {execution.attempt - execution.failures} times.",
        started_at=execution.started_at or at,
        finished_at=at,
        duration_ms=None,
        trace_id=execution.trace_id,
    )


@transaction.atomic
def end_waiting(run_id: int) -> int:
    """End what is queued or waits in a run that is being cancelled; what runs is told by its worker. Returns how many.

    Call it outside of other transactions: it locks as who stores results, executions and then their run.
    """
    open_now = Execution.objects.filter(Q(state=State.QUEUED) | Q(state=State.WAITING), run=run_id)
    states = dict(open_now.select_for_update().order_by("pk").values_list("pk", "state"))
    end_cancelled(run_id, states)
    return len(states)
