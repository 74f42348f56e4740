"""Several cases as one YAML text, a document each: taken in all or nothing, given out in the same form."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.catalog import case_services, reading
from apps.catalog.definition import DefinitionError, Problem, to_yaml
from apps.catalog.models import TestCase, TestSuite
from apps.core.errors import DomainError
from apps.systems.models import System

MOST = 500  # cases in one import
# At the beginning of a line, --- always begins a document: the YAML standard forbids it inside any text.
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)


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
    found = [document for name, text in files for document in documents(name, text)]
    if not found:
        raise DomainError("nothing-to-import", _("There is no case in this text."), status=422)
    if len(found) > MOST:
        raise DomainError("too-many", _("At most %(count)d cases at once.") % {"count": MOST}, status=422)
    errors, ready = [], []
    for document in found:
        try:
            ready.append(reading.read(system, document.text).definition)
        except DefinitionError as error:
            errors += _errors(document, error.problems)
    if errors:
        raise _refusal(errors)
    return [case_services.save_case(system, suite, definition, by, _("Imported")) for definition in ready]


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
