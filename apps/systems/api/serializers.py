"""What programs read and write of systems; rows name each other by short names."""

from typing import Any

from rest_framework import serializers

from apps.accounts.models import Team
from apps.core.rest_fields import SlugWithinField, VisibleSlugField
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, Place, System, Workflow


class SystemSerializer(serializers.ModelSerializer[System]):
    """A system; ``slug`` is suggested from the name when it is not given, and never changes."""

    team = VisibleSlugField(queryset=Team.objects.all())
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = System
        fields = ["id", "slug", "team", "name", "description", "url", "created_at", "updated_at"]
        extra_kwargs = {"slug": {"required": False}}


class InSystemSerializer(serializers.ModelSerializer[Any]):
    """Base: ``system`` by its slug; constraints are checked by the services."""

    system = VisibleSlugField(queryset=System.objects.all())


class CoordinateField(serializers.FloatField):
    """A JSON number, and no text or truth value that Python could read as one."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            return float(data)
        except OverflowError:  # more digits than a float has room for
            self.fail("invalid")


class PlaceSerializer(serializers.Serializer[Place]):
    """A place on the map: ``x`` in widths of a component from the middle, ``y`` in layers from the top."""

    x = CoordinateField()
    y = CoordinateField()


class PlacesSerializer(serializers.Serializer[Any]):
    """Components by short name; null leaves one to the layout again. Those that are not named stay."""

    places = serializers.DictField(child=PlaceSerializer(allow_null=True))


class ComponentSerializer(InSystemSerializer):
    """A deployable part of a system; ``place`` is where somebody put it on the map, set by ``/systems/…/places/``."""

    url = serializers.CharField(source="get_absolute_url", read_only=True)
    place = PlaceSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Component
        fields = [
            "id", "system", "slug", "name", "kind", "owner", "repository", "description", "place", "url",
            "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {"slug": {"required": False}}
        validators: list[Any] = []


class VersionSerializer(serializers.ModelSerializer[ComponentVersion]):
    """A version of a component."""

    class Meta:
        model = ComponentVersion
        fields = ["id", "name", "notes", "created_at"]


class PointSerializer(InSystemSerializer):
    """A seam: consumer → provider, with a protocol and an operation."""

    consumer = SlugWithinField(queryset=Component.objects.all())
    provider = SlugWithinField(queryset=Component.objects.all())
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = IntegrationPoint
        fields = [
            "id", "system", "slug", "consumer", "provider", "protocol", "operation", "criticality", "description",
            "url", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {"slug": {"required": False}}
        validators: list[Any] = []


class WorkflowSerializer(InSystemSerializer):
    """A critical path; ``points`` are the slugs of its hops, in order."""

    points = serializers.ListField(child=SlugWithinField(queryset=IntegrationPoint.objects.all()), write_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Workflow
        fields = [
            "id", "system", "slug", "name", "criticality", "entry", "output", "points", "url", "created_at",
            "updated_at",
        ]  # fmt: skip
        extra_kwargs = {"slug": {"required": False}}
        validators: list[Any] = []

    def to_representation(self, instance: Workflow) -> dict[str, Any]:
        """``points`` from the hops, which keep their order."""
        return super().to_representation(instance) | {"points": [hop.point.slug for hop in instance.hops.all()]}
