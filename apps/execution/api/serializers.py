"""What programs send to start and rerun."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.catalog.models import TestCase, TestPlan
from apps.catalog.services import cases_of
from apps.environments.models import Environment
from apps.systems.models import System


class StartSerializer(serializers.Serializer[Any]):
    """Start a run: a plan (slug) or cases (numbers), in an environment (slug) of a system (slug)."""

    system = serializers.SlugField()
    environment = serializers.SlugField()
    plan = serializers.SlugField(required=False)
    cases = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=10_000)
    title = serializers.CharField(required=False, max_length=200, default="")
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**62)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("plan" in attrs) == ("cases" in attrs):
            raise serializers.ValidationError(_("Give either a plan or cases."))
        user = self.context["request"].user
        system = _one(System.objects.visible_to(user).filter(slug=attrs["system"]), "system")
        chosen: dict[str, Any] = {
            "system": system,
            "environment": _one(Environment.objects.filter(system=system, slug=attrs["environment"]), "environment"),
            "title": attrs["title"],
            "seed": attrs.get("seed"),
        }
        if "plan" in attrs:
            plan = _one(TestPlan.objects.filter(system=system, slug=attrs["plan"]), "plan")
            return chosen | {"plan": plan, "cases": list(cases_of(plan).select_related("current"))}
        return chosen | {"cases": _cases(system, attrs["cases"])}


class RerunSerializer(serializers.Serializer[Any]):
    """Rerun all, what failed, or chosen executions (ids)."""

    which = serializers.ChoiceField(choices=["all", "failed", "chosen"], default="all")
    executions = serializers.ListField(child=serializers.IntegerField(), required=False, default=list)


def _one(queryset: Any, field: str) -> Any:
    found = queryset.first()
    if found is None:
        raise serializers.ValidationError({field: _("Not found.")})
    return found


def _cases(system: System, numbers: list[int]) -> list[TestCase]:
    found = {case.number: case for case in system.cases.filter(number__in=numbers).select_related("current")}
    missing = [number for number in numbers if number not in found]
    if missing:
        raise serializers.ValidationError({"cases": _("No such case: %(numbers)s") % {"numbers": missing[:20]}})
    return [found[number] for number in dict.fromkeys(numbers)]
