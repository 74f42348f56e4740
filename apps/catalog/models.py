"""Suites, cases, their immutable revisions, and plans."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.catalog.ordered_json import OrderedJSONField
from apps.core.models import Timestamped
from apps.environments.models import Dataset
from apps.systems.models import InSystemQuerySet, IntegrationPoint, System, Workflow


class RunPriority(models.TextChoices):
    """Which run workers take up first."""

    NORMAL = "normal", _("In turn")
    URGENT = "urgent", _("Before others")


RETRIES = 5  # most further attempts of a failed execution
LONGEST_RUN = 7 * 24 * 3_600  # seconds that can be set as a run's limit


class TestSuite(Timestamped):
    """A folder of the tree of cases."""

    __test__ = False

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="suites")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    name = models.CharField(_("Name"), max_length=120)
    description = models.TextField(_("Description"), blank=True)
    position = models.PositiveSmallIntegerField(_("Position"), default=0)

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["system", "parent", "name"], name="suite_name_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name


class TestCase(Timestamped):
    """A case; what it does stands in its current revision, and these columns are taken from there."""

    __test__ = False

    class Priority(models.IntegerChoices):
        LOW = 1, _("Low")
        MEDIUM = 2, _("Medium")
        HIGH = 3, _("High")
        CRITICAL = 4, _("Critical")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        ARCHIVED = "archived", _("Archived")

    class Mode(models.TextChoices):
        AUTOMATED = "automated", _("Automated")
        MANUAL = "manual", _("Manual")
        MIXED = "mixed", _("Mixed")

    BY_PERSON = (Mode.MANUAL, Mode.MIXED)  # modes that need somebody

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="cases")
    suite = models.ForeignKey(TestSuite, on_delete=models.PROTECT, related_name="cases", verbose_name=_("Suite"))
    number = models.PositiveIntegerField(editable=False)
    title = models.CharField(_("Title"), max_length=200)
    priority = models.PositiveSmallIntegerField(_("Priority"), choices=Priority.choices, default=Priority.MEDIUM)
    status = models.CharField(_("Status"), max_length=10, choices=Status.choices, default=Status.ACTIVE)
    mode = models.CharField(_("Mode"), max_length=10, choices=Mode.choices, default=Mode.AUTOMATED)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("Tags"))
    dataset = models.ForeignKey(
        Dataset,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        verbose_name=_("Data set"),
    )
    points = models.ManyToManyField(IntegrationPoint, related_name="cases", blank=True)
    workflow = models.ForeignKey(
        Workflow,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="cases",
        verbose_name=_("Workflow"),
    )
    current = models.ForeignKey("CaseRevision", null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    shared_steps: "models.ManyToManyField[SharedStep, Any]" = models.ManyToManyField(
        "SharedStep", related_name="cases", blank=True, editable=False
    )
    # What planning asks of a definition, so that it need not read ten thousand of them.
    needs = ArrayField(models.CharField(max_length=30), default=list, db_default=[], editable=False)  # restricted kinds
    exclusive = ArrayField(models.CharField(max_length=100), default=list, db_default=[], editable=False)
    retries = models.PositiveSmallIntegerField(null=True, editable=False)  # None: what the plan says

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["system", "number"], name="case_number_once")]
        indexes = [
            models.Index(fields=["system", "status", "suite"]),
            models.Index(fields=["system", "priority"]),
            GinIndex(fields=["tags"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def key(self) -> str:
        """Short id for people: ``C12``."""
        return f"C{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("insights:case", args=[self.system.slug, self.number])


class CaseRevision(models.Model):
    """An immutable version of a case; *definition* is the canonical form of docs/case-format.md."""

    case = models.ForeignKey(TestCase, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    definition = OrderedJSONField()
    message = models.CharField(_("What changed"), max_length=200, blank=True)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="revision_number_once")]

    def __str__(self) -> str:
        return f"{self.case_id} r{self.number}"


class SharedStep(Timestamped):
    """Steps that several cases call by *slug*; what they are stands in the current revision."""

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="shared_steps")
    slug = models.SlugField(_("Short name"), max_length=60)
    title = models.CharField(_("Title"), max_length=200)
    is_archived = models.BooleanField(_("Archived"), default=False)
    calls = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="called_by")
    current = models.ForeignKey(
        "SharedStepRevision", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["system", "slug"], name="shared_step_slug_once")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalog:shared-step", args=[self.system.slug, self.slug])


class SharedStepRevision(models.Model):
    """An immutable version of a shared step; a run keeps the number of each that it executes."""

    shared_step = models.ForeignKey(SharedStep, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    definition = OrderedJSONField()
    message = models.CharField(_("What changed"), max_length=200, blank=True)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["shared_step", "number"], name="shared_step_revision_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.shared_step_id} r{self.number}"


class TestPlan(Timestamped):
    """Which cases to run: those named, those of the suites (with all below them), and those with a tag."""

    __test__ = False

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="plans")
    name = models.CharField(_("Name"), max_length=120)
    slug = models.SlugField(_("Short name"), max_length=60)
    description = models.TextField(_("Description"), blank=True)
    everything = models.BooleanField(_("All active cases"), default=False)
    suites = models.ManyToManyField(TestSuite, blank=True, related_name="plans", verbose_name=_("Suites"))
    cases = models.ManyToManyField(TestCase, blank=True, related_name="plans", verbose_name=_("Cases"))
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("Tags"))
    retries = models.PositiveSmallIntegerField(
        _("Further attempts after a failure"), default=0, db_default=0, validators=[MaxValueValidator(RETRIES)]
    )
    priority = models.CharField(
        _("Priority of its runs"),
        max_length=10,
        choices=RunPriority.choices,
        default=RunPriority.NORMAL,
        db_default=RunPriority.NORMAL,
    )
    time_limit = models.PositiveIntegerField(
        _("Time limit of a run (seconds)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(LONGEST_RUN)],
    )

    # Component slug → names of the versions that it is meant for; what is not named may be of any version.
    versions = models.JSONField(_("Versions"), default=dict, db_default={}, blank=True)

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["system", "slug"], name="plan_slug_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("insights:plan", args=[self.system.slug, self.slug])
