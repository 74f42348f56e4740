"""Several cases as one YAML text, a document each: taken in all or nothing, given out in the same form."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.catalog import case_services, reading, shared_services
from apps.catalog.definition import DefinitionError, Problem, shared_to_yaml, to_yaml
from apps.catalog.models import TestCase, TestSuite
from apps.catalog.shared_reading import parsed
from apps.core.errors import DomainError
from apps.systems.models import System

MOST = 500  # cases in one import
LONGEST = 2_000_000  # characters of one import
# At the beginning of a line, --- always begins a document: the YAML standard forbids it inside any text.
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)


# What a shared step has and a case has not.
_SHARED = re.compile(r"^(slug|parameters)\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file; *line* is how many lines of the file stand before it."""

    file: str
    text: str
    line: int


def documents(file: str, text: str) -> Iterator[Document]:
    """The documents in *text*, those that hold nothing but comments left out."""
    starts = [match.start() for match in _MARKER.finditer(text)]
    cuts = [0, *(start for start in starts if start), len(text)]
    for start, end in pairwise(cuts):
        part = text[start:end]
        if any(line.strip() and not line.lstrip().startswith("#") for line in part.removeprefix("---").splitlines()):
            yield Document(file, part, text.count("\n", 0, start))


@transaction.atomic
def import_cases(system: System, suite: TestSuite, files: Iterable[tuple[str, str]], *, by: User) -> list[TestCase]:
    """New cases in *suite* from *files* (name, YAML text), in their order; nothing is kept when any is wrong.

    DomainError ``invalid-import`` (422) names the file, line and column of each problem.
    """
    given = list(files)
    if sum(len(text) for _name, text in given) > LONGEST:
        raise DomainError("too-large", _("At most %(count)d characters at once.") % {"count": LONGEST}, status=413)
    found = [document for name, text in given for document in documents(name, text)]
    if not found:
        raise DomainError("nothing-to-import", _("There is no case in this text."), status=422)
    if len(found) > MOST:
        raise DomainError("too-many", _("At most %(count)d cases at once.") % {"count": MOST}, status=422)
    shared = [document for document in found if _SHARED.search(document.text)]
    for document in shared:  # first, since cases of the same text may call them
        _take_shared(system, document, by)
    errors, ready = [], []
    for document in found:
        if document in shared:
            continue
        try:
            ready.append(reading.read(system, document.text).definition)
        except DefinitionError as error:
            errors += _errors(document, error.problems)
    if errors:
        raise _refusal(errors)
    return [case_services.save_case(system, suite, definition, by, _("Imported")) for definition in ready]


def _take_shared(system: System, document: Document, by: User) -> None:
    """A shared step of this short name, new or changed."""
    try:
        definition = parsed(document.text)
        known = system.shared_steps.filter(slug=definition.get("slug", "")).first()
        shared_services.save_shared(system, definition, by, _("Imported"), known)
    except DefinitionError as error:
        raise _refusal(_errors(document, error.problems)) from None
    except DomainError as error:
        raise _refusal([{**one, "file": document.file, "line": document.line + 1} for one in error.errors]) from None


def export_shared(system: System) -> Iterator[str]:
    """A YAML document for each shared step that is in use, those that others call before them."""
    rows = system.shared_steps.filter(is_archived=False, current__isnull=False).select_related("current")
    done: set[str] = set()
    waiting = list(rows)[::-1]
    while waiting:
        shared = waiting[-1]
        before = [one for one in shared.calls.select_related("current") if one.slug not in done]
        if before and shared.slug not in done:
            waiting += before
            continue
        waiting.pop()
        if shared.slug not in done and shared.current is not None:
            done.add(shared.slug)
            yield f"---\n{shared_to_yaml(shared.current.definition)}"


def _errors(document: Document, problems: Sequence[Problem]) -> list[dict[str, object]]:
    placed = [replace(problem, line=document.line + max(problem.line, 1)) for problem in problems]
    return [{**error, "file": document.file} for error in reading.as_errors(placed)]


def _refusal(errors: list[dict[str, object]]) -> DomainError:
    first = errors[0]
    place = _("line %(line)d, column %(column)d") % first if first["column"] else _("line %(line)d") % first
    where = f"{first['file']}, {place}" if first["file"] else place
    return DomainError("invalid-import", f"{where}: {first['detail']}", status=422, errors=errors[: reading.MANY])


def export_cases(cases: Iterable[TestCase]) -> Iterator[str]:
    """A YAML document for each of *cases* (with ``current`` and ``suite``), which ``import_cases`` takes in again."""
    for case in cases:
        if case.current is not None:
            yield f"--- # {case.key} · {' '.join(case.suite.name.split())}\n{to_yaml(case.current.definition)}"
