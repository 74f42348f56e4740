"""A typed view of a canonical definition, with every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from apps.catalog.definition import canonical
from apps.catalog.definition.kinds import find_kind


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeat a step for at most *for_s* seconds, every *every_s* seconds."""

    for_s: float
    every_s: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step; *params* is its ``with``, *capture* maps a name to ``from``, ``at`` and ``secret``."""

    name: str
    kind: str
    point: str
    timeout: float
    optional: bool
    params: Mapping[str, Any]
    expect: list[dict[str, Any]]
    capture: Mapping[str, dict[str, Any]]
    retry: Retry | None

    @classmethod
    def of(cls, step: Mapping[str, Any]) -> Self:
        """The step in the canonical mapping *step*."""
        retry = step.get("retry")
        return cls(
            name=step.get("name", ""),
            kind=step.get("kind", ""),
            point=step.get("point", ""),
            timeout=float(step.get("timeout", canonical.DEFAULT_STEP_TIMEOUT)),
            optional=step.get("optional", False),
            params=step.get("with", {}),
            expect=step.get("expect", []),
            capture=step.get("capture", {}),
            retry=Retry(float(retry["for"]), float(retry["every"])) if retry else None,
        )

    @property
    def has_person(self) -> bool:
        """Whether a person does it."""
        kind = find_kind(self.kind)
        return kind is not None and kind.by_person


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
            steps=[Step.of(step) for step in definition.get("steps", [])],
            teardown=[Step.of(step) for step in definition.get("teardown", [])],
        )
