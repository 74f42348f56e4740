"""Runs a case: its steps in order, then its teardown, within its limits, whatever happens."""

import asyncio
import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from apps.catalog.definition import Case, Step, normalise
from apps.execution.engine import tracing
from apps.execution.engine.beginning import begin
from apps.execution.engine.callbacks import BASE_VARIABLE, use_callbacks
from apps.execution.engine.clock import time_of_day
from apps.execution.engine.flow import Groups, Place
from apps.execution.engine.mail_addresses import use_mailbox
from apps.execution.engine.masking import Masker, texts_in
from apps.execution.engine.model import CaseOutcome, CaseRequest, Events, Phase, State, StepOutcome
from apps.execution.engine.sealing import seal
from apps.execution.engine.steps import Scope, perform
from apps.execution.engine.templating import Templates
from apps.execution.executors.registry import Executors
from apps.execution.executors.sessions import CaseSession

log = logging.getLogger(__name__)
_BROKEN = (State.FAILED, State.BLOCKED, State.CANCELLED)
CARRIED = "(session)"  # beside captured values in ``resume``; no variable can be called so
_CLOSING = 10.0  # seconds for closing what the steps had opened


async def run_case(request: CaseRequest, executors: Executors, events: Events | None = None) -> CaseOutcome:
    """Run one execution. Never raises; a cancelled task still returns its outcome, state ``cancelled``."""
    return await _CaseRun(request, executors, events).run()


async def try_step(step: Mapping[str, Any], request: CaseRequest, executors: Executors) -> StepOutcome:
    """Run the single *step* with the variables of *request*, as the editor does; no teardown."""
    definition = normalise({"title": "", "steps": [step]})
    run = _CaseRun(request, executors, None)
    parsed = Step.of(definition["steps"][0])
    try:
        async with asyncio.timeout(_seconds_left(request, Case.of(definition).timeout)):
            return await run.step("steps", 0, parsed)
    except TimeoutError:
        outcome = run.outcomes[-1]
        outcome.state, outcome.message = State.FAILED, "the step did not end in time"
        return outcome


def _seconds_left(request: CaseRequest, limit: float) -> float:
    """How long the case may run: its own limit, or less when its lease ends before."""
    return limit if request.deadline is None else max(0.0, min(limit, request.deadline - time.monotonic()))


