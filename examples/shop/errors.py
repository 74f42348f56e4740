"""What the shop's services refuse, in one shape: ``{"error": {"code", "message", "field"}}``."""

from collections.abc import Mapping
from typing import Any


class ShopError(Exception):
    """A refusal with an HTTP *status*, a *code* for programs and a *message* for people."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    def as_json(self) -> dict[str, object]:
        """The body of the answer."""
        error = {"code": self.code, "message": self.message}
        return {"error": error | ({"field": self.field} if self.field else {})}

    @classmethod
    def from_answer(cls, status: int, body: Mapping[str, Any]) -> "ShopError":
        """Pass on the refusal of a service further in."""
        error = body.get("error", {})
        return cls(status, error.get("code", "refused"), error.get("message", ""), error.get("field"))


def text_of(body: Mapping[str, Any], field: str) -> str:
    """The non-empty text in *field* of *body*, or a 422 that names the field."""
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise ShopError(422, "invalid_field", f"{field} must be a non-empty text", field)
    return value


def count_of(body: Mapping[str, Any], field: str) -> int:
    """The whole number above 0 in *field* of *body*, or a 422 that names the field."""
    value = body.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 1_000_000:
        raise ShopError(422, "invalid_field", f"{field} must be a whole number from 1 to 1000000", field)
    return value


def email_of(body: Mapping[str, Any], field: str) -> str:
    """The mail address in *field* of *body*, or a 422 that names the field."""
    value = text_of(body, field)
    local, at, domain = value.partition("@")
    if not (local and at and domain) or any(character.isspace() for character in value):
        raise ShopError(422, "invalid_field", f"{field} must be a mail address", field)
    return value
