"""Environments, variables, secrets, deployments and data sets over the API."""

from typing import Any, ClassVar

from django.db.models import Count, Prefetch
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters

from apps.accounts.models import Role, Scope
from apps.core.validation import refuse
from apps.environments import services
from apps.environments.api.serializers import (
    DatasetDetailSerializer,
    DatasetSerializer,
    DeploymentSerializer,
    EnvironmentSerializer,
    SecretSerializer,
    VariableSerializer,
)
from apps.environments.models import Dataset, Deployment, Environment, Secret, Variable
from apps.systems.models import System
from apps.systems.rest import ScopedViewSet


class NamedFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of what belongs to a system and has a short name."""

    system = filters.CharFilter(field_name="system__slug")
    slug = filters.CharFilter()


class EnvironmentFilter(NamedFilter):
    """Filters of ``/environments/``."""

    is_production = filters.BooleanFilter()


class InEnvironmentFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of what belongs to an environment."""

    system = filters.CharFilter(field_name="environment__system__slug")
    environment = filters.CharFilter(field_name="environment__slug")


class NameFilter(InEnvironmentFilter):
    """Filters of variables and secrets."""

    name = filters.CharFilter()


class DeploymentFilter(InEnvironmentFilter):
    """Filters of ``/deployments/``; ``current=true`` leaves out what was replaced."""

    component = filters.CharFilter(field_name="component__slug")
    version = filters.CharFilter(field_name="version__name")
    current = filters.BooleanFilter(field_name="until", lookup_expr="isnull")


class EnvironmentViewSet(ScopedViewSet):
    """Environments. One in which runs were made cannot be removed."""

    queryset = Environment.objects.select_related("system").prefetch_related(
        Prefetch(
            "deployments",
            Deployment.objects.filter(until=None).select_related("component", "version"),
            to_attr="deployed_now",
        )
    )
    serializer_class = EnvironmentSerializer
    filterset_class = EnvironmentFilter

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Environment:
        return services.save_environment(system, environment=row, by=self.person, **values)

    def remove(self, row: Any) -> None:
        services.remove_environment(row, by=self.person)


class InEnvironmentViewSet(ScopedViewSet):
    """Base of what belongs to an environment, which never changes."""

    def environment_of(self, row: Any, values: dict[str, Any]) -> Environment:
        """The environment named in the request; that of *row* when there is one."""
        named: Environment | None = values.pop("environment", None)
        if row is None:
            assert named is not None  # noqa: S101 (the serializer demands it)
            return named
        if named is not None and named != row.environment:
            raise refuse("environment", _("It cannot be moved to another environment."))
        present: Environment = row.environment
        return present


class VariableViewSet(InEnvironmentViewSet):
    """Variables of environments; POST sets one, whether it is there or not."""

    queryset = Variable.objects.select_related("environment__system")
    serializer_class = VariableSerializer
    filterset_class = NameFilter

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Variable:
        environment = self.environment_of(row, values)
        was = row.name if row else ""
        name, value = values.get("name", was), values.get("value", row.value if row else "")
        return services.set_variable(environment, name, value, was=was, by=self.person)

    def remove(self, row: Any) -> None:
        services.remove_variable(row.environment, row.name, by=self.person)


class SecretViewSet(InEnvironmentViewSet):
    """Names of secrets; POST sets or replaces a value, which is never given back."""

    queryset = Secret.objects.select_related("environment__system", "changed_by").defer("ciphertext")
    serializer_class = SecretSerializer
    filterset_class = NameFilter

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Secret:
        environment = self.environment_of(row, values)
        name = values.get("name", row.name if row else "")
        if row is not None and name != row.name:
            raise refuse("name", _("A secret is not renamed: set the new name, and remove this one."))
        if "value" not in values:
            raise refuse("value", _("A secret needs a value."))
        return services.set_secret(environment, name, values["value"], by=self.person)

    def remove(self, row: Any) -> None:
        services.remove_secret(row.environment, row.name, by=self.person)


class DeploymentViewSet(InEnvironmentViewSet):
    """What was deployed where; POST says what runs from now on, for pipelines. DELETE of a present one ends it."""

    queryset = Deployment.objects.select_related("environment__system", "component", "version", "deployed_by")
    serializer_class = DeploymentSerializer
    token_scopes: ClassVar = {"create": Scope.RUN}
    filterset_class = DeploymentFilter
    http_method_names = ["get", "post", "delete", "head", "options"]

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Deployment:
        environment = self.environment_of(row, values)
        version = values["version"]["name"]
        return services.deploy_named(environment, values["component"], version, at=values.get("since"), by=self.person)

    def remove(self, row: Any) -> None:
        if row.until is not None:
            raise refuse("until", _("It ended already; what was deployed stays on record."))
        services.withdraw(row.environment, row.component, by=self.person)


class DatasetViewSet(ScopedViewSet):
    """Data sets; testers write them. Rows come with a single data set, not with the list."""

    writes = Role.TESTER
    queryset = Dataset.objects.select_related("system").annotate(counted_rows=Count("rows"))
    filterset_class = NamedFilter

    def get_serializer_class(self) -> type[DatasetSerializer]:
        """With rows unless many are listed."""
        return DatasetSerializer if self.action == "list" else DatasetDetailSerializer

    def store(self, system: System, row: Any, values: dict[str, Any]) -> Dataset:
        return services.save_dataset(system, dataset=row, by=self.person, **values)

    def remove(self, row: Any) -> None:
        services.remove_dataset(row, by=self.person)
