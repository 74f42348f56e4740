"""Verbs on systems, components, integration points and workflows; each owns its transaction and is audited.

``**values`` are fields of the row by their model names. What is left out keeps its value. A short name (slug)
may be given when the row is made, else one is suggested from the names; it never changes after that, because
links, case definitions and programs use it. Wrong values raise DomainError ``invalid`` with the fields named.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Team, User
from apps.accounts.services import audit
from apps.core import live
from apps.core.changes import apply_values
from apps.core.dependants import used_by
from apps.core.errors import Conflict, DomainError
from apps.core.validation import Row, free_slug, refuse, save_valid
from apps.systems.models import (
    FARTHEST,
    Component,
    ComponentVersion,
    IntegrationPoint,
    NumberSeries,
    Place,
    System,
    Workflow,
    WorkflowPoint,
)

_NEXT = f"""
    INSERT INTO {NumberSeries._meta.db_table} (system_id, name, last) VALUES (%s, %s, %s)
    ON CONFLICT (system_id, name) DO UPDATE SET last = {NumberSeries._meta.db_table}.last + EXCLUDED.last
    RETURNING last
"""  # noqa: S608 (a table name of ours)
MOST_HOPS = 60
MOST_PLACES = 500  # components that are moved at once
MOST_NAMED = 20  # components of one move in the audit log
MOST_ERRORS = 20  # told of one request


def next_number(system_id: int, series: str, count: int = 1) -> int:
    """Reserve *count* numbers of the system's series (``run``, ``case``, ``defect``); returns the last one."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [system_id, series, count])
        return int(cursor.fetchone()[0])


@transaction.atomic
def create_system(team: Team, *, by: User, **values: Any) -> System:
    """A new system of *team*; *values*: name, slug, description."""
    system = System(team=team)
    values["slug"] = values.get("slug") or free_slug(System.objects.all(), values.get("name", ""), limit=60)
    apply_values(system, values)
    save_valid(system)
    audit(team, by, "system.created", system.slug, name=system.name)
    return system


@transaction.atomic
def change_system(system: System, *, by: User, **values: Any) -> System:
    """Change *values*: name, description."""
    row = System.objects.select_for_update().get(pk=system.pk)
    changes = apply_values(row, values)
    if changes:
        save_valid(row)
        audit(row.team, by, "system.changed", row.slug, changes=changes)
    return row


@transaction.atomic
def save_component(system: System, *, by: User, component: Component | None = None, **values: Any) -> Component:
    """Make or change a component; *values*: name, slug, kind, owner, repository, description."""
    row: Component = _locked(component) or Component(system=system)
    return _save(system, row, by, values, name=str(values.get("name", "")))


@transaction.atomic
def remove_component(component: Component, *, by: User) -> None:
    """Remove a component that nothing talks to any more."""
    _locked(component)  # nothing gets to hang on it while we look
    seams = component.consumes.count() + component.provides.count()
    if seams:
        raise Conflict(
            "component-in-use",
            _("“%(name)s” still has integration points (%(count)d). Remove them first.")
            % {"name": component.name, "count": seams},
        )
    _remove(component.system, component, by)


@transaction.atomic
def place_components(system: System, places: Mapping[str, Place | None], *, by: User) -> None:
    """Put components, by short name, on the map where everybody finds them; None: where the layout puts them.

    Of two people who move different components at once neither undoes the other's; of the same one the later counts.
    """
    if len(places) > MOST_PLACES:
        raise refuse("places", _("At most %(count)d components at once.") % {"count": MOST_PLACES})
    errors = [error for slug, place in places.items() if place for error in _misplaced(slug, place)]
    rows = list(system.components.select_for_update().filter(slug__in=places).order_by("pk"))
    known = {row.slug for row in rows}
    stranger = _("There is no such component in this system.")
    errors += [{"field": f"places.{slug}", "detail": stranger} for slug in places if slug not in known]
    if errors:
        raise DomainError("invalid", errors[0]["detail"], errors=errors[:MOST_ERRORS])
    moved = [row for row in rows if row.place != places[row.slug]]
    if not moved:
        return
    for row in moved:
        row.map_x, row.map_y = places[row.slug] or (None, None)
    Component.objects.bulk_update(moved, ["map_x", "map_y"])
    names = [row.slug for row in moved]
    audit(system.team, by, "map.moved", system.slug, count=len(names), components=names[:MOST_NAMED])
    _tell_of_places(system)


def _misplaced(slug: str, place: Place) -> list[dict[str, str]]:
    wrong = _("A number from %(least)d to %(most)d.") % {"least": -FARTHEST, "most": FARTHEST}
    return [
        {"field": f"places.{slug}.{axis}", "detail": wrong}
        for axis, value in place._asdict().items()
        if not -FARTHEST <= value <= FARTHEST  # false for NaN as well
    ]


