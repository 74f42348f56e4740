"""Workers over the API."""

from typing import Any, cast

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django_filters import rest_framework as filters
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from apps.accounts.models import User
from apps.core.states import State
from apps.execution.api.serializers import WorkerSerializer
from apps.execution.models import Worker, queues_of
from apps.runs.models import Execution


class WorkerFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/workers/``."""

    queue = filters.CharFilter(field_name="queues", lookup_expr="contains", method="in_queue")

    class Meta:
        model = Worker
        fields: list[str] = []

    def in_queue(self, found: QuerySet[Worker], name: str, value: str) -> QuerySet[Worker]:
        """Those that take from the queue called so."""
        return found.filter(queues__contains=[value])


class WorkerViewSet(ListModelMixin, GenericViewSet[Worker]):
    """Workers that take work of environments that you may see."""

    access = "api"
    serializer_class = WorkerSerializer
    filterset_class = WorkerFilter

    def get_queryset(self) -> QuerySet[Worker]:
        if getattr(self, "swagger_fake_view", False):  # the schema asks for the model only
            return Worker.objects.none()
        held = Execution.objects.filter(state=State.RUNNING, worker=OuterRef("name")).order_by().values("worker")
        running = Coalesce(Subquery(held.annotate(n=Count("pk")).values("n")), 0)
        return Worker.objects.visible_to(cast(User, self.request.user)).annotate(running=running)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "visible_queues": queues_of(cast(User, self.request.user))}
