"""A typed view of a canonical definition, with every default filled in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Self

from apps.catalog.definition import canonical
from apps.catalog.definition.expressions import has_template
from apps.catalog.definition.kinds import find_kind


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeat a step for at most *for_s* seconds, every *every_s* seconds, until the checks *until* hold.

    Without *until*, it is repeated until the step's own checks hold.
    """

    for_s: float
    every_s: float
    until: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """Steps inside a step: what a pass of ``repeat`` does, or one branch of ``parallel``.

    *count* is the number of copies, which may be a template; None where it was not written.
    """

    name: str
    count: Any
    steps: "list[Step]"


@dataclass(frozen=True, slots=True)
class Templated:
    """Which parts of a step hold templates; the others are the same in every execution.

    *params* are the names of such fields of ``with``, *expect* the places of such checks.
    """

    params: frozenset[str]
    expect: frozenset[int]
    capture: bool
    until: bool

    @classmethod
    def of(cls, step: Mapping[str, Any]) -> Self:
        """Those of the canonical mapping *step*."""
        return cls(
            params=frozenset(name for name, value in step.get("with", {}).items() if _holds_template(value)),
            expect=frozenset(place for place, check in enumerate(step.get("expect", [])) if _holds_template(check)),
            capture=_holds_template(step.get("capture", {})),
            until=_holds_template((step.get("retry") or {}).get("until", [])),
        )


def _holds_template(value: Any) -> bool:
    if isinstance(value, str):
        return has_template(value)
    if isinstance(value, Mapping):
        return any(has_template(key) or _holds_template(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds_template, value))


@dataclass(frozen=True, slots=True)
class Step:
    """One step; *params* is its ``with``, *capture* maps a name to ``from``, ``at`` and ``secret``.

    *when* is an expression, "" for always. *branches* are steps inside; then *timeout* may be infinite.
    """

    name: str
    kind: str
    point: str
    timeout: float
    optional: bool
    params: Mapping[str, Any]
    expect: list[dict[str, Any]]
    capture: Mapping[str, dict[str, Any]]
    retry: Retry | None
    templated: Templated
    when: str = ""
    is_group: bool = False
    branches: Sequence[Branch] = ()

    @classmethod
    def of(cls, step: Mapping[str, Any]) -> Self:
        """The step in the canonical mapping *step*."""
        name = step.get("kind", "")
        kind = find_kind(name)
        group = kind is not None and kind.group
        return cls(
            name=step.get("name", ""),
            kind=name,
            point=step.get("point", ""),
            timeout=float(step.get("timeout", inf if group else canonical.DEFAULT_STEP_TIMEOUT)),
            optional=step.get("optional", False),
            params=step.get("with", {}),
            expect=step.get("expect", []),
            capture=step.get("capture", {}),
            retry=_retry(step["retry"]) if step.get("retry") else None,
            templated=Templated.of(step),
            when=step.get("when", ""),
            is_group=group,
            branches=_branches(step.get("with", {})) if group else (),
        )

    @property
    def has_person(self) -> bool:
        """Whether a person does it."""
        kind = find_kind(self.kind)
        return kind is not None and kind.by_person

    @property
    def reckons_with_failures(self) -> bool:
        """Whether it is a group that checks how many passed or failed; then a failure inside decides nothing itself."""
        return self.is_group and not {"passed", "failed"}.isdisjoint(canonical.subjects_of(self.expect))

    @property
    def makes(self) -> Iterator[tuple[str, bool]]:
        """Names that the step gives to later ones, and whether each is a secret; those of steps inside, too."""
        for name, source in self.capture.items():
            yield name, bool(source.get("secret"))
        if self.kind == "set":
            yield from ((name, False) for name in self.params.get("values", ()))
        for branch in self.branches:
            yield from made_by(branch.steps)


def made_by(steps: Iterable[Step]) -> Iterator[tuple[str, bool]]:
    """Names that *steps* give to later ones, and whether each is a secret."""
    for step in steps:
        if step.capture or step.branches or step.kind == "set":
            yield from step.makes


def _retry(retry: Mapping[str, Any]) -> Retry:
    return Retry(float(retry["for"]), float(retry["every"]), retry.get("until", ()))


def _branches(params: Mapping[str, Any]) -> Sequence[Branch]:
    if "branches" in params:
        return tuple(
            Branch(branch.get("name", ""), branch.get("count"), [Step.of(step) for step in branch.get("steps", [])])
            for branch in params["branches"]
        )
    return (Branch("", None, [Step.of(step) for step in params["steps"]]),) if "steps" in params else ()


@dataclass(frozen=True, slots=True)
class Case:
    """One case."""

    title: str
    description: str
    priority: str
    tags: list[str]
    points: list[str]
    dataset: str
    timeout: float
    retries: int | None  # None: what the plan says
    exclusive: list[str]
    setup: list[Step]
    steps: list[Step]
    teardown: list[Step]

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Self:
        """The case in the canonical *definition*."""
        return cls(
            title=definition.get("title", ""),
            description=definition.get("description", ""),
            priority=definition.get("priority", canonical.DEFAULT_PRIORITY),
            tags=definition.get("tags", []),
            points=definition.get("points", []),
            dataset=definition.get("dataset", ""),
            timeout=float(definition.get("timeout", canonical.DEFAULT_CASE_TIMEOUT)),
            retries=definition.get("retries"),
            exclusive=definition.get("exclusive", []),
            setup=[Step.of(step) for step in definition.get("setup", [])],
            steps=[Step.of(step) for step in definition.get("steps", [])],
            teardown=[Step.of(step) for step in definition.get("teardown", [])],
        )

    @property
    def phases(self) -> dict[str, list[Step]]:
        """The steps of each phase, in order."""
        return {"setup": self.setup, "steps": self.steps, "teardown": self.teardown}


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared step: *parameters* maps names to what is told of them (``default``, ``description``)."""

    title: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    steps: list[Step]

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Self:
        """The shared step in the canonical *definition*."""
        return cls(
            title=definition.get("title", ""),
            description=definition.get("description", ""),
            parameters=definition.get("parameters", {}),
            steps=[Step.of(step) for step in definition.get("steps", [])],
        )
