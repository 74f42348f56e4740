"""Suites, cases and plans over the API."""

from typing import Any

from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.access import demand
from apps.accounts.models import Role
from apps.catalog import services
from apps.catalog.api.serializers import (
    CaseDetailSerializer,
    CaseSerializer,
    ImportSerializer,
    PlanSerializer,
    RevisionSerializer,
    SharedStepSerializer,
    SuiteSerializer,
)
from apps.catalog.case_services import PRIORITY
from apps.catalog.definition import to_yaml
from apps.catalog.models import SharedStep, TestCase, TestPlan, TestSuite
from apps.core.errors import DomainError
from apps.systems.models import System
from apps.systems.rest import ScopedViewSet


class YamlText(JSONRenderer):
    """Lets a program ask for ``Accept: application/yaml``; problems are JSON all the same."""

    media_type = "application/yaml"
    format = "yaml"


class SuiteFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/suites/``."""

    system = filters.CharFilter(field_name="system__slug")
    parent = filters.NumberFilter(field_name="parent_id")


class CaseFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/cases/``; ``suite`` brings all below it."""

    system = filters.CharFilter(field_name="system__slug")
    number = filters.NumberFilter()
    suite = filters.NumberFilter(method="below", min_value=0, max_value=2**63 - 1)
    status = filters.ChoiceFilter(choices=TestCase.Status.choices)
    mode = filters.ChoiceFilter(choices=TestCase.Mode.choices)
    priority = filters.ChoiceFilter(choices=[(name, name) for name in PRIORITY], method="of_priority")
    tag = filters.CharFilter(method="tagged")
    point = filters.CharFilter(field_name="points__slug")
    search = filters.CharFilter(field_name="title", lookup_expr="icontains")

    def below(self, cases: Any, name: str, suite: int) -> Any:
        """Cases of a suite and all below it."""
        return cases.filter(services.in_suites([int(suite)]))

    def of_priority(self, cases: Any, name: str, word: str) -> Any:
        """Cases of one priority, by its word."""
        return cases.filter(priority=PRIORITY[word])

    def tagged(self, cases: Any, name: str, tag: str) -> Any:
        """Cases that have a tag."""
        return cases.filter(tags__contains=[tag])


class PlanFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/plans/``."""

    system = filters.CharFilter(field_name="system__slug")
    slug = filters.CharFilter()


class SuiteViewSet(ScopedViewSet):
    """The tree of suites. Only an empty suite can be deleted."""

    queryset = TestSuite.objects.select_related("system")
    serializer_class = SuiteSerializer
    filterset_class = SuiteFilter
    writes = Role.TESTER

    def store(self, system: System, row: Any, values: dict[str, Any]) -> TestSuite:
        if row is None:
            values.setdefault("parent", None)
        return services.save_suite(system, suite=row, by=self.person, **values)

    def remove(self, row: Any) -> None:
        services.remove_suite(row, by=self.person)


class CaseViewSet(ScopedViewSet):
    """Test cases. A change of the definition adds a revision; cases are archived (``status``), never deleted."""

    queryset = TestCase.objects.select_related("system", "suite", "dataset", "workflow", "current").prefetch_related(
        "points"
    )
    filterset_class = CaseFilter
    writes = Role.TESTER
    http_method_names = ["get", "post", "patch", "head", "options"]

    def get_queryset(self) -> Any:
        return super().get_queryset().defer(*(["current__definition"] if self.action == "list" else []))

    def get_serializer_class(self) -> Any:
        return CaseSerializer if self.action == "list" else CaseDetailSerializer

    def store(self, system: System, row: Any, values: dict[str, Any]) -> TestCase:
        source = values.pop("yaml", values.pop("definition", None))
        if source is None:
            source = row.current.definition if row.current else {}
        suite = values.pop("suite", None) or row.suite
        saved = services.save_case(system, suite, source, self.person, case=row, **values)
        fresh: TestCase = self.get_queryset().get(pk=saved.pk)
        return fresh

    @extend_schema(responses={(200, "application/yaml"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], filterset_class=None, renderer_classes=[JSONRenderer, YamlText])
    def yaml(self, request: Request, pk: str | None = None) -> HttpResponse:
        """The definition as YAML text."""
        case = self.get_object()
        if case.current is None:
            raise DomainError("no-definition", "This case has no definition yet.", status=404)
        return HttpResponse(to_yaml(case.current.definition), content_type="application/yaml; charset=utf-8")

    @extend_schema(responses=RevisionSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], filterset_class=None)
    def revisions(self, request: Request, pk: str | None = None) -> Response:
        """All revisions, newest first."""
        rows = self.paginate_queryset(self.get_object().revisions.select_related("author"))
        return self.get_paginated_response(RevisionSerializer(rows, many=True).data)

    @extend_schema(request=ImportSerializer, responses={201: CaseSerializer(many=True), 422: OpenApiResponse()})
    @action(detail=False, methods=["post"], url_path="import", filterset_class=None)
    def take_in(self, request: Request) -> Response:
        """Make new cases of YAML text with a document for each; all or nothing."""
        body = ImportSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        system, suite, text = (body.validated_data[name] for name in ("system", "suite", "yaml"))
        demand(request.user, system.team_id, self.writes)
        made = services.import_cases(system, suite, [("", text)], by=self.person)
        rows = self.get_queryset().filter(pk__in=[case.pk for case in made]).order_by("number")
        return Response(CaseSerializer(rows, many=True, context=self.get_serializer_context()).data, status=201)


class SharedStepViewSet(ScopedViewSet):
    """Shared steps. A change of the definition adds a revision; runs that go on keep theirs."""

    queryset = SharedStep.objects.select_related("system", "current")
    serializer_class = SharedStepSerializer
    filterset_class = PlanFilter
    writes = Role.TESTER
    http_method_names = ["get", "post", "patch", "head", "options"]

    def store(self, system: System, row: Any, values: dict[str, Any]) -> SharedStep:
        source = values.pop("yaml", values.pop("definition", None))
        if source is None:
            source = row.current.definition if row.current else {}
        saved = services.save_shared(system, source, self.person, shared=row, **values)
        fresh: SharedStep = self.get_queryset().get(pk=saved.pk)
        return fresh


class PlanViewSet(ScopedViewSet):
    """Test plans. Leads make and change them."""

    queryset = TestPlan.objects.select_related("system").prefetch_related("suites", "cases")
    serializer_class = PlanSerializer
    filterset_class = PlanFilter

    def store(self, system: System, row: Any, values: dict[str, Any]) -> TestPlan:
        saved = services.save_plan(system, plan=row, by=self.person, **values)
        fresh: TestPlan = self.get_queryset().get(pk=saved.pk)
        return fresh

    def remove(self, row: Any) -> None:
        services.remove_plan(row, by=self.person)

    @extend_schema(responses=CaseSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], url_path="cases", filterset_class=None)
    def selected(self, request: Request, pk: str | None = None) -> Response:
        """The active cases that the plan selects."""
        related = ("system", "suite", "dataset", "workflow", "current")
        chosen = services.cases_of(self.get_object()).select_related(*related).defer("current__definition")
        rows = self.paginate_queryset(chosen.prefetch_related("points"))
        return self.get_paginated_response(CaseSerializer(rows, many=True, context=self.get_serializer_context()).data)
