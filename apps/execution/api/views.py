"""Runs and executions over the API: start, poll, read, cancel, rerun."""

from typing import Any, cast

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
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
from apps.execution.api.serializers import RerunSerializer, RunDetailSerializer, StartSerializer, WorkerSerializer
from apps.execution.models import Worker, queues_of
from apps.runs.api.serializers import ExecutionDetailSerializer, ExecutionSerializer, RunSerializer
from apps.runs.models import Execution, StepResult, TestRun


def _user(request: Request) -> User:
    """The signed-in user; the permission classes let nobody else come here."""
    return cast(User, request.user)


class RunFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/runs/``."""

    system = filters.CharFilter(field_name="system__slug")
    environment = filters.CharFilter(field_name="environment__slug")
    plan = filters.CharFilter(field_name="plan__slug")
    phase = filters.ChoiceFilter(choices=TestRun.Phase.choices)
    verdict = filters.ChoiceFilter(choices=State.choices)
    number = filters.NumberFilter()

    class Meta:
        model = TestRun
        fields: list[str] = []


class ExecutionFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/executions/``."""

    run = filters.NumberFilter(field_name="run_id")
    state = filters.ChoiceFilter(choices=State.choices)
    case = filters.NumberFilter(field_name="case__number")
    system = filters.CharFilter(field_name="run__system__slug")

    class Meta:
        model = Execution
        fields: list[str] = []


class RunViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[TestRun]):
    """Test runs, newest first."""

    access = "api"
    filterset_class = RunFilter

    def get_serializer_class(self) -> Any:
        return RunDetailSerializer if self.action == "retrieve" else RunSerializer

    def get_queryset(self) -> QuerySet[TestRun]:
        return TestRun.objects.visible_to(self.request.user).select_related(
            "system", "environment", "plan", "started_by"
        )

    @extend_schema(request=StartSerializer, responses={201: RunSerializer})
    def create(self, request: Request) -> Response:
        """Start a run."""
        wanted = StartSerializer(data=request.data, context={"request": request})
        wanted.is_valid(raise_exception=True)
        values = wanted.validated_data
        demand(request.user, values["system"].team_id, Role.TESTER)
        run = services.start_run(**values, started_by=_user(request), trigger=TestRun.Trigger.API)
        return self._answer(run, 201)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Hold back what has not begun; 409 when the run has ended."""
        return self._answer(services.pause_run(self._run_for(Role.TESTER), by=_user(request)), 200)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on with a paused run; 409 when it has ended."""
        return self._answer(services.resume_run(self._run_for(Role.TESTER), by=_user(request)), 200)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel what has not ended; 409 when the run has."""
        run = self._run_for(Role.TESTER)
        return self._answer(services.cancel_run(run, by=_user(request)), 200)

    @extend_schema(request=RerunSerializer, responses={201: RunSerializer})
    @action(detail=True, methods=["post"])
    def rerun(self, request: Request, pk: str) -> Response:
        """Run again, with the original data rows and seeds or with new ones."""
        run = self._run_for(Role.TESTER)
        wanted = RerunSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        values = dict(wanted.validated_data)
        fresh = values.pop("data") == "new"
        return self._answer(services.rerun(run, by=_user(request), fresh=fresh, **values), 201)

    def _run_for(self, role: Role) -> TestRun:
        run: TestRun = self.get_object()
        demand(self.request.user, run.system.team_id, role)
        return run

    def _answer(self, run: TestRun, status: int) -> Response:
        fresh = self.get_queryset().get(pk=run.pk)
        return Response(RunSerializer(fresh, context=self.get_serializer_context()).data, status=status)


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
        return Worker.objects.visible_to(_user(self.request)).annotate(running=running)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "visible_queues": queues_of(_user(self.request))}


class ExecutionViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Execution]):
    """Executions, newest first; one with its steps and attempts."""

    access = "api"
    filterset_class = ExecutionFilter

    def get_serializer_class(self) -> Any:
        return ExecutionDetailSerializer if self.action == "retrieve" else ExecutionSerializer

    def get_queryset(self) -> QuerySet[Execution]:
        found = Execution.objects.visible_to(self.request.user).select_related("run", "case", "revision")
        if self.action == "retrieve":
            steps = StepResult.objects.select_related("point").order_by("attempt", "phase", "position", "pk")
            found = found.prefetch_related("attempts", Prefetch("steps", steps))
        return found.defer("revision__definition")
