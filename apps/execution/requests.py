"""What the engine needs for each execution, read in a few queries for a whole chunk."""

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.catalog.definition import Case, Shared
from apps.catalog.models import CaseRevision
from apps.catalog.services import shared_definitions
from apps.core.mailboxes import box_of_environment
from apps.environments.services import decrypt, values_for
from apps.execution.engine.model import CaseRequest, SharedVersion
from apps.execution.worker import allowed_kinds
from apps.runs.models import TestRun
from apps.runs.services import Claimed

TEARDOWN = 30.0  # seconds that teardown may take beyond the case's limit
CONTEXT_KEPT = 10.0  # seconds that the values of a run's environment are used without a look


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all executions of one run share."""

    run_id: int
    environment: str
    environment_id: int
    variables: Mapping[str, Any]
    secrets: Mapping[str, str]
    shared: Mapping[str, SharedVersion]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the result must name to be stored, and what a person decided before."""

    execution_id: int
    number: int
    carried: str
    message: str


class _Kept:
    """Revisions, which never change, and contexts of runs of a moment ago; used from the database thread only."""

    def __init__(self, revisions: int = 4_000, contexts: int = 50) -> None:
        self._revisions: OrderedDict[int, tuple[Mapping[str, Any], Case]] = OrderedDict()
        self._contexts: OrderedDict[int, tuple[float, RunContext]] = OrderedDict()
        self._most_revisions, self._most_contexts = revisions, contexts

    def cases(self, ids: Iterable[int]) -> dict[int, tuple[Mapping[str, Any], Case]]:
        """Definition and case of each revision."""
        wanted = set(ids)
        missing = {pk for pk in wanted if pk not in self._revisions}  # a difference would go through all that is kept
        if missing:
            for pk, definition in CaseRevision.objects.filter(pk__in=missing).values_list("pk", "definition"):
                self._revisions[pk] = (definition, Case.of(definition))
        found = {pk: self._revisions[pk] for pk in wanted}
        for pk in wanted - missing:
            self._revisions.move_to_end(pk)
        while len(self._revisions) > self._most_revisions:
            self._revisions.popitem(last=False)
        return found

    def context(self, run_id: int) -> RunContext:
        """Environment and its values of a run."""
        since, context = self._contexts.get(run_id, (0.0, None))
        if context is None or time.monotonic() - since > CONTEXT_KEPT:
            context = _context(run_id)
            self._contexts[run_id] = (time.monotonic(), context)
            self._contexts.move_to_end(run_id)
            while len(self._contexts) > self._most_contexts:
                self._contexts.popitem(last=False)
        return context


_kept = _Kept()


def context_of(run_id: int) -> RunContext:
    """Environment and its values of a run, at most ``CONTEXT_KEPT`` seconds old."""
    return _kept.context(run_id)


def _context(run_id: int) -> RunContext:
    run = TestRun.objects.select_related("environment").get(pk=run_id)
    variables, secrets = values_for(run.environment)
    shared = shared_versions(run.system_id, run.shared)
    return RunContext(run_id, run.environment.slug, run.environment_id, variables, secrets, shared)


def shared_versions(system_id: int, revisions: Mapping[str, int]) -> dict[str, SharedVersion]:
    """Shared steps at *revisions* (short name → number), as the engine calls them."""
    found = shared_definitions(system_id, revisions).items()
    return {slug: SharedVersion(revisions[slug], Shared.of(definition)) for slug, definition in found}


def build(context: RunContext, claimed: Sequence[Claimed]) -> list[tuple[Claim, CaseRequest]]:
    """Requests of executions that were just claimed, in their order."""
    cases = _kept.cases(one.revision_id for one in claimed)
    same = {
        "run_id": str(context.run_id),
        "environment": context.environment,
        "variables": context.variables,
        "secrets": context.secrets,
        "allowed": allowed_kinds(),
        "shared": context.shared,
        "mailbox": box_of_environment(context.environment_id),
    }
    return [_request(same, one, *cases[one.revision_id]) for one in claimed]


def _request(
    same: Mapping[str, Any], one: Claimed, definition: Mapping[str, Any], case: Case
) -> tuple[Claim, CaseRequest]:
    captured = json.loads(decrypt(bytes(one.resume_captured))) if one.resume_captured else {}
    request = CaseRequest(
        definition=definition,
        case=case,
        execution_id=str(one.id),
        attempt=one.attempt,
        row=json.loads(one.row),
        seed=one.seed,
        deadline=time.monotonic() + case.timeout + TEARDOWN,
        start_at=one.resume_at,
        captured=captured,
        trace_id=one.trace_id if one.resume_at else "",
        **same,
    )
    return Claim(one.id, one.claim, one.carried, one.message), request
