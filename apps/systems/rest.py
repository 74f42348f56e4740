"""Base of API views whose rows belong to a system; public to higher apps."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from apps.accounts.access import demand
from apps.accounts.models import Role
from apps.core.validation import refuse
from apps.systems.models import System


class ScopedViewSet(ModelViewSet[Any]):
    """Rows of systems over the API: members see them, members with the role *writes* change them by services.

    A subclass gives ``queryset``, ``serializer_class`` (with a ``system`` field), a filter, ``store`` and ``remove``.
    """

    access = "api"
    writes: ClassVar[Role] = Role.LEAD
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    @property
    def person(self) -> Any:
        """Who asks."""
        return self.request.user

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.visible_to(self.request.user)

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Any:
        """Make (*row* None) or change a row by a service; returns it."""
        raise NotImplementedError

    def remove(self, row: Any) -> None:
        """Remove a row by a service."""
        raise NotImplementedError

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        values = dict(serializer.validated_data)
        system = values.pop("system")
        demand(self.request.user, system.team_id, self.writes)
        serializer.instance = self.store(system, None, values)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        row: Any = serializer.instance
        demand(self.request.user, row.system.team_id, self.writes)
        values = dict(serializer.validated_data)
        if values.pop("system", row.system) != row.system:
            raise refuse("system", _("It cannot be moved to another system."))
        serializer.instance = self.store(row.system, row, values)

    def perform_destroy(self, instance: Any) -> None:
        demand(self.request.user, instance.system.team_id, self.writes)
        self.remove(instance)
