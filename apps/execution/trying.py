"""Trying one step from the editor: a worker of the environment runs it, the answer waits in Redis for the page.

Nothing of it becomes part of the record. A ticket names one try; it is taken once, whatever is delivered twice.
What tried steps captured is kept for the next ones of the same editing session, encrypted, for an hour.
"""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.core.cache import cache
from django.utils.translation import gettext as _

from apps.catalog.definition import Step, find_kind, normalise, restricted_kinds
from apps.catalog.services import check_step, current_revisions
from apps.core.errors import DomainError
from apps.core.mailboxes import box_of_environment
from apps.environments.models import Environment
from apps.environments.services import decrypt, encrypt, values_for
from apps.execution.engine.callbacks import MARK
from apps.execution.engine.masking import texts_in
from apps.execution.engine.model import CaseRequest, State
from apps.execution.engine.runner import CARRIED, run_case
from apps.execution.queues import base_of, joined, variant
from apps.execution.requests import shared_versions
from apps.execution.worker import allowed_kinds, engine_executors, run_async

TASK = "execution.try-step"
LIMIT = 60  # seconds that a tried step may take
WAITS = 30  # seconds until a try that no worker has taken is given up
KEPT = 600  # seconds that an answer waits for the page
SESSION = 3_600  # seconds that captured values are kept
MOST = 60  # tries of one person in a minute: more would keep runs from the workers
PICTURE = "image/png"
_PAUSE = {"name": "-", "kind": "manual", "with": {"instructions": "-"}}


@dataclass(frozen=True, slots=True)
class Answer:
    """How a try stands: ``state`` is queued, running, lost (no worker took it, or it died) or done."""

    state: str
    outcome: dict[str, Any] | None
    environment: str
    queue: str
    waited: float  # seconds


def ask(environment: Environment, step: Any, *, row: Mapping[str, Any], session: str, user_id: int) -> str:
    """Send *step* to a worker of *environment*; returns the ticket. DomainError (422) names what is wrong in it."""
    problems = check_step(step)
    if problems:
        errors = [{"field": p.path, "detail": _(p.text).format(**p.params)} for p in problems]
        detail = f"{errors[0]['field']}: {errors[0]['detail']}" if errors[0]["field"] else errors[0]["detail"]
        raise DomainError("invalid-step", detail, status=422, errors=errors)
    kind = find_kind(step["kind"])
    if kind is None or kind.by_person:
        raise DomainError("by-person", _("A step that a person carries out cannot be tried."), status=422)
    _count_try(user_id)
    ticket = secrets.token_urlsafe(18)
    queue = variant(base_of(environment), joined(restricted_kinds({"steps": [step]})))
    job = {
        "environment": environment.pk,
        "name": environment.name,
        "queue": queue,
        "step": step,
        "row": dict(row),
        "session": f"try:session:{user_id}:{environment.pk}:{session[:64]}",
        "user": user_id,
        "at": time.time(),
    }
    cache.set(_key(ticket), job, KEPT)
    current_app.send_task(TASK, (ticket,), queue=variant(queue, urgent=True), expires=WAITS)
    return ticket


def _count_try(user_id: int) -> None:
    key = f"try:count:{user_id}:{int(time.time() // 60)}"
    cache.add(key, 0, 120)
    if cache.incr(key) > MOST:
        raise DomainError("too-many-tries", _("You tried many steps just now. Wait a minute."), status=429)


def look(ticket: str, *, user_id: int, environments: Any) -> Answer | None:
    """How the try stands; None when there is no such ticket of this user in one of *environments* (ids)."""
    job = _job(ticket, user_id, environments)
    if job is None:
        return None
    waited = time.time() - job["at"]
    outcome = cache.get(_key(ticket, "outcome"))
    if outcome is not None:
        state = "done"
    elif cache.get(_key(ticket, "taken")):
        state = "running" if waited < WAITS + LIMIT + 15 else "lost"
    else:
        state = "queued" if waited < WAITS else "lost"
    return Answer(state, outcome, job["name"], job["queue"], waited)


def picture(ticket: str, *, user_id: int, environments: Any) -> bytes | None:
    """The picture (PNG) that the try took; None when there is none, or no such ticket of this user."""
    found: bytes | None = cache.get(_key(ticket, "picture")) if _job(ticket, user_id, environments) else None
    return found


def _job(ticket: str, user_id: int, environments: Any) -> dict[str, Any] | None:
    """What was asked under *ticket* by this user in one of *environments*."""
    job: dict[str, Any] | None = cache.get(_key(ticket))
    return job if job is not None and job["user"] == user_id and job["environment"] in environments else None


def _key(ticket: str, part: str = "job") -> str:
    return f"try:{part}:{ticket}"


def answer(ticket: str) -> None:
    """Run the step of *ticket* on this worker and leave its outcome for the page."""
    job = cache.get(_key(ticket))
    if job is None or not cache.add(_key(ticket, "taken"), "yes", KEPT):
        return
    environment = Environment.objects.get(pk=job["environment"])
    variables, secret_values = values_for(environment)
    kept, hidden = _session(job["session"])
    carried = kept.pop(CARRIED, {})
    request = CaseRequest(
        # After the step, a person's step: the engine pauses there and gives what was captured without masking it.
        definition=normalise({"title": "-", "timeout": LIMIT, "steps": [job["step"], _PAUSE]}),
        execution_id=f"try-{ticket}",
        run_id="try",
        environment=environment.slug,
        variables=variables,
        secrets={**secret_values, **hidden},
        row={**job["row"], **kept},
        captured={CARRIED: carried} if carried else {},
        seed=secrets.randbits(32),
        allowed=allowed_kinds(),
        shared=shared_versions(environment.system_id, current_revisions(environment.system_id)),
        mailbox=box_of_environment(environment.pk),
    )
    outcome = run_async(run_case(request, engine_executors()))
    tried = outcome.steps[0]
    if tried.state is State.PASSED and outcome.resume:
        _keep(job, outcome.resume, kept, hidden)
    elif MARK in carried and "webhook" in json.dumps(job["step"]):
        # The addresses that it used ended with it: the next try makes others.
        del carried[MARK]
        _keep(job, {CARRIED: carried}, kept, hidden)
    picture = next((one.content for one in tried.artifacts if one.media_type == PICTURE), None)
    if picture is not None:
        cache.set(_key(ticket, "picture"), picture, KEPT)
    cache.set(_key(ticket, "outcome"), {**tried.as_dict(), "has_picture": picture is not None}, KEPT)


def _session(key: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What earlier tries captured: values to see, and values to mask."""
    token = cache.get(key)
    if token is None:
        return {}, {}
    held = json.loads(decrypt(token))
    return held["kept"], held["hidden"]


def _keep(job: Mapping[str, Any], captured: Mapping[str, Any], kept: dict[str, Any], hidden: dict[str, str]) -> None:
    sources = Step.of(normalise({"title": "-", "steps": [job["step"]]})["steps"][0]).capture
    for name, source in sources.items():
        if name not in captured:
            continue
        if source.get("secret"):
            texts = dict(enumerate(texts_in(captured[name])))
            hidden |= {name: str(captured[name])} | {f"{name}[{place}]": text for place, text in texts.items()}
        else:
            kept[name] = captured[name]
    if CARRIED in captured:
        kept[CARRIED] = captured[CARRIED]
    cache.set(job["session"], encrypt(json.dumps({"kept": kept, "hidden": hidden}).encode()), SESSION)
