"""Executions over the API: read, assign, judge manual steps."""

from typing import Any, cast

from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.access import demand
from apps.accounts.models import Role, User
from apps.core.states import State
from apps.execution import services
from apps.execution.api.people import AskSerializer, VerdictSerializer
from apps.runs.api.serializers import ExecutionDetailSerializer, ExecutionSerializer
from apps.runs.models import Execution, ExecutionEvent, StepResult

ME, NOBODY = "me", "nobody"


class ExecutionFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/executions/``."""

    run = filters.NumberFilter(field_name="run_id")
    state = filters.ChoiceFilter(choices=State.choices)
    case = filters.NumberFilter(field_name="case__number")
    system = filters.CharFilter(field_name="run__system__slug")
    assigned_to = filters.CharFilter(
        method="of_person", help_text="E-mail address of who was asked to do it; “me”, or “nobody”."
    )

    class Meta:
        model = Execution
        fields: list[str] = []

    def of_person(self, found: QuerySet[Execution], name: str, value: str) -> QuerySet[Execution]:
        """Those that somebody was asked to do."""
        if value == NOBODY:
            return found.filter(assigned_to=None)
        return found.filter(assigned_to=self.request.user.pk) if value == ME else found.filter(assigned_to__email=value)


class ExecutionViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Execution]):
    """Executions, newest first; one with its steps and attempts."""

    access = "api"
    filterset_class = ExecutionFilter

    def get_serializer_class(self) -> Any:
        return ExecutionDetailSerializer if self.action == "retrieve" else ExecutionSerializer

    def get_queryset(self) -> QuerySet[Execution]:
        found = Execution.objects.visible_to(self.request.user).select_related("run", "case", "revision", "assigned_to")
        if self.action == "retrieve":
            steps = StepResult.objects.select_related("point").order_by("attempt", "phase", "position", "pk")
            events = ExecutionEvent.objects.select_related("actor", "assignee", "before")
            steps = steps.select_related("executed_by")
            found = found.prefetch_related("attempts", Prefetch("steps", steps), Prefetch("events", events))
        return found.defer("revision__definition")

    @extend_schema(request=AskSerializer, responses=ExecutionSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Ask somebody to do it, or nobody; 409 when it has ended."""
        execution, person = self._execution_for(Role.TESTER), cast(User, request.user)
        wanted = AskSerializer(data=request.data, context={"system": execution.run.system})
        wanted.is_valid(raise_exception=True)
        services.assign([execution], to=wanted.validated_data["user"], by=person)
        return self._answer(execution)

    @extend_schema(request=VerdictSerializer, responses=ExecutionSerializer)
    @action(detail=True, methods=["post"])
    def verdict(self, request: Request, pk: str) -> Response:
        """Judge the manual step for which it waits; sent again it changes nothing; 409 when it waits for another."""
        execution, person = self._execution_for(Role.TESTER), cast(User, request.user)
        wanted = VerdictSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.finish_manual_step(execution, by=person, **wanted.validated_data)
        return self._answer(execution)

    def _execution_for(self, role: Role) -> Execution:
        execution: Execution = self.get_object()
        demand(self.request.user, execution.run.system.team_id, role)
        return execution

    def _answer(self, execution: Execution) -> Response:
        fresh = self.get_queryset().get(pk=execution.pk)
        return Response(ExecutionSerializer(fresh, context=self.get_serializer_context()).data)
