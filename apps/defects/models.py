"""Defects, their evidence, root causes, retests and timeline."""

from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.models import Timestamped
from apps.defects.words import CAUSE_WORDS, DEFECT_WORDS
from apps.runs.models import Execution, FailureGroup, TestRun
from apps.systems.models import Component, ComponentVersion, InSystemQuerySet, IntegrationPoint, System


class DefectQuerySet(InSystemQuerySet):
    def unsolved(self) -> Self:
        """Defects of which nobody has shown that they are gone."""
        return self.filter(state__in=Defect.UNSOLVED)

    def failing_in(self, environments: Any) -> Self:
        """Defects with a failure in one of *environments* (ids) as evidence."""
        seen = Evidence.objects.filter(
            defect=models.OuterRef("pk"),
            kind=Evidence.Kind.FAILURE,
            execution__run__environment__in=environments,
        )
        return self.filter(models.Exists(seen))


class Defect(Timestamped):
    """Something that does not work together; *verified* only by evidence, reopened by evidence."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        IN_PROGRESS = "in_progress", _("In progress")
        FIXED = "fixed", _("Fixed")  # says a person; not yet shown by a retest
        VERIFIED = "verified", _("Verified")  # a retest passed
        REOPENED = "reopened", _("Reopened")  # failed again after a fix
        REJECTED = (
            "rejected",
            _("Rejected"),
        )  # not a defect, or will not be fixed; the reason is on the timeline

    class Severity(models.IntegerChoices):
        LOW = 1, _("Low")
        MEDIUM = 2, _("Medium")
        HIGH = 3, _("High")
        CRITICAL = 4, _("Critical")

    UNSOLVED = (State.OPEN, State.IN_PROGRESS, State.REOPENED, State.FIXED)

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="defects")
    number = models.PositiveIntegerField(editable=False)
    title = models.CharField(_("Title"), max_length=200)
    description = models.TextField(_("Description"), blank=True)
    state = models.CharField(_("State"), max_length=12, choices=State.choices, default=State.OPEN)
    severity = models.PositiveSmallIntegerField(_("Severity"), choices=Severity.choices, default=Severity.MEDIUM)
    owner = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="owned_defects",
        verbose_name=_("Owner"),
    )
    reported_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    failure_group = models.ForeignKey(FailureGroup, null=True, on_delete=models.SET_NULL, related_name="defects")
    point = models.ForeignKey(
        IntegrationPoint,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="defects",
        verbose_name=_("Integration point"),
    )
    component = models.ForeignKey(
        Component,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="defects",
        verbose_name=_("Component"),
    )
    fix_version = models.ForeignKey(
        ComponentVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="fixes",
        verbose_name=_("Fixed in version"),
    )
    closed_at = models.DateTimeField(null=True, editable=False)

    objects = DefectQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["system", "number"], name="defect_number_once")]
        indexes = [
            models.Index(fields=["system", "state", "-severity"]),
            models.Index(fields=["owner", "state"]),
            models.Index(fields=["system", "-updated_at"]),
            GinIndex(DEFECT_WORDS, name="defect_words"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def key(self) -> str:
        """Short id for people: ``D3``."""
        return f"D{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("defects:defect", args=[self.system.slug, self.number])


class RootCause(Timestamped):
    """Why it happened; one for each defect, kept for whoever meets it again."""

    class Category(models.TextChoices):
        CODE = "code", _("Code")
        CONTRACT = "contract", _("Contract between components")
        CONFIGURATION = "configuration", _("Configuration")
        DATA = "data", _("Data")
        CAPACITY = "capacity", _("Capacity or timing")
        ENVIRONMENT = "environment", _("Environment")
        TEST = "test", _("The test itself")
        THIRD_PARTY = "third_party", _("Third party")

    defect = models.OneToOneField(Defect, on_delete=models.CASCADE, related_name="root_cause")
    category = models.CharField(_("Category"), max_length=20, choices=Category.choices)
    component = models.ForeignKey(
        Component,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("Component"),
    )
    explanation = models.TextField(_("Explanation"))
    set_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [GinIndex(CAUSE_WORDS, name="root_cause_words")]

    def __str__(self) -> str:
        return self.get_category_display()


class Evidence(models.Model):
    """An execution that shows the defect, or shows that it is gone."""

    class Kind(models.TextChoices):
        FAILURE = "failure", _("Failure")
        PASS = "pass", _("Passing retest")

    defect = models.ForeignKey(Defect, on_delete=models.CASCADE, related_name="evidence")
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["defect", "execution"], name="evidence_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.execution_id}"


class Retest(models.Model):
    """A run started from a defect to see whether it is solved."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        INCONCLUSIVE = "inconclusive", _("Inconclusive")  # cancelled or blocked: no evidence either way

    defect = models.ForeignKey(Defect, on_delete=models.CASCADE, related_name="retests")
    run = models.OneToOneField(TestRun, on_delete=models.CASCADE, related_name="retest")
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.defect_id} {self.state}"


class DefectEvent(models.Model):
    """One entry of the timeline: a comment, a change, a failure seen, a retest."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("opened")
        COMMENT = "comment", _("commented")
        CHANGED = "changed", _("changed")
        STATE = "state", _("moved")
        ROOT_CAUSE = "root_cause", _("set the root cause")
        FAILURE = "failure", _("failure seen")
        RETEST = "retest", _("retest")

    defect = models.ForeignKey(Defect, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # null: IntegHub itself
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(blank=True)  # Markdown of a comment
    data = models.JSONField(default=dict)  # e.g. {"field": "severity", "from": 2, "to": 3}
    execution = models.ForeignKey(Execution, null=True, on_delete=models.SET_NULL, related_name="+")
    run = models.ForeignKey(TestRun, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["defect", "id"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%F %T}"


class Mention(models.Model):
    """A person named in a comment; waits on their dashboard until they have seen it."""

    event = models.ForeignKey(DefectEvent, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mentions")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "user"], name="mention_once")]
        indexes = [models.Index(fields=["user"], condition=models.Q(seen_at__isnull=True), name="mention_unseen")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.event_id}"
