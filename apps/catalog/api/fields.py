"""How rows of the catalog are named over the API: suites by id, cases by number, both within their system."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.relations import PrimaryKeyRelatedField, SlugRelatedField

from apps.catalog.models import TestCase, TestSuite


def _system_of(serializer: Any) -> str:
    """Slug of the system that a request is about; "" when it names none."""
    while serializer is not None and not hasattr(serializer, "initial_data"):
        serializer = serializer.parent
    if serializer is None:
        return ""
    chosen = serializer.initial_data.get("system") if serializer.instance is None else serializer.instance.system.slug
    return chosen if isinstance(chosen, str) else ""


@extend_schema_field(OpenApiTypes.INT)
class SuiteField(PrimaryKeyRelatedField[TestSuite]):
    """A suite of the request's system, by its id."""

    def get_queryset(self) -> QuerySet[Any]:
        visible = TestSuite.objects.visible_to(self.context["request"].user)
        return visible.filter(system__slug=_system_of(self.parent))


@extend_schema_field(OpenApiTypes.INT)
class CaseNumberField(SlugRelatedField[TestCase]):
    """A case of the request's system, by its number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="number", **options)

    def get_queryset(self) -> QuerySet[Any]:
        visible = TestCase.objects.visible_to(self.context["request"].user)
        return visible.filter(system__slug=_system_of(self.parent))
