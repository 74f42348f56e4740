"""Environments with variables, secrets and deployments; data sets."""

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.models import Timestamped
from apps.systems.models import Component, ComponentVersion, InSystemQuerySet, System

NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"  # what a template can name
# Names that every case has already, functions of templates and words of their language (catalog.definition).
_RESERVED = """
run_id execution_id seed attempt environment
uuid now date random_int random_float random_string choice base64 base64_decode url_encode sha256 hmac_sha256 jwt
webhook mailbox
range dict namespace loop self super caller true false none True False None and or not in is if else
"""
RESERVED_NAMES = frozenset(_RESERVED.split())
is_name = RegexValidator(NAME, _("Letters, digits and underscores, not beginning with a digit."))


def not_reserved(name: str) -> None:
    """Refuses names that mean something else in templates."""
    if name in RESERVED_NAMES:
        raise ValidationError(_("“%(name)s” has a meaning of its own in templates."), params={"name": name})


class Environment(Timestamped):
    """Where cases run; *queue* names the workers that reach it, blank for the common ones."""

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(_("Name"), max_length=80)
    slug = models.SlugField(_("Short name"), max_length=40)
    description = models.TextField(_("Description"), blank=True)
    is_production = models.BooleanField(_("Production"), default=False)
    position = models.PositiveSmallIntegerField(_("Position"), default=0)
    max_parallel = models.PositiveSmallIntegerField(
        _("Executions at the same time"), default=50, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    # ``env.<slug>`` sends this environment's work to workers that stand inside its private network.
    queue = models.CharField(
        _("Queue"),
        max_length=60,
        blank=True,
        validators=[RegexValidator(r"^env\.[a-z0-9.-]+$", _("“env.” and then small letters, digits, dots, hyphens."))],
    )

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["system", "slug"], name="environment_slug_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("environments:environment", args=[self.system.slug, self.slug])


class InEnvironmentQuerySet(models.QuerySet[Any]):
    """For rows that have an ``environment`` column."""

    def visible_to(self, user: Any) -> Self:
        """Rows of environments that *user* may see."""
        return self.filter(environment__system__team__members=user.pk)


class InEnvironment(models.Model):
    """Base of what belongs to one environment."""

    class Meta:
        abstract = True

    @property
    def system(self) -> System:
        """The system of the environment."""
        system: System = self.environment.system  # type: ignore[attr-defined]
        return system


class Variable(InEnvironment, Timestamped):
    """A value that cases of an environment can name in templates."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="variables")
    name = models.CharField(_("Name"), max_length=60, validators=[is_name, not_reserved])
    value = models.TextField(_("Value"), blank=True)

    objects = InEnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="variable_once")]

    def __str__(self) -> str:
        return self.name


class Secret(InEnvironment, Timestamped):
    """An encrypted value; written, used and masked, never shown again."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(_("Name"), max_length=60, validators=[is_name, not_reserved])
    ciphertext = models.BinaryField(editable=False)
    changed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = InEnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="secret_once")]

    def __str__(self) -> str:
        return self.name


class Deployment(InEnvironment):
    """A component version deployed in an environment; *until* is null for the present one."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="deployments")
    version = models.ForeignKey(ComponentVersion, on_delete=models.CASCADE, related_name="deployments")
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="deployments")
    since = models.DateTimeField(_("Since"))
    until = models.DateTimeField(_("Until"), null=True, blank=True)
    deployed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = InEnvironmentQuerySet.as_manager()

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
    columns = models.JSONField(default=list, blank=True)  # names, in order

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["system", "slug"], name="dataset_slug_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("environments:dataset", args=[self.system.slug, self.slug])


class DataRow(models.Model):
    """One row: ``values`` maps each column of its Dataset to a JSON scalar."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    label = models.CharField(_("Label"), max_length=120, blank=True)
    values = models.JSONField(default=dict, blank=True)

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
