"""TestRun: one plan, case or selection, in one environment, once."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.catalog.models import RunPriority, TestPlan
from apps.core.states import State
from apps.environments.models import Environment
from apps.systems.models import InSystemQuerySet, System


def topic_of(run_id: int) -> str:
    """Live topic of a run."""
    return f"run:{run_id}"


class TestRun(models.Model):
    """A run; the counts are kept in the same transaction as the results that they count."""

    __test__ = False

    class Phase(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    class Trigger(models.TextChoices):
        PERSON = "person", _("Started by hand")
        API = "api", _("API")
        RERUN = "rerun", _("Rerun")
        RETEST = "retest", _("Retest")
        DEMO = "demo", _("Demo")

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField(editable=False)
    title = models.CharField(_("Title"), max_length=200)
    plan = models.ForeignKey(TestPlan, null=True, on_delete=models.SET_NULL, related_name="runs")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="runs")
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.QUEUED)
    verdict = models.CharField(max_length=10, choices=State.choices, blank=True)  # set when the run has ended
    trigger = models.CharField(max_length=10, choices=Trigger.choices, default=Trigger.PERSON)
    rerun_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="reruns")
    started_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="runs")
    seed = models.BigIntegerField(default=0)
    versions = models.JSONField(default=dict)  # component slug → version deployed when the run was planned

    total = models.PositiveIntegerField(default=0)
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    blocked = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(auto_now_add=True)
    dispatched_at = models.DateTimeField(null=True)  # last time its queued executions were sent to workers
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=200, blank=True, db_default="")
    paused_at = models.DateTimeField(null=True)  # nothing more is handed out while it is set
    paused_ms = models.PositiveBigIntegerField(default=0, db_default=0)  # of earlier pauses
    priority = models.CharField(
        max_length=10, choices=RunPriority.choices, default=RunPriority.NORMAL, db_default=RunPriority.NORMAL
    )
    time_limit = models.PositiveIntegerField(null=True)  # seconds from its start, pauses not counted
    shared = models.JSONField(default=dict)  # shared steps that its cases call: short name → revision
    expected_ms = models.PositiveBigIntegerField(null=True)  # estimate of the whole, from earlier durations

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["system", "number"], name="run_number_once")]
        indexes = [
            models.Index(fields=["system", "phase", "-id"]),
            models.Index(fields=["environment", "-id"]),
            models.Index(fields=["plan", "-id"]),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("runs:run", args=[self.system.slug, self.number])

    @property
    def done(self) -> int:
        """Executions with a final state."""
        return self.passed + self.failed + self.blocked + self.skipped + self.cancelled

    @property
    def is_open(self) -> bool:
        """Whether the run has not ended."""
        return self.phase in (self.Phase.QUEUED, self.Phase.RUNNING)

    @property
    def is_paused(self) -> bool:
        """Whether its queued work is held back."""
        return self.paused_at is not None and self.is_open

    @property
    def state(self) -> str:
        """What to show: the verdict of an ended run, else how it is going."""
        if self.verdict:
            return self.verdict
        if self.waiting and self.done + self.waiting == self.total:
            return State.WAITING
        return State.RUNNING if self.phase == self.Phase.RUNNING else State.QUEUED

    @property
    def topic(self) -> str:
        """Live topic of this run."""
        return topic_of(self.pk)

    def judge(self) -> str:
        """Verdict from the counts: the worst that happened; cancelled work leaves no verdict but that."""
        if self.failed:
            return State.FAILED
        if self.blocked:
            return State.BLOCKED
        if self.cancelled:
            return State.CANCELLED
        return State.PASSED if self.passed else State.SKIPPED
