"""Serializer fields that name rows by their short names, among those that the user may see."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.relations import SlugRelatedField
from rest_framework.serializers import Serializer


class VisibleSlugField(SlugRelatedField[Any]):
    """A row by its slug, of *queryset*.visible_to(user): what others own is as if it were not there."""

    def __init__(self, slug_field: str = "slug", **options: Any) -> None:
        super().__init__(slug_field=slug_field, **options)

    def get_queryset(self) -> QuerySet[Any]:
        rows: Any = super().get_queryset()
        return rows.visible_to(self.context["request"].user)  # type: ignore[no-any-return]


class SlugWithinField(VisibleSlugField):
    """The same among the rows of another field's row: ``scope="system"`` looks at the request's ``system``."""

    def __init__(self, scope: str = "system", **options: Any) -> None:
        self.scope = scope
        super().__init__(**options)

    def get_queryset(self) -> QuerySet[Any]:
        serializer: Any = self.parent
        while not isinstance(serializer, Serializer):  # within a ListField or a many=True
            serializer = serializer.parent
        if serializer.instance is None:
            chosen = serializer.initial_data.get(self.scope)
        else:
            chosen = getattr(serializer.instance, self.scope).slug
        return super().get_queryset().filter(**{f"{self.scope}__slug": chosen if isinstance(chosen, str) else ""})
