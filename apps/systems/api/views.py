"""Systems, components, integration points and workflows over the API."""

from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.accounts.access import demand
from apps.accounts.models import Role
from apps.core.validation import refuse
from apps.systems import services
from apps.systems.api.serializers import (
    ComponentSerializer,
    PlacesSerializer,
    PointSerializer,
    SystemSerializer,
    VersionSerializer,
    WorkflowSerializer,
)
from apps.systems.models import Component, IntegrationPoint, Place, System, Workflow, WorkflowPoint
from apps.systems.rest import ScopedViewSet


class SystemFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ``/systems/``."""

    team = filters.CharFilter(field_name="team__slug")
    slug = filters.CharFilter()


class InSystemFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of everything that belongs to a system and has a short name."""

    system = filters.CharFilter(field_name="system__slug")
    slug = filters.CharFilter()


class ComponentFilter(InSystemFilter):
    """Filters of ``/components/``."""

    kind = filters.ChoiceFilter(choices=Component.Kind.choices)


class PointFilter(InSystemFilter):
    """Filters of ``/points/``."""

    consumer = filters.CharFilter(field_name="consumer__slug")
    provider = filters.CharFilter(field_name="provider__slug")
    protocol = filters.ChoiceFilter(choices=IntegrationPoint.Protocol.choices)


class SystemViewSet(ScopedViewSet):
    """Systems under test, by their short name. Leads of a team make and change them."""

    queryset = System.objects.select_related("team")
    serializer_class = SystemSerializer
    filterset_class = SystemFilter
    lookup_field = "slug"
    http_method_names = ["get", "post", "patch", "head", "options"]

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        values = dict(serializer.validated_data)
        team = values.pop("team")
        demand(self.request.user, team.pk, self.writes)
        serializer.instance = services.create_system(team, by=self.person, **values)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        system: Any = serializer.instance
        demand(self.request.user, system.team_id, self.writes)
        values = dict(serializer.validated_data)
        if values.pop("team", system.team) != system.team:
            raise refuse("team", _("It cannot be moved to another team."))
        serializer.instance = services.change_system(system, by=self.person, **values)

    @extend_schema(methods=["POST"], request=PlacesSerializer, responses={204: None})
    @extend_schema(methods=["DELETE"], request=None, responses={204: None})
    @action(detail=True, methods=["post", "delete"], http_method_names=["post", "delete", "options"])
    def places(self, request: Request, slug: str | None = None) -> Response:
        """Where components stand on the map, for the whole team: POST moves some, DELETE leaves all to the layout.

        Testers may, too: it changes nothing that is tested.
        """
        system: Any = self.get_object()
        demand(request.user, system.team_id, Role.TESTER)
        if request.method == "DELETE":
            services.forget_places(system, by=self.person)
            return Response(status=204)
        body = PlacesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data["places"]
        places = {name: Place(**place) if place else None for name, place in asked.items()}
        services.place_components(system, places, by=self.person)
        return Response(status=204)


class ComponentViewSet(ScopedViewSet):
    """Deployable parts of systems."""

    queryset = Component.objects.select_related("system")
    serializer_class = ComponentSerializer
    filterset_class = ComponentFilter

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Component:
        return services.save_component(system, component=row, by=self.person, **values)

    def remove(self, row: Any) -> None:
        services.remove_component(row, by=self.person)

    @extend_schema(methods=["GET"], responses=VersionSerializer(many=True), filters=False)
    @extend_schema(methods=["POST"], request=VersionSerializer, responses={201: VersionSerializer})
    @action(detail=True, methods=["get", "post"], filterset_class=None, serializer_class=VersionSerializer)
    def versions(self, request: Request, pk: str | None = None) -> Response:
        """The newest 200 versions of the component; POST names one (again without harm)."""
        component = self.get_object()
        if request.method == "GET":
            return Response(VersionSerializer(component.versions.all()[:200], many=True).data)
        demand(request.user, component.system.team_id, self.writes)
        body = VersionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(body.validated_data)
        version = services.add_version(component, values["name"], notes=values.get("notes", ""), by=self.person)
        return Response(VersionSerializer(version).data, status=201)


class PointViewSet(ScopedViewSet):
    """Integration points (seams) between components."""

    queryset = IntegrationPoint.objects.select_related("system", "consumer", "provider")
    serializer_class = PointSerializer
    filterset_class = PointFilter

    def store(self, system: System, row: Any, values: dict[str, Any]) -> IntegrationPoint:
        return services.save_point(system, point=row, by=self.person, **values)

    def remove(self, row: Any) -> None:
        services.remove_point(row, by=self.person)


class WorkflowViewSet(ScopedViewSet):
    """Critical paths through integration points."""

    queryset = Workflow.objects.select_related("system").prefetch_related(
        Prefetch("hops", WorkflowPoint.objects.select_related("point"))
    )
    serializer_class = WorkflowSerializer
    filterset_class = InSystemFilter

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Workflow:
        return services.save_workflow(system, workflow=row, by=self.person, **values)

    def remove(self, row: Any) -> None:
        services.remove_workflow(row, by=self.person)
