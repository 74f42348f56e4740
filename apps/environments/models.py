"""Environments with variables, secrets and deployments; data sets."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.models import Timestamped
from apps.systems.models import Component, ComponentVersion, InSystemQuerySet, System

NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"  # what a template can name


class Environment(Timestamped):
    """Where cases run; *queue* names the workers that reach it, blank for the common ones."""

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(_("Name"), max_length=80)
    slug = models.SlugField(_("Short name"), max_length=40)
    description = models.TextField(_("Description"), blank=True)
    is_production = models.BooleanField(_("Production"), default=False)
    position = models.PositiveSmallIntegerField(_("Position"), default=0)
    max_parallel = models.PositiveSmallIntegerField(_("Executions at the same time"), default=50)
    # ``env.<slug>`` sends this environment's work to workers that stand inside its private network.
    queue = models.CharField(_("Queue"), max_length=60, blank=True, validators=[RegexValidator(r"^env\.[a-z0-9.-]+$")])

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["system", "slug"], name="environment_slug_once")]

    def __str__(self) -> str:
        return self.name


class Variable(Timestamped):
    """A value that cases of an environment can name in templates."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="variables")
    name = models.CharField(_("Name"), max_length=60)
    value = models.TextField(_("Value"), blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="variable_once")]

    def __str__(self) -> str:
        return self.name


class Secret(Timestamped):
    """An encrypted value; written, used and masked, never shown again."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(_("Name"), max_length=60)
    ciphertext = models.BinaryField(editable=False)
    changed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="secret_once")]

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """A component version deployed in an environment; *until* is null for the present one."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="deployments")
    version = models.ForeignKey(ComponentVersion, on_delete=models.CASCADE, related_name="deployments")
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="deployments")
    since = models.DateTimeField(_("Since"))
    until = models.DateTimeField(_("Until"), null=True, blank=True)
    deployed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "component"],
                condition=models.Q(until__isnull=True),
                name="deployment_current_once",
            )
        ]
        indexes = [models.Index(fields=["environment", "-since"])]

    def __str__(self) -> str:
        return f"{self.version} @ {self.environment}"


class Dataset(Timestamped):
    """A table of values; each row turns a case into one execution."""

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(_("Name"), max_length=80)
    slug = models.SlugField(_("Short name"), max_length=60)
    description = models.TextField(_("Description"), blank=True)
    columns = models.JSONField(default=list)

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["system", "slug"], name="dataset_slug_once")]

    def __str__(self) -> str:
        return self.name


class DataRow(models.Model):
    """One row: ``values`` maps each column of its Dataset to a JSON scalar."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    label = models.CharField(_("Label"), max_length=120, blank=True)
    values = models.JSONField(default=dict)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "position"],
                name="datarow_position_once",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]

    def __str__(self) -> str:
        return self.label or f"#{self.position}"
