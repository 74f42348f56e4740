"""Defects over the API: open, read, change, and every verb of the page."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from apps.accounts.access import demand
from apps.accounts.models import Role, User
from apps.defects import services
from apps.defects.api import serializers
from apps.defects.api.serializers import DefectSerializer, EventSerializer, EvidenceSerializer, RetestSerializer
from apps.defects.filters import DefectFilter
from apps.defects.models import Defect


class DefectViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Defect]):
    """Defects, newest first. Testers write; a refused change of state is a 409."""

    access = "api"
    serializer_class = DefectSerializer
    filterset_class = DefectFilter
    http_method_names = ["get", "post", "patch", "put", "head", "options"]

    def get_queryset(self) -> QuerySet[Defect]:
        found: QuerySet[Defect] = Defect.objects.visible_to(self.request.user).select_related(
            "system", "owner", "reported_by", "component", "point", "fix_version__component", "root_cause__component"
        )
        return found

    @extend_schema(
        request=serializers.OpenSerializer,
        responses={201: DefectSerializer, 409: OpenApiResponse(description="`defect` has its id, key and url.")},
    )
    def create(self, request: Request) -> Response:
        """Open a defect, from a failed execution or blank. While the same failure has one that is not solved, this is
        a 409 that names it, unless `another` is true."""
        body = serializers.OpenSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        system, execution = values.pop("system"), values.pop("execution", None)
        demand(request.user, system.team_id, Role.TESTER)
        return self._defect(services.open_defect(execution, system=system, by=self._user, **values), 201)

    @extend_schema(request=DefectSerializer, responses=DefectSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change title, description, severity, component, point or owner."""
        defect = self._writable()
        body = self.get_serializer(defect, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        values.pop("system", None)
        if "owner" in values:
            services.assign(defect, values.pop("owner"), by=self._user)
        return self._defect(services.change(defect, by=self._user, **values))

    @extend_schema(request=serializers.CommentSerializer, responses={201: EventSerializer})
    @action(detail=True, methods=["post"])
    def comment(self, request: Request, pk: str) -> Response:
        """Add a comment (Markdown); ``@name`` mentions a member of the team."""
        defect = self._writable()
        event = services.comment(defect, by=self._user, **self._body(serializers.CommentSerializer))
        return Response(EventSerializer(event).data, status=201)

    @extend_schema(request=serializers.AssignSerializer, responses=DefectSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Give it to a member of the team, or to nobody (null)."""
        defect = self._writable()
        return self._defect(services.assign(defect, by=self._user, **self._body(serializers.AssignSerializer)))

    @extend_schema(request=None, responses=DefectSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        """Somebody works on it."""
        return self._defect(services.start_work(self._writable(), by=self._user))

    @extend_schema(request=serializers.FixSerializer, responses=DefectSerializer)
    @action(detail=True, methods=["post"])
    def fix(self, request: Request, pk: str) -> Response:
        """Mark it as fixed, perhaps in a version."""
        defect = self._writable()
        return self._defect(services.mark_fixed(defect, by=self._user, **self._body(serializers.FixSerializer, defect)))

    @extend_schema(request=serializers.ReasonSerializer, responses=DefectSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """It is no defect, or will not be fixed."""
        defect = self._writable()
        return self._defect(services.reject(defect, by=self._user, **self._body(serializers.ReasonSerializer)))

    @extend_schema(request=serializers.ReasonSerializer, responses=DefectSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """It is not solved after all."""
        defect = self._writable()
        return self._defect(services.reopen(defect, by=self._user, **self._body(serializers.ReasonSerializer)))

    @extend_schema(request=serializers.RootCauseSerializer, responses=DefectSerializer)
    @action(detail=True, methods=["put"], url_path="root-cause")
    def root_cause(self, request: Request, pk: str) -> Response:
        """Why it happened."""
        defect = self._writable()
        services.set_root_cause(defect, by=self._user, **self._body(serializers.RootCauseSerializer, defect))
        return self._defect(defect)

    @extend_schema(request=serializers.RetestRequestSerializer, responses={201: RetestSerializer})
    @action(detail=True, methods=["post"])
    def retest(self, request: Request, pk: str) -> Response:
        """Run again what showed it; a passing retest verifies it, a failing one reopens it."""
        defect = self._writable()
        started = services.retest(defect, by=self._user, **self._body(serializers.RetestRequestSerializer, defect))
        return Response(RetestSerializer(started).data, status=201)

    @extend_schema(methods=["GET"], responses=EvidenceSerializer(many=True), filters=False)
    @extend_schema(methods=["POST"], request=serializers.EvidenceRequestSerializer, responses=DefectSerializer)
    @action(detail=True, methods=["get", "post"], filterset_class=None)
    def evidence(self, request: Request, pk: str) -> Response:
        """The newest 200 pieces of evidence; POST adds another failing execution (again without harm)."""
        if request.method == "GET":
            kept = self.get_object().evidence.select_related("execution__run__environment", "execution__case")
            return Response(EvidenceSerializer(kept.order_by("-pk")[:200], many=True).data)
        defect = self._writable()
        body = self._body(serializers.EvidenceRequestSerializer, defect)
        return self._defect(services.add_evidence(defect, by=self._user, **body))

    @extend_schema(responses=EventSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None, serializer_class=EventSerializer)
    def timeline(self, request: Request, pk: str) -> Response:
        """Everything that happened to it, newest first, in pages."""
        events: Any = self.get_object().events.select_related("actor", "run").prefetch_related("mentions__user")
        page: Any = self.paginate_queryset(events)
        return self.get_paginated_response(EventSerializer(page, many=True).data)

    @property
    def _user(self) -> User:
        """The signed-in user; the permission classes let nobody else come here."""
        return cast(User, self.request.user)

    def _writable(self) -> Defect:
        defect: Defect = self.get_object()
        demand(self.request.user, defect.system.team_id, Role.TESTER)
        return defect

    def _body(self, kind: type[Serializer[Any]], defect: Defect | None = None) -> dict[str, Any]:
        context = {**self.get_serializer_context(), **({"defect": defect} if defect else {})}
        body: Any = kind(data=self.request.data, context=context)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def _defect(self, defect: Defect, status: int = 200) -> Response:
        fresh = self.get_queryset().get(pk=defect.pk)
        return Response(DefectSerializer(fresh, context=self.get_serializer_context()).data, status=status)
