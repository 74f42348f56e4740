"""Steps with steps of their own: ``repeat``, ``parallel`` and ``call``.

Every pass, copy or call keeps the outcomes of its steps below that of the group (``StepOutcome.inside``), each with
a path such as ``2.1``: second pass, first step; deeper ones go on behind a slash.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from apps.catalog.definition import Branch, Step, find_kind, made_by
from apps.catalog.definition.step_validation import MAX_COPIES, MAX_TIMES
from apps.execution.engine.differences import short
from apps.execution.engine.gate import Gate
from apps.execution.engine.model import SharedVersion, State, StepOutcome
from apps.execution.engine.steps import Scope, check_rendered, conclude
from apps.execution.executors.base import Observed, StepBlocked

MAX_INSIDE = 2_000  # outcomes of steps inside others that one case may leave
MAX_DEPTH = 12  # of shared steps in shared steps; a circle is refused when one is saved
_BROKEN = (State.FAILED, State.BLOCKED, State.CANCELLED)
_LONGEST_ITEM = 60  # characters of an item that names its pass


@dataclass(slots=True)
class Place:
    """Where a step inside another runs, and where its outcome goes."""

    path: str
    scope: Scope
    into: list[StepOutcome]


@dataclass(slots=True)
class Pass:
    """One pass, one copy, or the one run of a shared step; *told* says for people which."""

    number: int
    steps: Sequence[Step]
    scope: Scope
    told: dict[str, Any] = field(default_factory=dict)
    outcomes: list[StepOutcome] = field(default_factory=list)
    state: State = State.SKIPPED
    message: str = ""
    started_ms: float = 0.0
    """Since the group began."""
    duration_ms: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON for the record."""
        times = {"started_ms": self.started_ms, "duration_ms": self.duration_ms}
        return {"number": self.number, **self.told, "state": self.state.value, **times}


RunInside = Callable[[StepOutcome, Step, Place], Awaitable[StepOutcome]]


