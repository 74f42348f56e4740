"""What programs read and write of suites, cases and plans."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.catalog.api.fields import CaseNumberField, SuiteField
from apps.catalog.models import CaseRevision, SharedStep, TestCase, TestPlan, TestSuite
from apps.core.rest_fields import SlugWithinField, VisibleSlugField
from apps.systems.models import System, Workflow


@extend_schema_field(OpenApiTypes.STR)
class PriorityField(serializers.Field[Any, Any, Any, Any]):
    """``low``, ``medium``, ``high`` or ``critical``, as in definitions."""

    def to_representation(self, value: int) -> str:
        return TestCase.Priority(value).name.lower()


class SuiteSerializer(serializers.ModelSerializer[TestSuite]):
    """A folder of the tree of cases; ``parent`` null stands at the top."""

    system = VisibleSlugField(queryset=System.objects.all())
    parent = SuiteField(allow_null=True, required=False)  # type: ignore[assignment]  # the model calls it so

    class Meta:
        model = TestSuite
        fields = ["id", "system", "parent", "name", "description", "position", "created_at", "updated_at"]
        validators: list[Any] = []


class CaseSerializer(serializers.ModelSerializer[TestCase]):
    """A case without its definition, as in lists; ``revision`` is the number of the current one."""

    system = VisibleSlugField(queryset=System.objects.all())
    priority = PriorityField(read_only=True)
    dataset = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    points = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, many=True)
    workflow = SlugWithinField(queryset=Workflow.objects.all(), allow_null=True, required=False)
    suite = SuiteField()
    revision = serializers.IntegerField(source="current.number", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = TestCase
        fields = [
            "id", "system", "number", "key", "suite", "title", "status", "mode", "priority", "tags", "dataset",
            "points", "workflow", "revision", "url", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["number", "key", "title", "mode", "tags"]
        validators: list[Any] = []


class CaseDetailSerializer(CaseSerializer):
    """One case with its definition. To write, give ``definition`` (JSON) or ``yaml`` (text), not both.

    ``based_on`` is the revision that was edited: 409 with both changes when somebody saved another one meanwhile.
    """

    definition = serializers.JSONField(required=False, write_only=True)
    yaml = serializers.CharField(required=False, write_only=True, trim_whitespace=False, max_length=600_000)
    message = serializers.CharField(required=False, write_only=True, max_length=200, allow_blank=True)
    based_on = serializers.IntegerField(required=False, write_only=True, min_value=1)

    class Meta(CaseSerializer.Meta):
        fields = [*CaseSerializer.Meta.fields, "definition", "yaml", "message", "based_on"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("definition", "yaml") if name in attrs]
        if len(given) > 1 or (not given and self.instance is None):
            raise serializers.ValidationError({"definition": _("Give either “definition” or “yaml”.")})
        return attrs

    def to_representation(self, instance: TestCase) -> dict[str, Any]:
        """``definition`` in canonical form, as it is kept."""
        return super().to_representation(instance) | {
            "definition": instance.current.definition if instance.current else None
        }


class ImportSerializer(serializers.Serializer[Any]):
    """Several cases as YAML, a document each."""

    system = VisibleSlugField(queryset=System.objects.all())
    suite = SuiteField()
    yaml = serializers.CharField(trim_whitespace=False)


class RevisionSerializer(serializers.ModelSerializer[CaseRevision]):
    """An immutable version of a case."""

    author = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)

    class Meta:
        model = CaseRevision
        fields = ["number", "message", "author", "created_at", "definition"]


class SharedStepSerializer(serializers.ModelSerializer[SharedStep]):
    """Steps that cases call. To write, give ``definition`` (JSON) or ``yaml`` (text), not both.

    ``based_on`` is the revision that was edited: 409 when somebody saved another one meanwhile.
    """

    system = VisibleSlugField(queryset=System.objects.all())
    revision = serializers.IntegerField(source="current.number", read_only=True)
    definition = serializers.JSONField(required=False, write_only=True)
    yaml = serializers.CharField(required=False, write_only=True, trim_whitespace=False, max_length=600_000)
    message = serializers.CharField(required=False, write_only=True, max_length=200, allow_blank=True)
    based_on = serializers.IntegerField(required=False, write_only=True, min_value=1)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = SharedStep
        fields = [
            "id", "system", "slug", "title", "is_archived", "revision", "url", "definition", "yaml", "message",
            "based_on", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["slug", "title", "is_archived"]
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("definition", "yaml") if name in attrs]
        if len(given) > 1 or (not given and self.instance is None):
            raise serializers.ValidationError({"definition": _("Give either “definition” or “yaml”.")})
        return attrs

    def to_representation(self, instance: SharedStep) -> dict[str, Any]:
        """``definition`` in canonical form, as it is kept."""
        definition = instance.current.definition if instance.current else None
        return super().to_representation(instance) | {"definition": definition}


class PlanSerializer(serializers.ModelSerializer[TestPlan]):
    """Which cases to run: everything, or those of suites (ids, with all below), named ones (numbers) and tags."""

    system = VisibleSlugField(queryset=System.objects.all())
    suites = SuiteField(many=True, required=False)
    cases = CaseNumberField(many=True, required=False)
    versions = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Component slug → versions that the plan is meant for.",
    )
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = TestPlan
        fields = [
            "id", "system", "slug", "name", "description", "everything", "suites", "cases", "tags", "versions",
            "retries", "priority", "time_limit", "url", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {"slug": {"required": False}}
        validators: list[Any] = []
