"""What programs read and write of environments and data sets. A secret's value only ever goes in."""

from typing import Any

from rest_framework import serializers

from apps.core.rest_fields import SlugWithinField, VisibleSlugField
from apps.environments.models import DataRow, Dataset, Deployment, Environment, Secret, Variable
from apps.systems.models import Component, System


class EnvironmentSerializer(serializers.ModelSerializer[Environment]):
    """Where cases run, with the versions deployed there now."""

    system = VisibleSlugField(queryset=System.objects.all())
    versions = serializers.SerializerMethodField(help_text="Component slug → version deployed now.")
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Environment
        fields = [
            "id", "system", "slug", "name", "description", "is_production", "position", "max_parallel", "queue",
            "versions", "url", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {"slug": {"required": False}}
        validators: list[Any] = []

    def get_versions(self, environment: Environment) -> dict[str, str]:
        """From the rows that the view fetched ahead, or as they are now."""
        rows = getattr(environment, "deployed_now", None)
        if rows is None:
            rows = environment.deployments.filter(until=None).select_related("component", "version")
        return {row.component.slug: row.version.name for row in rows}


class InEnvironmentSerializer(serializers.ModelSerializer[Any]):
    """Base: ``system`` and ``environment`` by their slugs."""

    system = VisibleSlugField(queryset=System.objects.all())
    environment = SlugWithinField(queryset=Environment.objects.all())


class VariableSerializer(InEnvironmentSerializer):
    """A value that cases name in templates."""

    value = serializers.CharField(allow_blank=True, trim_whitespace=False)

    class Meta:
        model = Variable
        fields = ["id", "system", "environment", "name", "value", "created_at", "updated_at"]
        validators: list[Any] = []


class SecretSerializer(InEnvironmentSerializer):
    """A secret without its value: ``value`` is write-only and stored encrypted."""

    value = serializers.CharField(write_only=True, trim_whitespace=False, style={"input_type": "password"})
    changed_by = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)

    class Meta:
        model = Secret
        fields = ["id", "system", "environment", "name", "value", "changed_by", "created_at", "updated_at"]
        validators: list[Any] = []


class DeploymentSerializer(InEnvironmentSerializer):
    """A version of a component in an environment; ``until`` is null for the present one."""

    component = SlugWithinField(queryset=Component.objects.all())
    version = serializers.CharField(source="version.name", max_length=60, help_text="Made when it is not known yet.")
    since = serializers.DateTimeField(required=False, help_text="Now, when it is not given.")
    deployed_by = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)

    class Meta:
        model = Deployment
        fields = ["id", "system", "environment", "component", "version", "since", "until", "deployed_by"]
        read_only_fields = ["until"]
        validators: list[Any] = []


class RowSerializer(serializers.Serializer[DataRow]):
    """A row: a JSON scalar for each column."""

    label = serializers.CharField(required=False, allow_blank=True, max_length=120)  # type: ignore[assignment]
    values = serializers.DictField(child=serializers.JSONField(allow_null=True))


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """A table of values; in lists without its rows. ``rows`` replaces the whole table."""

    system = VisibleSlugField(queryset=System.objects.all())
    columns = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    row_count = serializers.SerializerMethodField()
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Dataset
        fields = [
            "id",
            "system",
            "slug",
            "name",
            "description",
            "columns",
            "row_count",
            "url",
            "created_at",
            "updated_at",
        ]
        extra_kwargs = {"slug": {"required": False}}
        validators: list[Any] = []

    def get_row_count(self, dataset: Dataset) -> int:
        """As counted by the list's query, else now."""
        counted: int | None = getattr(dataset, "counted_rows", None)
        return dataset.rows.count() if counted is None else counted


class DatasetDetailSerializer(DatasetSerializer):
    """A data set with its rows."""

    rows = RowSerializer(many=True, required=False)
    seen_at = serializers.DateTimeField(
        write_only=True, required=False, help_text="`updated_at` of what was edited: 409 when it was saved meanwhile."
    )

    class Meta(DatasetSerializer.Meta):
        fields = [*DatasetSerializer.Meta.fields, "rows", "seen_at"]