class Groups:
    """Runs the groups of one case. *run* runs a step at a place; *outer* are the variables that every case has."""

    def __init__(
        self, run: RunInside, outer: Callable[[], Mapping[str, Any]], shared: Mapping[str, SharedVersion]
    ) -> None:
        self._run = run
        self._outer = outer
        self._shared = shared
        self._left = MAX_INSIDE
        self._work = {"repeat": self._repeat, "parallel": self._parallel, "call": self._call}

    async def perform(self, step: Step, outcome: StepOutcome, scope: Scope) -> None:
        """Run the group *step* and write into *outcome* what it did."""
        limit = step.timeout if isfinite(step.timeout) else None
        passes: list[Pass] = []
        own = replace(scope, captured={})
        started = outcome.clock = time.perf_counter()
        try:
            async with asyncio.timeout(limit):
                await self._work[step.kind](step, outcome, own, passes)
        except TimeoutError:
            outcome.state, outcome.message = State.FAILED, f"it did not end within {step.timeout:g} s"
        finally:
            outcome.inside = [inner for one in passes for inner in one.outcomes]
            outcome.response = {**outcome.response, "passes": [one.as_dict() for one in passes]}
            _give(step, passes, own, scope)
        if outcome.state is not State.FAILED:
            self._judge(step, outcome, scope, passes, (time.perf_counter() - started) * 1000)

    def _judge(self, step: Step, outcome: StepOutcome, scope: Scope, passes: Sequence[Pass], total: float) -> None:
        """Look at the group as a whole: its checks, its captures, and whether all of it passed."""
        states = [one.state for one in passes]
        observed = Observed(
            request=outcome.request,
            response=outcome.response,
            subjects={
                "values": _values(step, passes),
                "passed": states.count(State.PASSED),
                "failed": sum(state in _BROKEN for state in states),
                "duration": round(total, 3),
            },
        )
        given = {name: scope.captured[name] for name in dict.fromkeys(_made(passes)) if name in scope.captured}
        conclude(step, observed, outcome, scope)
        outcome.captured = {**given, **outcome.captured}
        tolerated = step.reckons_with_failures
        broken = [one for one in passes if one.state in _BROKEN and not (tolerated and one.state is State.FAILED)]
        if tolerated:
            _may_fail(inner for one in passes if one.state is State.FAILED for inner in one.outcomes)
        if broken:
            first = broken[0]
            outcome.point = ""  # a step inside failed, perhaps at another seam: it says where
            outcome.state = State.BLOCKED if first.state is State.BLOCKED else State.FAILED
            more = f" (and {len(broken) - 1} more failed)" if len(broken) > 1 else ""
            outcome.message = f"{_name(step, first, passes)}{first.message}{more}"

    async def _repeat(self, step: Step, outcome: StepOutcome, scope: Scope, passes: list[Pass]) -> None:
        given = self._rendered(step, ("times", "each"), scope)
        items = given["each"] if "each" in given else list(range(1, given["times"] + 1))
        outcome.request = given
        if len(items) > MAX_TIMES:
            raise StepBlocked(f"{len(items)} passes are more than the {MAX_TIMES} that one step may do")
        name = step.params.get("as", "item")
        before = {key: scope.templates.values[key] for key in (name, "loop") if key in scope.templates.values}
        try:
            for number, item in enumerate(items, 1):
                scope.templates.values |= {name: item, "loop": _loop(number, len(items))}
                told = {"of": len(items), **({"item": short(item, _LONGEST_ITEM)} if "each" in given else {})}
                one = Pass(number, step.branches[0].steps, replace(scope, captured={}), told)
                passes.append(one)
                await self._pass(one, outcome)
                if one.state in _BROKEN:
                    return
        finally:
            for key in (name, "loop"):
                scope.templates.values.pop(key, None)
            scope.templates.values |= before

    async def _parallel(self, step: Step, outcome: StepOutcome, scope: Scope, passes: list[Pass]) -> None:
        for place, branch in enumerate(step.branches, 1):
            count = self._count(branch.count, scope)
            for copy in range(1, count + 1):
                number = len(passes) + 1
                templates = scope.templates.fork(f"{outcome.path}/{outcome.index}.{number}")
                templates.values["loop"] = _loop(copy, count)
                told = {"branch": place, **({"name": branch.name} if branch.name else {}), "copy": copy, "of": count}
                own = replace(scope, templates=templates, captured={}, session=scope.session.beside())
                passes.append(Pass(number, branch.steps, own, told))
        if len(passes) > MAX_COPIES:
            raise StepBlocked(f"{len(passes)} branches are more than the {MAX_COPIES} that can begin together")
        names = [{"name": branch.name, "copies": branch.count or 1} for branch in step.branches]
        outcome.request = {"branches": names}
        gate = Gate(len(passes))
        for one in passes:
            one.scope.ticket = gate.ticket()
        try:
            async with asyncio.TaskGroup() as tasks:
                for one in passes:
                    tasks.create_task(self._pass(one, outcome))
        finally:
            outcome.response = {"spread_ms": gate.spread_ms}
            for one in passes:
                if step.branches[one.told["branch"] - 1].count is None:  # who signed in once stays so
                    scope.session.cookies |= one.scope.session.cookies

    def _count(self, count: Any, scope: Scope) -> int:
        found = scope.templates.render(1 if count is None else count, "count")
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= MAX_COPIES:
            raise StepBlocked(f"the number of copies is {short(found)}, not a whole number from 1 to {MAX_COPIES}")
        return found

    async def _call(self, step: Step, outcome: StepOutcome, scope: Scope, passes: list[Pass]) -> None:
        slug = step.params["step"]
        version = self._shared.get(slug)
        if version is None:
            raise StepBlocked(f"there is no shared step “{slug}”")
        if outcome.path.count("/") >= MAX_DEPTH:
            raise StepBlocked("shared steps call each other too deeply")
        arguments = scope.templates.render(step.params.get("arguments", {}), "with.arguments")
        templates = scope.templates.fork(f"{outcome.path}/{outcome.index}", self._outer())
        for name, parameter in version.shared.parameters.items():
            if name not in arguments:
                if "default" not in parameter:
                    raise StepBlocked(f"the shared step “{slug}” needs a value for “{name}”")
                arguments[name] = templates.render(parameter["default"], f"parameters.{name}")
        if unknown := [name for name in arguments if name not in version.shared.parameters]:
            raise StepBlocked(f"the shared step “{slug}” has no parameter “{unknown[0]}”")
        templates.values |= arguments
        outcome.request = {"step": slug, "revision": version.number, "arguments": arguments}
        passes.append(Pass(1, version.shared.steps, replace(scope, templates=templates, captured={})))
        await self._pass(passes[0], outcome)

    async def _pass(self, one: Pass, outcome: StepOutcome) -> None:
        """Run the steps of one pass in order; one that breaks ends it."""
        prefix = f"{outcome.path}/{one.number}" if outcome.path else str(one.number)
        clock = time.perf_counter()
        one.started_ms = round((clock - outcome.clock) * 1000, 3)
        one.state = State.CANCELLED
        try:
            await self._steps(one, outcome, prefix)
        finally:
            one.duration_ms = round((time.perf_counter() - clock) * 1000, 3)
            if one.scope.ticket is not None:
                one.scope.ticket.give_up()

    async def _steps(self, one: Pass, outcome: StepOutcome, prefix: str) -> None:
        for index, step in enumerate(one.steps, 1):
            self._left -= 1
            if self._left < 0:
                one.state, one.message = State.BLOCKED, f"more than {MAX_INSIDE} steps inside others"
                return
            done = await self._run(outcome, step, Place(f"{prefix}.{index}", one.scope, one.outcomes))
            if done.state in (*_BROKEN, State.WAITING) and not done.optional:
                one.state = State.BLOCKED if done.state is State.WAITING else done.state
                one.message = f"step {index} “{done.name}”: {done.message or 'a person cannot do it here'}"
                return
        one.state = State.PASSED

    def _rendered(self, step: Step, names: Sequence[str], scope: Scope) -> dict[str, Any]:
        """The fields *names* of the group, as far as they are given, once they are seen to fit."""
        kind = find_kind(step.kind)
        given: dict[str, Any] = scope.templates.render(
            {name: step.params[name] for name in names if name in step.params}, "with"
        )
        if kind is not None:
            check_rendered([one for one in kind.fields if one.name in given], given)
        return given

    def made_by(self, steps: Sequence[Step]) -> Iterator[tuple[str, bool]]:
        """Names that *steps* give to later ones, those of shared steps, too; and whether each is a secret."""
        yield from made_by(steps)
        for version in self._shared.values():
            yield from made_by(version.shared.steps)


