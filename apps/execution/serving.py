"""Who takes what work: the workers of each queue, and what nobody takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.states import State
from apps.environments.models import Environment
from apps.execution.models import Worker
from apps.execution.queues import JOIN, base_of, joined, variant
from apps.runs.models import Execution, TestRun


@dataclass(frozen=True)
class Notice:
    """Work that waits: why, and the command line that starts a worker who would take it ("" where none is missing)."""

    queue: str
    text: str
    command: str = ""
    executions: int = 0


def command(queue: str, allowed: Iterable[str] = ()) -> str:
    """Command line that starts a worker for *queue*, where IntegHub is installed and configured."""
    program = "script/manage" if settings.EMBEDDED else "python manage.py"
    kinds = ",".join(sorted(allowed))
    return f"{program} worker --queues {queue}" + (f" --allow {kinds}" if kinds else "")


def served(environments: Iterable[Environment]) -> set[str]:
    """Queues of *environments*, of all variants, that a living worker takes from."""
    bases = {base_of(environment) for environment in environments}
    found = Worker.objects.alive().values_list("queues", flat=True)
    return {queue for queues in found for queue in queues if queue.split(JOIN)[0] in bases}


def notices(environment: Environment, needs: Mapping[str, int]) -> list[Notice]:
    """What of *needs* (joined kinds, "" for none → number of executions) nobody in *environment* would take."""
    listened, base = served([environment]), base_of(environment)
    return [
        _notice(base, kinds, count, listened)
        for kinds, count in sorted(needs.items())
        if count and variant(base, kinds) not in listened
    ]


def _notice(base: str, needs: str, count: int, listened: set[str]) -> Notice:
    if base not in listened:
        text = _("No worker listens to %(queue)s.") % {"queue": base}
        # One that would take the rest, too.
        return Notice(variant(base, needs), text, command(base, needs.split(JOIN) if needs else ()), count)
    text = ngettext(
        "No worker of %(queue)s may execute %(kinds)s steps, which %(count)s execution needs.",
        "No worker of %(queue)s may execute %(kinds)s steps, which %(count)s executions need.",
        count,
    )
    words = {"queue": base, "kinds": needs.replace(JOIN, " + "), "count": count}
    return Notice(variant(base, needs), text % words, command(base, needs.split(JOIN)), count)


def notices_of(run: TestRun) -> list[Notice]:
    """What of an open *run* waits: because nobody takes it, or because others have the room that it needs."""
    if not run.is_open or run.is_paused:
        return []
    listened, base = served([run.environment]), base_of(run.environment)
    queued = Execution.objects.filter(run=run, state=State.QUEUED)
    if base not in listened:
        needs = list(queued.exclude(needs="").order_by().values_list("needs", flat=True).distinct()[:20])
        kinds = joined(kind for one in needs for kind in one.split(JOIN))
        return [_notice(base, kinds, 0, listened)] if queued.exists() else []
    counts: dict[str, int] = {}
    for one in queued.exclude(needs="").values_list("needs", flat=True)[:1000]:
        counts[one] = counts.get(one, 0) + 1
    return [*notices(run.environment, counts), *_held_up(run, base)]


def _held_up(run: TestRun, base: str) -> list[Notice]:
    """Executions that a worker had and could not begin."""
    parked = Execution.objects.filter(run=run, state=State.QUEUED, parked_at__isnull=False).count()
    text = ngettext(
        "%(count)s execution waits for room: %(name)s executes %(most)s at the same time, "
        "or another has a resource that it needs for itself.",
        "%(count)s executions wait for room: %(name)s executes %(most)s at the same time, "
        "or others have resources that they need for themselves.",
        parked,
    )
    words = {"count": parked, "name": run.environment.name, "most": run.environment.max_parallel}
    return [Notice(base, text % words, executions=parked)] if parked else []
