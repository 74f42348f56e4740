"""Errors of the domain, turned into a page or problem JSON (RFC 9457) in one place each."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, DataError
from django.utils.translation import gettext as _

# Of PostgreSQL: foreign key, unique, deadlock, serialization. What breaks a rule of one row alone is a bug of ours.
_COLLISIONS = frozenset({"23503", "23505", "40P01", "40001"})


class DomainError(Exception):
    """A refusal that says what is wrong and where.

    *code* is stable and machine-readable, *detail* is for people, *errors* name fields, lines or columns:
    ``[{"field": "steps[2].with.url", "line": 14, "column": 7, "detail": "…"}]``.
    """

    def __init__(self, code: str, detail: str, *, status: int = 400, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.errors = [dict(error) for error in errors]

    def problem(self) -> dict[str, Any]:
        """Body of ``application/problem+json``."""
        body: dict[str, Any] = {
            "type": f"urn:integhub:{self.code}",
            "title": self.code.replace("-", " "),
            "status": self.status,
            "detail": self.detail,
        }
        return body | ({"errors": self.errors} if self.errors else {})


class Conflict(DomainError):
    """The object is not in a state in which this can be done (409)."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail, status=409)


def collision(error: Exception) -> DomainError | None:
    """What to tell of *error* when two people did at once what cannot both be; None for any other error."""
    if isinstance(error, DatabaseError) and getattr(error.__cause__, "pgcode", "") in _COLLISIONS:
        return Conflict("changed-meanwhile", _("Somebody changed or removed this at the same moment. Load it again."))
    if isinstance(error, ObjectDoesNotExist):
        return DomainError("gone", _("This is not there any more: somebody removed it at the same moment."), status=404)
    return None


def unstorable(error: Exception) -> DomainError | None:
    """What to tell of *error* when PostgreSQL cannot hold what was sent: NUL, a number beyond its type."""
    if isinstance(error, DataError) or (isinstance(error, ValueError) and "NUL (0x00)" in str(error)):
        return DomainError("invalid", _("It holds a character or number that cannot be stored."))
    return None
