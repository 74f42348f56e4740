"""Forms whose rules stand in services: a refusal is shown at the field that it names."""

from typing import Any

from django import forms

from apps.core.errors import DomainError


class RefusableMixin:
    """Adds ``refuse(error)`` to a form; what was typed is kept."""

    fields: dict[str, forms.Field]

    def refuse(self, error: DomainError) -> None:
        """Show the refusal of a service at the fields that it names, or above the form."""
        for item in error.errors or [{"field": "", "detail": error.detail}]:
            field = str(item.get("field", ""))
            known = field in self.fields
            self.add_error(field if known else None, item["detail"])

    add_error: Any
