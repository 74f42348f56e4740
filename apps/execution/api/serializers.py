"""What programs send to start and rerun."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.catalog.models import LONGEST_RUN, RETRIES, RunPriority, TestCase, TestPlan
from apps.catalog.services import cases_of
from apps.environments.models import Environment
from apps.execution.models import Worker
from apps.execution.pages.workers import bases_in
from apps.execution.serving import notices_of
from apps.runs.api.serializers import RunSerializer
from apps.runs.models import TestRun
from apps.systems.models import System


class StartSerializer(serializers.Serializer[Any]):
    """Start a run: a plan (slug) or cases (numbers), in an environment (slug) of a system (slug).

    ``retries`` (of cases that say nothing of it), ``priority`` and ``time_limit`` (seconds) are those of the plan
    unless they are given. Where other versions are deployed than the plan is meant for, it is refused (409
    ``other-versions``) unless ``any_versions`` is true.
    """

    system = serializers.SlugField()
    environment = serializers.SlugField()
    priority = serializers.ChoiceField(choices=RunPriority.choices, required=False)
    retries = serializers.IntegerField(required=False, min_value=0, max_value=RETRIES)
    time_limit = serializers.IntegerField(required=False, min_value=10, max_value=LONGEST_RUN)
    plan = serializers.SlugField(required=False)
    cases = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=10_000)
    title = serializers.CharField(required=False, max_length=200, default="")
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**62)
    any_versions = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("plan" in attrs) == ("cases" in attrs):
            raise serializers.ValidationError(_("Give either a plan or cases."))
        user = self.context["request"].user
        system = _one(System.objects.visible_to(user).filter(slug=attrs["system"]), "system")
        chosen: dict[str, Any] = {
            "system": system,
            "environment": _one(Environment.objects.filter(system=system, slug=attrs["environment"]), "environment"),
            "title": attrs["title"],
            "any_versions": attrs["any_versions"],
            **{name: attrs.get(name) for name in ("seed", "priority", "retries", "time_limit")},
        }
        if "plan" in attrs:
            plan = _one(TestPlan.objects.filter(system=system, slug=attrs["plan"]), "plan")
            return chosen | {"plan": plan, "cases": list(cases_of(plan))}
        return chosen | {"cases": _cases(system, attrs["cases"])}


class NoticeSerializer(serializers.Serializer[Any]):
    """Work that no worker takes: why, and the command line that starts one who would."""

    queue = serializers.CharField()
    text = serializers.CharField()
    command = serializers.CharField()
    executions = serializers.IntegerField()


class UnmetSerializer(serializers.Serializer[Any]):
    """A component in another version than the plan is meant for."""

    component = serializers.CharField()
    wanted = serializers.ListField(child=serializers.CharField())
    deployed = serializers.CharField(help_text="Empty: it is not deployed.")


class EstimateSerializer(serializers.Serializer[Any]):
    """What a run would be: ``expected_ms`` is without manual steps, and a guess for those that are ``unmeasured``."""

    environment = serializers.CharField(source="environment.slug")
    cases = serializers.IntegerField()
    executions = serializers.IntegerField()
    by_person = serializers.IntegerField()
    automated = serializers.IntegerField()
    unmeasured = serializers.IntegerField()
    expected_ms = serializers.IntegerField()
    versions = serializers.DictField(child=serializers.CharField(), help_text="Deployed now, by component.")
    unmet = UnmetSerializer(many=True)
    notices = NoticeSerializer(many=True)


class RunDetailSerializer(RunSerializer):
    """A run, and what of it nobody takes."""

    notices = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "notices"]

    @extend_schema_field(NoticeSerializer(many=True))
    def get_notices(self, run: TestRun) -> list[dict[str, Any]]:
        """Empty when workers take all of it."""
        return [asdict(notice) for notice in notices_of(run)]


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    """A worker process; ``queues`` are those that environments name, ``alive`` says whether it was heard of lately."""

    queues = serializers.SerializerMethodField()
    alive = serializers.BooleanField(source="is_alive", read_only=True)
    running = serializers.IntegerField(read_only=True)

    class Meta:
        model = Worker
        fields = [
            "id",
            "name",
            "alive",
            "queues",
            "allowed",
            "version",
            "concurrency",
            "running",
            "started_at",
            "seen_at",
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_queues(self, worker: Worker) -> list[str]:
        """Without their variants, and without those of systems that the reader may not see."""
        return [queue for queue in bases_in(worker) if queue in self.context["visible_queues"]]


class RerunSerializer(serializers.Serializer[Any]):
    """Rerun all, what failed, or chosen executions (ids); with their original data rows and seeds, or new ones."""

    which = serializers.ChoiceField(choices=["all", "failed", "chosen"], default="all")
    executions = serializers.ListField(child=serializers.IntegerField(), required=False, default=list)
    data = serializers.ChoiceField(choices=["original", "new"], default="original")  # type: ignore[assignment]


def _one(queryset: Any, field: str) -> Any:
    found = queryset.first()
    if found is None:
        raise serializers.ValidationError({field: _("Not found.")})
    return found


def _cases(system: System, numbers: list[int]) -> list[TestCase]:
    found = {case.number: case for case in system.cases.filter(number__in=numbers)}
    missing = [number for number in numbers if number not in found]
    if missing:
        raise serializers.ValidationError({"cases": _("No such case: %(numbers)s") % {"numbers": missing[:20]}})
    return [found[number] for number in dict.fromkeys(numbers)]
