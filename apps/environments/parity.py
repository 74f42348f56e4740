"""Where environments differ: versions deployed and names defined, side by side."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models.functions import MD5, Left

from apps.environments.models import Deployment, Environment, Secret, Variable
from apps.systems.models import Component, System

SHOWN = 60  # characters of a variable's value
NOTHING = ("", "", "")  # kind, value as shown, digest of the whole value


@dataclass(frozen=True)
class Cell:
    """What one environment has: a version (``deployment``), or a name of *kind* ``variable`` (with its *value*, cut),
    ``secret``, or nothing."""

    environment: Environment
    differs: bool
    deployment: Deployment | None = None
    kind: str = ""
    value: str = ""
    extra: bool = False  # the reference has nothing in this row
    other: bool = False  # a variable that the reference has too, with another value


@dataclass(frozen=True)
class VersionRow:
    """One component in every environment."""

    component: Component
    cells: list[Cell]

    @property
    def differs(self) -> bool:
        """Whether any environment has not what the reference has."""
        return any(cell.differs for cell in self.cells)


@dataclass(frozen=True)
class NameRow:
    """One variable or secret in every environment."""

    name: str
    cells: list[Cell]

    @property
    def differs(self) -> bool:
        """Whether it is missing, or of another kind, anywhere."""
        return any(cell.differs for cell in self.cells)

    @property
    def rank(self) -> int:
        """Its place: 0 for what is missing or of another kind somewhere, 1 for another value, 2 for the same."""
        return 0 if self.differs else 1 if any(cell.other for cell in self.cells) else 2


@dataclass(frozen=True)
class Comparison:
    """*environments* against *reference*, the first of them; rows that differ come first, then those with another
    value.

    Another value alone is no difference to be counted: an address is meant to be another in each environment.
    """

    environments: list[Environment]
    reference: Environment | None
    versions: list[VersionRow]
    names: list[NameRow]

    def count_for(self, environment: Environment) -> int:
        """In how many rows *environment* differs from the reference."""
        rows: list[VersionRow | NameRow] = [*self.versions, *self.names]
        return sum(cell.differs for row in rows for cell in row.cells if cell.environment == environment)


def reference_of(system: System, slug: str = "") -> Environment | None:
    """What the others are measured by: the one named *slug*, else production, else the first."""
    named = system.environments.filter(slug=slug).first() if slug else None
    return named or system.environments.order_by("-is_production", "position", "name").first()


def compare(system: System, reference: Environment | None, others: Iterable[Environment]) -> Comparison:
    """*reference* and *others* side by side; three queries at any size."""
    beside = [one for one in others if one != reference]
    environments = [reference, *beside] if reference else beside
    return Comparison(
        environments, reference, _versions(system, environments, reference), _names(environments, reference)
    )


def _versions(system: System, environments: list[Environment], reference: Environment | None) -> list[VersionRow]:
    deployed: dict[tuple[int, int], Deployment] = {
        (row.component_id, row.environment_id): row
        for row in Deployment.objects.filter(environment__in=environments, until=None).select_related("version")
    }
    rows = []
    for component in system.components.all():
        expected = deployed.get((component.pk, reference.pk)) if reference else None
        cells = []
        for environment in environments:
            row = deployed.get((component.pk, environment.pk))
            differs = (row.version_id if row else None) != (expected.version_id if expected else None)
            cells.append(Cell(environment, differs, row, extra=row is not None and expected is None))
        if any(cell.deployment for cell in cells):
            rows.append(VersionRow(component, cells))
    return sorted(rows, key=lambda row: not row.differs)


def _names(environments: list[Environment], reference: Environment | None) -> list[NameRow]:
    known: dict[str, dict[int, tuple[str, str, str]]] = defaultdict(dict)
    variables = Variable.objects.filter(environment__in=environments)
    shown = variables.annotate(shown=Left("value", SHOWN), whole=MD5("value"))
    for name, environment_id, *values in shown.values_list("name", "environment_id", "shown", "whole"):
        known[name][environment_id] = ("variable", *values)
    secrets = Secret.objects.filter(environment__in=environments)
    for name, environment_id in secrets.values_list("name", "environment_id"):
        known[name][environment_id] = ("secret", "", "")
    rows = []
    for name in sorted(known):
        expected, _, reference_value = known[name].get(reference.pk, NOTHING) if reference else NOTHING
        cells = []
        for environment in environments:
            kind, value, whole = known[name].get(environment.pk, NOTHING)
            extra, other = bool(kind and not expected), kind == expected and whole != reference_value
            cells.append(Cell(environment, kind != expected, kind=kind, value=value, extra=extra, other=other))
        rows.append(NameRow(name, cells))
    return sorted(rows, key=lambda row: row.rank)
