"""Verbs on shared steps; public through ``apps.catalog.services``."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.catalog import reading
from apps.catalog.definition import DefinitionError, Problem, points_of, restricted_kinds
from apps.catalog.definition.marks import _
from apps.catalog.models import SharedStep, SharedStepRevision, TestCase
from apps.catalog.shared_reading import call_problems, called, parsed
from apps.core.errors import Conflict
from apps.core.validation import check
from apps.systems.models import System

LONGEST_MESSAGE = 200
LONGEST_SLUG = 60
RESERVED = frozenset({"new", "convert", "extract", "export"})  # words in the addresses of pages


@dataclass(frozen=True, slots=True)
class Users:
    """Who calls a shared step directly."""

    cases: list[TestCase]
    shared: list[SharedStep]


@transaction.atomic
def save_shared(
    system: System,
    source: Mapping[str, Any] | str,
    author: User | None,
    message: str = "",
    shared: SharedStep | None = None,
    *,
    based_on: int | None = None,
) -> SharedStep:
    """Make or change a shared step; *source* is JSON data or YAML text.

    A revision is added only when the definition changed. Cases and shared steps that call it must still fit it:
    DomainError ``invalid-definition`` (422) names those that do not. Conflict when *based_on* is not the newest.
    """
    System.objects.select_for_update().get(pk=system.pk)  # two at once could otherwise make a circle
    row = SharedStep(system=system) if shared is None else system.shared_steps.get(pk=shared.pk)
    try:
        definition = _checked(system, source, row)
    except DefinitionError as error:
        raise reading.refusal(error) from None
    current = row.current
    if based_on is not None and current and current.number != based_on and current.definition != definition:
        raise Conflict("edited-meanwhile", gettext("Somebody saved this shared step while you were editing it."))
    row.slug, row.title = definition["slug"], definition["title"]
    check(row)
    row.save()
    if current is None or current.definition != definition:
        row.current = SharedStepRevision.objects.create(
            shared_step=row,
            number=current.number + 1 if current else 1,
            definition=definition,
            message=" ".join(message.split())[:LONGEST_MESSAGE],
            author=author,
        )
        row.save(update_fields=["current", "updated_at"])
        row.calls.set(called(system, definition).values())
        _tell_cases(row)
    return row


def _checked(system: System, source: Mapping[str, Any] | str, row: SharedStep) -> dict[str, Any]:
    definition = parsed(source)
    slug = row.slug or definition.get("slug") or _free_slug(system, definition["title"])
    problems = _slug_problems(system, definition, row)
    definition = {"title": definition["title"], "slug": slug, **definition, **({"slug": row.slug} if row.slug else {})}
    known = called(system, definition)
    problems += call_problems(definition, known) + reading.point_problems(system, definition)
    problems += [Problem("", _("it would call itself"))] if _reaches(known.values(), slug) else []
    problems += _misfits(row, definition) if row.pk else []
    if problems:
        raise DefinitionError(reading.placed(problems, source))
    return definition


def _slug_problems(system: System, definition: Mapping[str, Any], row: SharedStep) -> list[Problem]:
    given = definition.get("slug")
    if row.slug and given and given != row.slug:
        return [Problem("slug", _("the short name stays “{slug}”: cases call it so"), {"slug": row.slug})]
    if not row.slug and given and (given in RESERVED or system.shared_steps.filter(slug=given).exists()):
        return [Problem("slug", _("there is a shared step “{slug}” already"), {"slug": given})]
    return []


def _free_slug(system: System, title: str) -> str:
    base = slugify(title)[: LONGEST_SLUG - 4] or "shared"
    taken = RESERVED | set(system.shared_steps.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if name not in taken)


def _reaches(starts: Iterable[SharedStep], slug: str) -> bool:
    """Whether one of *starts*, or one that they call at any depth, is called *slug*."""
    waiting, seen = list(starts), set()
    while waiting:
        shared = waiting.pop()
        if shared.slug == slug:
            return True
        if shared.pk not in seen:
            seen.add(shared.pk)
            waiting += shared.calls.all()
    return False


def _misfits(row: SharedStep, definition: Mapping[str, Any]) -> list[Problem]:
    """Callers of *row* whose calls would not fit *definition*."""
    fresh = SharedStep(slug=row.slug, current=SharedStepRevision(definition=definition))
    callers = users_of(row)
    named = [(case.key, case.current.definition) for case in callers.cases if case.current]
    named += [(shared.slug, shared.current.definition) for shared in callers.shared if shared.current]
    problems = []
    for name, calling in named:
        only = {slug: shared for slug, shared in called(row.system, calling).items() if slug != row.slug}
        for problem in call_problems(calling, {**only, row.slug: fresh}):
            text = _("{caller} calls it: {problem}")
            problems.append(Problem("parameters", text, {"caller": name, "problem": reading.in_words(problem)}))
    return problems


def users_of(shared: SharedStep) -> Users:
    """Cases and shared steps that call *shared* in their current revisions."""
    cases = (
        TestCase.objects.filter(shared_steps=shared)
        .exclude(status=TestCase.Status.ARCHIVED)
        .select_related("current", "system")
    )
    return Users(list(cases.order_by("number")), list(shared.called_by.select_related("current", "system")))


@transaction.atomic
def archive_shared(shared: SharedStep, *, by: User, archived: bool = True) -> SharedStep:
    """Hide a shared step that nothing calls, or bring it back. Its revisions stay for the runs that used them."""
    users = users_of(shared)
    if archived and (users.cases or users.shared):
        raise Conflict("in-use", gettext("Cases or other shared steps still call it."))
    if shared.is_archived != archived:
        shared.is_archived = archived
        shared.save(update_fields=["is_archived", "updated_at"])
        subject = f"{shared.system.slug}/shared-steps/{shared.slug}"
        audit(shared.system.team, by, "shared-step.archived" if archived else "shared-step.restored", subject)
    return shared


def closure(starts: Iterable[SharedStep]) -> dict[str, SharedStep]:
    """*starts* and all that they call, at any depth, by short name."""
    found: dict[str, SharedStep] = {}
    waiting = list(starts)
    while waiting:
        shared = waiting.pop()
        if shared.slug not in found:
            found[shared.slug] = shared
            waiting += shared.calls.select_related("current")
    return found


def take_shared(case: TestCase, direct: Collection[SharedStep]) -> list[str]:
    """Slugs of the points that *case* covers through the shared steps *direct*; notes what these need of workers."""
    every = [shared.current.definition for shared in closure(direct).values() if shared.current]
    inside = {kind for definition in every for kind in restricted_kinds(definition)}
    case.needs = sorted({*case.needs, *inside})
    return [slug for definition in every for slug in points_of(definition)]


def _tell_cases(shared: SharedStep) -> None:
    """Points and needs of the cases that call *shared*, directly or through others, follow its new revision."""
    callers, waiting = {shared.pk: shared}, [shared]
    while waiting:
        for above in waiting.pop().called_by.all():
            if above.pk not in callers:
                callers[above.pk] = above
                waiting.append(above)
    calling = TestCase.shared_steps.through.objects.filter(sharedstep__in=callers).values("testcase")
    cases = TestCase.objects.filter(pk__in=calling).select_related("current", "system")
    for case in cases:
        if case.current is None:
            continue
        definition = case.current.definition
        case.needs = restricted_kinds(definition)
        slugs = [*points_of(definition), *take_shared(case, list(case.shared_steps.select_related("current")))]
        case.save(update_fields=["needs"])
        case.points.set(case.system.points.filter(slug__in=slugs))


def revisions_for(system_id: int, cases: Collection[int]) -> dict[str, int]:
    """Short name → number of the current revision of every shared step that *cases* (ids) call, at any depth."""
    known = SharedStep.objects.filter(system=system_id)
    if not known.exists():
        return {}
    called_by = TestCase.shared_steps.through.objects.filter(testcase__in=cases).values("sharedstep")
    direct = known.filter(pk__in=called_by).select_related("current")
    return {slug: one.current.number for slug, one in sorted(closure(direct).items()) if one.current}


def shared_definitions(system_id: int, revisions: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """The definitions of shared steps at the given *revisions* (short name → number)."""
    if not revisions:
        return {}
    rows = SharedStepRevision.objects.filter(shared_step__system=system_id, shared_step__slug__in=revisions)
    found = rows.values_list("shared_step__slug", "number", "definition")
    return {slug: definition for slug, number, definition in found if revisions[slug] == number}


def current_revisions(system_id: int) -> dict[str, int]:
    """Short name → number of the current revision of every shared step of a system."""
    rows = SharedStep.objects.filter(system=system_id, current__isnull=False)
    return dict(rows.values_list("slug", "current__number"))