class _CaseRun:
    """One run of one case."""

    def __init__(self, request: CaseRequest, executors: Executors, events: Events | None) -> None:
        self._request = request
        self._executors = executors
        self._events = events
        self.outcomes: list[StepOutcome] = []
        self._state = State.PASSED
        self._message = ""
        self._waiting_at: int | None = None
        self._ends_at = math.inf
        self._started_at = time_of_day()
        self._clock = time.perf_counter()
        trace_id = request.trace_id or tracing.new_trace_id()
        captured = dict(request.captured)
        session = CaseSession(captured.pop(CARRIED, None), mailbox=request.mailbox)
        use_mailbox(executors.settings.mailbox, request)
        use_callbacks(executors.settings.callbacks, session, str(request.variables.get(BASE_VARIABLE) or ""))
        self._scope = Scope(
            # Another attempt, or going on after a person, must not make the same “unique” values again.
            templates=Templates(_variables(request), f"{request.seed}:{request.attempt}:{request.start_at}"),
            masker=Masker(str(value) for value in request.secrets.values()),
            executors=executors,
            execution_id=request.execution_id,
            allowed=request.allowed,
            environment=request.environment,
            trace_id=trace_id,
            session=session,
            captured=captured,
        )
        self._scope.templates.hide = self._scope.masker.add
        self._groups = Groups(self._inside, lambda: _outer(request), request.shared)

    async def run(self) -> CaseOutcome:
        try:
            case = self._request.case or Case.of(self._request.definition)
            self._know(case)
        except Exception as error:
            log.exception("unreadable definition", extra={"execution_id": self._request.execution_id})
            self._end(State.BLOCKED, f"the definition cannot be read: {type(error).__name__}: {error}")
            return self._outcome()
        await self._steps(case)
        if self._waiting_at is None:
            await self._teardown(case)
        await self._close()
        return self._outcome()

    async def _close(self) -> None:
        """Close what the steps had opened for the case, also when it is cancelled again meanwhile."""
        session = self._scope.session
        if not session.is_open:
            return
        try:
            async with asyncio.timeout(_CLOSING):
                await (session.aclose() if self._waiting_at is None else session.pause())
        except TimeoutError:
            log.warning("closing took too long", extra={"execution_id": self._request.execution_id})
        except asyncio.CancelledError:
            self._cancelled()

    def _know(self, case: Case) -> None:
        """Tell the teardown what steps capture, and mask what they captured as secret before a person's step."""
        made = partial(self._groups.made_by, [*case.setup, *case.steps])
        self._scope.capturable = lambda: frozenset(name for name, _secret in made())
        if self._request.captured:
            for name, secret in made():
                if secret and name in self._request.captured:
                    for text in texts_in(self._request.captured[name]):
                        self._scope.masker.add(text)

    async def _steps(self, case: Case) -> None:
        limit = _seconds_left(self._request, case.timeout)
        self._ends_at = asyncio.get_running_loop().time() + limit
        try:
            async with asyncio.timeout(limit):
                await begin([*case.setup, *case.steps, *case.teardown], self._scope, self._request.shared)
                if await self._setup(case):
                    await self._each(case)
        except TimeoutError:
            self._timed_out(limit)
        except asyncio.CancelledError:
            self._cancelled()
        if self._waiting_at is None:
            self._skip("steps", case.steps, self._request.start_at)

    async def _setup(self, case: Case) -> bool:
        """What the steps need; without it they cannot be executed. Not again after a person's step."""
        if not case.setup or self._request.start_at:
            return True
        try:
            for index, step in enumerate(case.setup):
                outcome = await self.step("setup", index, step)
                if outcome.state in _BROKEN and not outcome.optional:
                    self._end(State.BLOCKED, f"Setup {index + 1} “{outcome.name}”: {outcome.message}")
                    return False
        finally:
            self._skip("setup", case.setup, 0)
        return True

    async def _each(self, case: Case) -> None:
        for index in range(self._request.start_at, len(case.steps)):
            outcome = await self.step("steps", index, case.steps[index])
            if outcome.state is State.WAITING:
                self._waiting_at = index
                self._end(State.WAITING, f"step {index + 1} “{outcome.name}” waits for a person")
                return
            if outcome.state in _BROKEN and not outcome.optional:
                self._end(outcome.state, f"Step {index + 1} “{outcome.name}”: {outcome.message}")
                return

    async def _teardown(self, case: Case) -> None:
        """Always runs, also after a cancel, within a limit of its own."""
        self._ends_at = math.inf
        if not case.teardown:
            return
        limit = self._executors.settings.teardown_timeout
        try:
            async with asyncio.timeout(limit):
                for index, step in enumerate(case.teardown):
                    outcome = await self.step("teardown", index, step)
                    if outcome.state in _BROKEN and not outcome.optional:
                        place = f"Teardown {index + 1} “{outcome.name}”"
                        self._end(outcome.state, f"{place}: {outcome.message}")
        except TimeoutError:
            self._end(State.FAILED, f"the teardown did not end within {limit:g} s")
        except asyncio.CancelledError:
            self._cancelled()
        self._skip("teardown", case.teardown, 0)

    async def step(self, phase: Phase, index: int, step: Step, place: Place | None = None) -> StepOutcome:
        """Run one step and keep its outcome, also when it is cancelled; *place* says where it stands in another."""
        outcome = _new_outcome(phase, index, step, place.path if place else "")
        outcome.started_at = time_of_day()
        if place is None:
            self._tell("step_started", phase, index, step.name, step.kind)
        clock = time.perf_counter()
        try:
            scope = place.scope if place else self._scope
            await perform(step, outcome, scope, self._groups.perform if step.is_group else None)
        except asyncio.CancelledError:
            if asyncio.get_running_loop().time() >= self._ends_at:
                outcome.state, outcome.message = State.FAILED, "the time of the case was over before it ended"
            raise
        finally:
            outcome.duration_ms = round((time.perf_counter() - clock) * 1000, 3)
            seal(outcome, self._scope.masker)
            if not step.is_group:  # steps of a group are sealed already
                for child in outcome.inside:
                    seal(child, self._scope.masker)
            (place.into if place else self.outcomes).append(outcome)
            if place is None:
                self._tell("step_finished", outcome)
        return outcome

    async def _inside(self, group: StepOutcome, step: Step, place: Place) -> StepOutcome:
        return await self.step(group.phase, group.index, step, place)

    def _tell(self, event: str, *arguments: Any) -> None:
        """News must not stop the case, whatever the listener does with them."""
        if self._events is None:
            return
        try:
            getattr(self._events, event)(*arguments)
        except Exception:
            log.exception("listener failed", extra={"execution_id": self._request.execution_id})

    def _end(self, state: State, message: str) -> None:
        """The case ends as *state*; what happens later cannot make it better or change the reason."""
        if self._state is State.PASSED:
            self._state, self._message = state, message

    def _timed_out(self, limit: float) -> None:
        last = next((one for one in reversed(self.outcomes) if one.state is not State.SKIPPED), None)
        where = f": step {last.index + 1} “{last.name}” was running" if last is not None else ""
        self._end(State.FAILED, f"the case did not end within {limit:.3g} s{where}")

    def _cancelled(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        self._end(State.CANCELLED, "cancelled")

    def _skip(self, phase: Phase, steps: list[Step], start: int) -> None:
        reached = {outcome.index for outcome in self.outcomes if outcome.phase == phase}
        for index in range(start, len(steps)):
            if index not in reached:
                outcome = _new_outcome(phase, index, steps[index])
                seal(outcome, self._scope.masker)
                self.outcomes.append(outcome)

    def _outcome(self) -> CaseOutcome:
        masker = self._scope.masker
        waiting = self._waiting_at is not None
        captured = {name: value for outcome in self.outcomes for name, value in outcome.captured.items()}
        return CaseOutcome(
            state=self._state,
            steps=list(_in_order(self.outcomes)),
            message=masker.text(self._message),
            captured=captured,
            trace_id=self._scope.trace_id,
            started_at=self._started_at,
            duration_ms=round((time.perf_counter() - self._clock) * 1000, 3),
            waiting_at=self._waiting_at,
            resume=self._resume() if waiting else None,
        )

    def _resume(self) -> dict[str, Any]:
        carried = self._scope.session.to_carry()
        return {**self._scope.captured, **({CARRIED: carried} if carried else {})}


def _new_outcome(phase: Phase, index: int, step: Step, path: str = "") -> StepOutcome:
    return StepOutcome(
        index=index, phase=phase, path=path, name=step.name, kind=step.kind, point=step.point, optional=step.optional
    )


def _in_order(outcomes: Iterable[StepOutcome]) -> Iterator[StepOutcome]:
    """Each outcome, and behind it those of the steps inside it."""
    for outcome in outcomes:
        yield outcome
        if outcome.inside:
            yield from _in_order(outcome.inside)
            outcome.inside = []


def _variables(request: CaseRequest) -> dict[str, Any]:
    """Every name a template can use; what comes later wins."""
    return {**_outer(request), **request.captured, **_built_in(request)} if request.captured else _outer(request)


def _outer(request: CaseRequest) -> dict[str, Any]:
    """The names that also shared steps can use: all but what was captured."""
    return {**request.variables, **request.secrets, **request.row, **_built_in(request)}


def _built_in(request: CaseRequest) -> dict[str, Any]:
    return {
        "run_id": request.run_id,
        "execution_id": request.execution_id,
        "seed": request.seed,
        "attempt": request.attempt,
        "environment": request.environment,
    }
