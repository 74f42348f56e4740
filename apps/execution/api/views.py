"""Runs over the API: start, poll, read, cancel, rerun, and their manual work."""

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.access import demand
from apps.accounts.models import Role, Scope, User
from apps.core.states import State
from apps.execution import services
from apps.execution.api.people import (
    AskChosenSerializer,
    JudgedSerializer,
    ShareSerializer,
    SplitSerializer,
    VerdictsSerializer,
)
from apps.execution.api.serializers import EstimateSerializer, RerunSerializer, RunDetailSerializer, StartSerializer
from apps.execution.pages.start import estimate
from apps.runs.api.serializers import RunSerializer
from apps.runs.models import TestRun


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


class RunViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[TestRun]):
    """Test runs, newest first."""

    access = "api"
    token_scopes: ClassVar = {
        "estimate": Scope.READ,
        **dict.fromkeys(("create", "rerun", "pause", "resume", "cancel"), Scope.RUN),
    }
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

    @extend_schema(request=StartSerializer, responses=EstimateSerializer)
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        """What a run would be if it were started so; nothing is started."""
        wanted = StartSerializer(data=request.data, context={"request": request})
        wanted.is_valid(raise_exception=True)
        values = wanted.validated_data
        demand(request.user, values["system"].team_id, Role.TESTER)
        found = estimate(values["cases"], values["environment"], values.get("plan"))
        return Response(EstimateSerializer(found).data)

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

    @extend_schema(request=AskChosenSerializer, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Ask somebody to do executions of the run; all or none, 409 when one has ended."""
        run = self._run_for(Role.TESTER)
        values = self._values(AskChosenSerializer, run)
        services.assign(services.chosen(run, values["executions"]), to=values["user"], by=_user(request))
        return self._answer(run, 200)

    @extend_schema(request=SplitSerializer, responses=ShareSerializer(many=True), filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def split(self, request: Request, pk: str) -> Response:
        """Share the open manual work of the run among people; 409 when there is none."""
        run = self._run_for(Role.TESTER)
        values = self._values(SplitSerializer, run)
        people = {person.pk: person for person in values["people"]}
        given = services.split(run, list(people.values()), by=_user(request), how=values["how"], again=values["again"])
        return Response([{"user": people[pk].email, "executions": count} for pk, count in given.items()])

    @extend_schema(request=VerdictsSerializer, responses=JudgedSerializer)
    @action(detail=True, methods=["post"])
    def verdicts(self, request: Request, pk: str) -> Response:
        """One verdict on several executions, on all or on none; 409 names those that stand against it."""
        run = self._run_for(Role.TESTER)
        values = self._values(VerdictsSerializer, run)
        done = services.finish_manual_steps(
            values["executions"], run=run, verdict=values["verdict"], note=values["note"], by=_user(request)
        )
        return Response({"executions": done})

    def _values(self, kind: Any, run: TestRun) -> dict[str, Any]:
        wanted = kind(data=self.request.data, context={"system": run.system})
        wanted.is_valid(raise_exception=True)
        return dict(wanted.validated_data)

    def _run_for(self, role: Role) -> TestRun:
        run: TestRun = self.get_object()
        demand(self.request.user, run.system.team_id, role)
        return run

    def _answer(self, run: TestRun, status: int) -> Response:
        fresh = self.get_queryset().get(pk=run.pk)
        return Response(RunSerializer(fresh, context=self.get_serializer_context()).data, status=status)
