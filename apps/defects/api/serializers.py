"""What programs read and write of defects; severities are words, rows are named by their short names."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import User
from apps.core.rest_fields import SlugWithinField, VisibleSlugField
from apps.defects.filters import SEVERITIES
from apps.defects.models import Defect, DefectEvent, Evidence, Retest, RootCause
from apps.environments.models import Environment
from apps.runs.models import Execution
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System


@extend_schema_field({"type": "string", "enum": list(SEVERITIES)})
class SeverityField(serializers.Field[Any, Any, str, Any]):
    """``low``, ``medium``, ``high`` or ``critical``."""

    def to_representation(self, value: int) -> str:
        return Defect.Severity(value).name.lower()

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or data not in SEVERITIES:
            raise serializers.ValidationError(_("One of: %(words)s") % {"words": ", ".join(SEVERITIES)})
        return int(SEVERITIES[data])


@extend_schema_field(OpenApiTypes.EMAIL)
class MemberField(serializers.SlugRelatedField[Any]):
    """A person by e-mail address, among those who share a team with the user."""

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="email", queryset=User.objects.all(), **options)

    def get_queryset(self) -> QuerySet[Any]:
        return User.objects.filter(teams__members=self.context["request"].user.pk).distinct()


class RootCauseSerializer(serializers.ModelSerializer[RootCause]):
    """Why it happened."""

    component = serializers.SlugRelatedField[Any](
        slug_field="slug", queryset=Component.objects.all(), required=False, allow_null=True
    )

    class Meta:
        model = RootCause
        fields = ["category", "component", "explanation"]

    def get_fields(self) -> dict[str, Any]:
        """Components are those of the defect's system."""
        fields = super().get_fields()
        if "defect" in self.context:
            system = self.context["defect"].system_id
            fields["component"].queryset = Component.objects.filter(system=system)  # type: ignore[attr-defined]
        return fields


class DefectSerializer(serializers.ModelSerializer[Defect]):
    """A defect. What may be written: title, description, severity, component, point, owner."""

    system = VisibleSlugField(queryset=System.objects.all())
    severity = SeverityField(required=False)
    component = SlugWithinField(queryset=Component.objects.all(), required=False, allow_null=True)
    point = SlugWithinField(queryset=IntegrationPoint.objects.all(), required=False, allow_null=True)
    owner = MemberField(required=False, allow_null=True)
    reported_by = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)
    fix_version = serializers.CharField(read_only=True, allow_null=True)
    root_cause = RootCauseSerializer(read_only=True, allow_null=True)
    key = serializers.CharField(read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Defect
        fields = [
            "id", "number", "key", "system", "title", "description", "state", "severity", "owner", "reported_by",
            "component", "point", "failure_group", "fix_version", "root_cause", "url", "created_at", "updated_at",
            "closed_at",
        ]  # fmt: skip
        read_only_fields = ["number", "state", "failure_group", "closed_at"]
        extra_kwargs = {"title": {"required": False}}

    def to_representation(self, instance: Defect) -> dict[str, Any]:
        body: dict[str, Any] = super().to_representation(instance)
        if getattr(instance, "root_cause", None) is None:
            body["root_cause"] = None
        return body


class OpenSerializer(DefectSerializer):
    """Open a defect: from an execution (id) that failed, which fills in what is not given, or with a title."""

    execution = serializers.IntegerField(required=False, write_only=True)
    another = serializers.BooleanField(
        default=False, write_only=True, help_text="Open it although the same failure has a defect that is not solved."
    )

    class Meta(DefectSerializer.Meta):
        fields = [*DefectSerializer.Meta.fields, "execution", "another"]

    def validate_execution(self, value: int) -> Execution:
        user = self.context["request"].user
        known = Execution.objects.visible_to(user).select_related("run__environment", "case", "failure_group")
        found = known.filter(pk=value).first()
        if found is None:
            raise serializers.ValidationError(_("Not found."))
        return found


class CommentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()


class AssignSerializer(serializers.Serializer[Any]):
    owner = MemberField(allow_null=True)


class EvidenceRequestSerializer(serializers.Serializer[Any]):
    """A failing execution (id) of the defect's system."""

    execution = serializers.PrimaryKeyRelatedField[Any](queryset=Execution.objects.none())

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        if "defect" in self.context:
            known = Execution.objects.filter(run__system=self.context["defect"].system_id)
            fields["execution"].queryset = known.select_related("run", "case")  # type: ignore[attr-defined]
        return fields


class FixSerializer(serializers.Serializer[Any]):
    """``version`` names a version of ``component`` (slug), by default of the defect's own."""

    version = serializers.CharField(required=False)
    component = serializers.SlugField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "version" not in attrs:
            return {"version": None}
        defect: Defect = self.context["defect"]
        slug = attrs.get("component") or (defect.component.slug if defect.component else "")
        known = ComponentVersion.objects.filter(component__system=defect.system_id, component__slug=slug)
        version = known.select_related("component").filter(name=attrs["version"]).first()
        if version is None:
            raise serializers.ValidationError({"version": _("There is no such version of the component.")})
        return {"version": version}


class RetestRequestSerializer(serializers.Serializer[Any]):
    """``environment`` (slug), by default the one in which the defect was last seen."""

    environment = serializers.SlugField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "environment" not in attrs:
            return {"environment": None}
        system = self.context["defect"].system_id
        found = Environment.objects.filter(system=system, slug=attrs["environment"]).first()
        if found is None:
            raise serializers.ValidationError({"environment": _("Not found.")})
        return {"environment": found}


class RetestSerializer(serializers.ModelSerializer[Retest]):
    """A retest; ``run`` is the id and ``run_number`` the number of its run."""

    run_number = serializers.IntegerField(source="run.number", read_only=True)
    environment = serializers.CharField(source="run.environment.slug", read_only=True)

    class Meta:
        model = Retest
        fields = ["id", "state", "run", "run_number", "environment", "created_at", "finished_at"]


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    """An execution that shows the defect (``failure``), or that it is gone (``pass``)."""

    run_number = serializers.IntegerField(source="execution.run.number", read_only=True)
    environment = serializers.CharField(source="execution.run.environment.slug", read_only=True)
    case = serializers.IntegerField(source="execution.case.number", read_only=True)
    title = serializers.CharField(source="execution.title", read_only=True)

    class Meta:
        model = Evidence
        fields = ["id", "kind", "execution", "case", "title", "run_number", "environment", "added_at"]


class EventSerializer(serializers.ModelSerializer[DefectEvent]):
    """One entry of the timeline; ``actor`` is null for what IntegHub saw itself."""

    actor = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)
    run_number = serializers.IntegerField(source="run.number", read_only=True, default=None)
    mentions = serializers.SerializerMethodField()

    class Meta:
        model = DefectEvent
        fields = ["id", "kind", "at", "actor", "text", "data", "execution", "run", "run_number", "mentions"]

    def get_mentions(self, event: DefectEvent) -> list[str]:
        return [mention.user.email for mention in event.mentions.all()]