@transaction.atomic
def forget_places(system: System, *, by: User) -> None:
    """Leave it to the layout again where components stand on the map."""
    if system.components.exclude(map_x=None).update(map_x=None, map_y=None):
        audit(system.team, by, "map.arranged", system.slug)
        _tell_of_places(system)


def _tell_of_places(system: System) -> None:
    """Open maps show it."""
    transaction.on_commit(partial(live.publish, f"system:{system.pk}", "map", {}))


@transaction.atomic
def add_version(component: Component, name: str, *, by: User, notes: str = "") -> ComponentVersion:
    """The version *name* of a component; made when it is not known yet."""
    known = component.versions.filter(name=name.strip()).first()
    if known:
        return known
    version = save_valid(ComponentVersion(component=component, name=name.strip(), notes=notes))
    system = component.system
    audit(system.team, by, "version.added", f"{system.slug}/components/{component.slug}", version=version.name)
    return version


@transaction.atomic
def save_point(system: System, *, by: User, point: IntegrationPoint | None = None, **values: Any) -> IntegrationPoint:
    """Make or change a seam; *values*: consumer, provider (Components), protocol, operation, slug, criticality, …"""
    row = _locked(point) or IntegrationPoint(system=system)
    ends = [getattr(values.get(end), "slug", "") for end in ("consumer", "provider")]
    return _save(system, row, by, values, name=" ".join([*ends, str(values.get("operation", ""))]))


@transaction.atomic
def remove_point(point: IntegrationPoint, *, by: User) -> None:
    """Remove a seam that no workflow and no case goes through; results that exercised it stay, without it."""
    _locked(point)  # nothing gets to hang on it while we look
    workflows = list(point.workflows.distinct().values_list("name", flat=True)[:3])
    users = [*workflows, *used_by(point, links_only=True)]
    if users:
        raise Conflict(
            "point-in-use",
            _("This integration point is still used: %(names)s. Take it out of them first.")
            % {"names": ", ".join(users)},
        )
    _remove(point.system, point, by)


@transaction.atomic
def save_workflow(
    system: System,
    *,
    by: User,
    workflow: Workflow | None = None,
    points: Sequence[IntegrationPoint] | None = None,
    **values: Any,
) -> Workflow:
    """Make or change a workflow; *values*: name, slug, entry, output, criticality; *points*: its hops in order."""
    if points is not None or workflow is None:
        _check_hops(system, points or [])
    row = _locked(workflow) or Workflow(system=system)
    before = [hop.point.slug for hop in row.hops.select_related("point")] if row.pk else []
    row = _save(system, row, by, values, name=str(values.get("name", "")))
    if points is not None and before != [point.slug for point in points]:
        row.hops.all().delete()
        WorkflowPoint.objects.bulk_create(
            WorkflowPoint(workflow=row, point=point, position=position) for position, point in enumerate(points, 1)
        )
        path = [point.slug for point in points]
        audit(system.team, by, "workflow.path", _subject(system, row), points=path, before=before)
    return row


@transaction.atomic
def remove_workflow(workflow: Workflow, *, by: User) -> None:
    """Remove a workflow; its cases stay."""
    _remove(workflow.system, workflow, by)


def _check_hops(system: System, points: Sequence[IntegrationPoint]) -> None:
    if not points:
        raise refuse("points", _("Add the integration points that it goes through, in order."))
    if len(points) > MOST_HOPS:
        raise refuse("points", _("A workflow has at most %(count)d hops.") % {"count": MOST_HOPS})
    strangers = [point.slug for point in points if point.system_id != system.pk]
    if strangers:
        raise refuse("points", _("Not of this system: %(names)s.") % {"names": ", ".join(strangers)})


def _locked(row: Row | None) -> Row | None:
    """The row as it is in the database, kept from others until the transaction ends."""
    return None if row is None else type(row)._default_manager.select_for_update().get(pk=row.pk)


def _save(system: System, row: Row, by: User, values: dict[str, Any], *, name: str) -> Row:
    made = row.pk is None
    if made and not values.get("slug"):
        limit: int = row._meta.get_field("slug").max_length  # type: ignore[union-attr, assignment]
        values["slug"] = free_slug(type(row)._default_manager.filter(system=system), name, limit=limit)
    changes = apply_values(row, values)
    if made or changes:
        save_valid(row)
        detail = {} if made else {"changes": changes}
        audit(system.team, by, f"{_word(row)}.{'created' if made else 'changed'}", _subject(system, row), **detail)
    return row


def _remove(system: System, row: Any, by: User) -> None:
    audit(system.team, by, f"{_word(row)}.removed", _subject(system, row), name=str(row))
    row.delete()


def _word(row: Any) -> str:
    return str(row._meta.model_name).removeprefix("integration")


def _subject(system: System, row: Any) -> str:
    return f"{system.slug}/{_word(row)}s/{row.slug}"
