"""Systems, their components and versions, the integration points between them, and critical workflows."""

from typing import Any, NamedTuple, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Team
from apps.core.models import Timestamped


class SystemQuerySet(models.QuerySet["System"]):
    def visible_to(self, user: Any) -> Self:
        """Systems of the teams in which *user* is a member."""
        return self.filter(team__members=user.pk)


class System(Timestamped):
    """What is under test; the boundary of access for everything below it."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="systems")
    name = models.CharField(_("Name"), max_length=80)
    slug = models.SlugField(_("Short name"), unique=True, max_length=60)
    description = models.TextField(_("Description"), blank=True)

    objects = SystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("insights:dashboard", args=[self.slug])


class InSystemQuerySet(models.QuerySet[Any]):
    """For rows that have a ``system`` column."""

    def visible_to(self, user: Any) -> Self:
        """Rows of systems that *user* may see."""
        return self.filter(system__team__members=user.pk)


class Criticality(models.IntegerChoices):
    LOW = 1, _("Low")
    MEDIUM = 2, _("Medium")
    HIGH = 3, _("High")
    CRITICAL = 4, _("Critical")


class Place(NamedTuple):
    """A place on the map: *x* in widths of a component from the middle, *y* in layers from the top.

    Not in pixels: the map is drawn wide and narrow, and the rooms between its layers grow with their labels.
    """

    x: float
    y: float


FARTHEST = 1_000.0  # of a place from the origin, either way


def _placed_or_not() -> models.Q:
    """Both numbers or none. PostgreSQL sorts NaN behind every number: the range keeps it out, too."""
    inside = {f"map_{axis}__{side}": limit for axis in "xy" for side, limit in (("gte", -FARTHEST), ("lte", FARTHEST))}
    return models.Q(map_x__isnull=True, map_y__isnull=True) | models.Q(
        map_x__isnull=False, map_y__isnull=False, **inside
    )


class Component(Timestamped):
    """A deployable part of a System."""

    class Kind(models.TextChoices):
        SERVICE = "service", _("Service")
        DATABASE = "database", _("Database")
        QUEUE = "queue", _("Queue")
        THIRD_PARTY = "third_party", _("Third party")
        CLIENT = "client", _("Client")

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="components")
    name = models.CharField(_("Name"), max_length=80)
    slug = models.SlugField(_("Short name"), max_length=60)
    kind = models.CharField(_("Kind"), max_length=20, choices=Kind.choices, default=Kind.SERVICE)
    owner = models.CharField(_("Owner"), max_length=80, blank=True)
    repository = models.URLField(_("Repository"), blank=True)
    description = models.TextField(_("Description"), blank=True)
    # Where somebody put it on the map; see Place. None: where the layout puts it.
    map_x = models.FloatField(null=True, blank=True, editable=False)
    map_y = models.FloatField(null=True, blank=True, editable=False)

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["system", "slug"], name="component_slug_once"),
            models.CheckConstraint(condition=_placed_or_not(), name="component_map_place"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("systems:component", args=[self.system.slug, self.slug])

    @property
    def place(self) -> Place | None:
        """Where somebody put it on the map, if anybody did."""
        return None if self.map_x is None or self.map_y is None else Place(self.map_x, self.map_y)

    @property
    def icon(self) -> str:
        """Tabler icon of its kind."""
        return KIND_ICONS[self.kind]


KIND_ICONS: dict[str, str] = {
    Component.Kind.SERVICE: "box",
    Component.Kind.DATABASE: "database",
    Component.Kind.QUEUE: "stack-2",
    Component.Kind.THIRD_PARTY: "world",
    Component.Kind.CLIENT: "device-desktop",
}


class ComponentVersionQuerySet(models.QuerySet["ComponentVersion"]):
    def visible_to(self, user: Any) -> Self:
        """Versions of components that *user* may see."""
        return self.filter(component__system__team__members=user.pk)


class ComponentVersion(models.Model):
    """A version of a component that exists; Deployments say where it runs."""

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="versions")
    name = models.CharField(_("Version"), max_length=60)
    notes = models.TextField(_("Notes"), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ComponentVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["component", "name"], name="component_version_once")]

    def __str__(self) -> str:
        return f"{self.component} {self.name}"


class IntegrationPoint(Timestamped):
    """A seam: a directed edge consumer → provider, with a protocol and an operation."""

    class Protocol(models.TextChoices):
        HTTP = "http", "HTTP"
        GRAPHQL = "graphql", "GraphQL"
        GRPC = "grpc", "gRPC"
        SQL = "sql", "SQL"
        STREAM = "stream", _("Stream")
        QUEUE = "queue", _("Queue")
        WEBHOOK = "webhook", _("Webhook")
        MAIL = "mail", _("Mail")
        FILE = "file", _("File")
        OTHER = "other", _("Other")

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="points")
    consumer = models.ForeignKey(
        Component, on_delete=models.CASCADE, related_name="consumes", verbose_name=_("Consumer")
    )
    provider = models.ForeignKey(
        Component, on_delete=models.CASCADE, related_name="provides", verbose_name=_("Provider")
    )
    slug = models.SlugField(_("Short name"), max_length=80)
    protocol = models.CharField(_("Protocol"), max_length=20, choices=Protocol.choices)
    operation = models.CharField(_("Operation"), max_length=200)  # ``POST /orders``, queue ``orders.created``
    criticality = models.PositiveSmallIntegerField(
        _("Criticality"), choices=Criticality.choices, default=Criticality.MEDIUM
    )
    description = models.TextField(_("Description"), blank=True)

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(fields=["system", "slug"], name="point_slug_once"),
            models.UniqueConstraint(fields=["consumer", "provider", "protocol", "operation"], name="point_edge_once"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} → {self.provider} · {self.operation}"

    def get_absolute_url(self) -> str:
        return reverse("insights:point", args=[self.system.slug, self.slug])

    @property
    def short_operation(self) -> str:
        """The operation without the package of a gRPC service: ``Inventory/Reserve``."""
        if self.protocol != self.Protocol.GRPC:
            return self.operation
        service, slash, method = self.operation.rpartition("/")
        return f"{service.rpartition('.')[2]}{slash}{method}"

    def clean(self) -> None:
        """Both ends are components of this system, and not the same one."""
        for end in ("consumer", "provider"):
            if getattr(self, f"{end}_id") and getattr(self, end).system_id != self.system_id:
                raise ValidationError({end: _("This component belongs to another system.")})
        if self.consumer_id and self.consumer_id == self.provider_id:
            raise ValidationError({"provider": _("An integration point joins two different components.")})


class Workflow(Timestamped):
    """A critical path through integration points, from the entering data to the output."""

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="workflows")
    name = models.CharField(_("Name"), max_length=120)
    slug = models.SlugField(_("Short name"), max_length=60)
    entry = models.TextField(_("Entering data"), blank=True)
    output = models.TextField(_("Output"), blank=True)
    criticality = models.PositiveSmallIntegerField(
        _("Criticality"), choices=Criticality.choices, default=Criticality.HIGH
    )
    points = models.ManyToManyField(IntegrationPoint, through="WorkflowPoint", related_name="workflows")

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["-criticality", "name"]
        constraints = [models.UniqueConstraint(fields=["system", "slug"], name="workflow_slug_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("systems:workflow", args=[self.system.slug, self.slug])


class WorkflowPoint(models.Model):
    """One hop of a workflow; *position* starts at 1."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="hops")
    point = models.ForeignKey(IntegrationPoint, on_delete=models.CASCADE, related_name="hops")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["workflow", "position"], name="workflow_position_once")]

    def __str__(self) -> str:
        return f"{self.workflow} {self.position}"


class NumberSeries(models.Model):
    """The last short number given in a system: runs, cases and defects count from 1 in each system."""

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=20)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "name"], name="number_series_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.last}"