def _loop(number: int, length: int) -> dict[str, Any]:
    """What a pass or copy knows of itself, as in a ``for`` of the template language."""
    return {"index": number, "index0": number - 1, "length": length, "first": number == 1, "last": number == length}


def _made(passes: Sequence[Pass]) -> Iterator[str]:
    for one in passes:
        yield from one.scope.captured


def _values(step: Step, passes: Sequence[Pass]) -> dict[str, Any]:
    """What was captured inside: of a shared step by name, else for each name a list in the order of the passes."""
    if step.kind == "call":
        return dict(passes[0].scope.captured) if passes else {}
    return {name: [one.scope.captured.get(name) for one in passes] for name in dict.fromkeys(_made(passes))}


def _give(step: Step, passes: Sequence[Pass], own: Scope, scope: Scope) -> None:
    """Hand what was captured inside to the steps behind: of ``parallel`` lists, else the last value."""
    if step.kind == "parallel":
        given = {name: _of_branches(step, name, passes) for name in dict.fromkeys(_made(passes))}
    else:
        given = {name: value for one in passes for name, value in one.scope.captured.items()}
    scope.captured |= given
    scope.templates.values |= given


def _of_branches(step: Step, name: str, passes: Sequence[Pass]) -> Any:
    """A list of the copies that may capture *name*; the value itself when that is one branch without a count."""
    able = [branch for branch in step.branches if _can_capture(branch, name, passes)]
    found = [one for one in passes if any(one.steps is branch.steps for branch in able)]
    if len(able) == 1 and able[0].count is None:
        return found[0].scope.captured[name]
    return [one.scope.captured.get(name) for one in found]


def _can_capture(branch: Branch, name: str, passes: Sequence[Pass]) -> bool:
    """Whether its steps say so, or a shared step that it calls did it."""
    said = any(name == made for made, _secret in made_by(branch.steps))
    return said or any(one.steps is branch.steps and name in one.scope.captured for one in passes)


def _may_fail(outcomes: Iterable[StepOutcome]) -> None:
    """Failures that the group's checks reckon with, as one buyer's who comes too late, decide nothing themselves."""
    for outcome in outcomes:
        if outcome.state is State.FAILED:
            outcome.optional = True
            _may_fail(outcome.inside)


def _name(step: Step, one: Pass, passes: Sequence[Pass]) -> str:
    """Which pass failed, for the message."""
    if step.kind == "call":
        return ""
    if step.kind == "repeat":
        item = f" ({one.told['item']})" if "item" in one.told else ""
        return f"pass {one.number} of {one.told['of']}{item}, "
    name = f"“{one.told['name']}”" if "name" in one.told else f"branch {one.number} of {len(passes)}"
    return f"{name}{', copy ' + str(one.told['copy']) if one.told['of'] > 1 else ''}, "
