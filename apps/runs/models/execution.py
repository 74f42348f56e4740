"""Execution: one case × one data row in one run; its attempts, step results, artifacts and failure group."""

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.catalog.models import CaseRevision, TestCase
from apps.core.states import State
from apps.runs.models.run import TestRun
from apps.systems.models import InSystemQuerySet, IntegrationPoint, System


class FailureGroup(models.Model):
    """Executions of a system that failed for the same reason (same signature)."""

    system = models.ForeignKey(System, on_delete=models.CASCADE, related_name="failure_groups")
    signature = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    kind = models.CharField(max_length=20)
    point = models.ForeignKey(IntegrationPoint, null=True, on_delete=models.SET_NULL, related_name="failure_groups")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    objects = InSystemQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen"]
        constraints = [models.UniqueConstraint(fields=["system", "signature"], name="failure_group_once")]

    def __str__(self) -> str:
        return self.title


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def visible_to(self, user: Any) -> Self:
        """Executions of systems that *user* may see."""
        return self.filter(run__system__team__members=user.pk)

    def failed(self) -> Self:
        """Executions that a person must look at."""
        return self.filter(state__in=[State.FAILED, State.BLOCKED])

    def flaky(self) -> Self:
        """Executions that passed only after a failed attempt."""
        return self.filter(state=State.PASSED, failures__gt=0)


class Execution(models.Model):
    """One case × one data row. Exactly one result is final: finishing names the claim it was handed out with."""

    # Keys that another index begins with, and those that are mostly empty, have none of their own: every change of
    # state writes to each index. Runs, cases and revisions are never removed alone, and a run is planned in the
    # transaction that makes it: looking up three keys of each of ten thousand executions would take half of its start.
    run = models.ForeignKey(
        TestRun, on_delete=models.CASCADE, related_name="executions", db_index=False, db_constraint=False
    )
    position = models.PositiveIntegerField()  # order in the run, from 1
    case = models.ForeignKey(
        TestCase, on_delete=models.CASCADE, related_name="executions", db_index=False, db_constraint=False
    )
    revision = models.ForeignKey(
        CaseRevision, on_delete=models.PROTECT, related_name="executions", db_index=False, db_constraint=False
    )
    title = models.CharField(max_length=300)
    row_label = models.CharField(max_length=120, blank=True)
    row = models.JSONField(default=dict)  # values of the data row, as they were
    seed = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)  # number of the present or last attempt
    # Counts hand-outs to workers; finishing names it, so that only the newest holder's result is stored. It is
    # not the attempt: an attempt with a manual step is handed out once before it and once after it.
    claim = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(null=True)
    message = models.TextField(blank=True)
    failure_group = models.ForeignKey(
        FailureGroup, null=True, on_delete=models.SET_NULL, related_name="executions", db_index=False
    )
    trace_id = models.CharField(max_length=32, blank=True)
    assigned_to = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_executions", db_index=False
    )
    # Where a mixed case goes on after its manual step, and its captures so far (encrypted: they may hold secrets).
    resume_at = models.PositiveSmallIntegerField(default=0)
    resume_captured = models.BinaryField(null=True)
    carried = models.CharField(max_length=10, choices=State.choices, blank=True)  # a person's verdict against it
    # How it may be executed, as planned from the case and the plan.
    needs = models.CharField(
        max_length=100, blank=True, default="", db_default=""
    )  # restricted kinds: ``browser.command``
    exclusive = ArrayField(models.CharField(max_length=100), default=list, db_default=[])
    retries = models.PositiveSmallIntegerField(default=0, db_default=0)  # further attempts after a failure
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)  # attempts that failed and were tried again
    parked_at = models.DateTimeField(null=True)  # a worker had it, but there was no place or a name was taken
    woken_at = models.DateTimeField(null=True)  # sent again since it was parked last

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="execution_position_once"),
            models.CheckConstraint(
                name="execution_lease_while_running",
                condition=models.Q(lease_until__isnull=True) | models.Q(state=State.RUNNING),
            ),
        ]
        indexes = [
            models.Index(fields=["run", "state", "position"]),
            models.Index(fields=["case", "-id"]),
            models.Index(fields=["lease_until"], condition=models.Q(state="running"), name="execution_leases"),
            models.Index(fields=["run"], condition=models.Q(failures__gt=0), name="execution_tried_again"),
            models.Index(
                fields=["run"], condition=models.Q(parked_at__isnull=False, state="queued"), name="execution_parked"
            ),
            models.Index(
                fields=["run"], condition=models.Q(state="running") & ~models.Q(exclusive=[]), name="execution_holding"
            ),
            models.Index(fields=["assigned_to"], condition=models.Q(state="waiting"), name="execution_waiting"),
            models.Index(
                fields=["assigned_to"], condition=models.Q(assigned_to__isnull=False), name="execution_assigned"
            ),
            models.Index(
                fields=["failure_group"], condition=models.Q(failure_group__isnull=False), name="execution_failed_so"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("runs:execution", args=[self.run.system.slug, self.pk])

    def every_attempt(self) -> "list[Attempt]":
        """The earlier attempts, and the one that ended the execution, which is not kept a second time."""
        earlier = [one for one in self.attempts.all() if one.number != self.attempt or self.finished_at is None]
        if self.finished_at is None or self.attempt == 0:
            return earlier
        spent = sum(one.duration_ms or 0.0 for one in earlier)
        last = Attempt(
            execution=self,
            number=self.attempt,
            state=self.state,
            message=self.message,
            worker=self.worker,
            started_at=self.started_at,
            finished_at=self.finished_at,
            duration_ms=None if self.duration_ms is None else max(0.0, self.duration_ms - spent),
        )
        return [*earlier, last]

    @property
    def is_flaky(self) -> bool:
        """Whether it passed only after a failed attempt."""
        return self.state == State.PASSED and self.failures > 0


class Attempt(models.Model):
    """How an attempt ended after which there was another; the last one is the execution itself."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices)
    message = models.TextField(blank=True)
    worker = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField()
    duration_ms = models.FloatField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["execution", "number"], name="attempt_once")]

    def __str__(self) -> str:
        return f"{self.execution_id}/{self.number}"


class StepResult(models.Model):
    """What one step did. JSON columns are bounded and masked by the engine before they come here.

    Whoever stores one holds its execution locked, so that the database need not look for that again (a sixth of what
    a result costs it).
    """

    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="steps", db_index=False, db_constraint=False
    )
    attempt = models.PositiveSmallIntegerField()
    phase = models.CharField(max_length=10, default="steps")  # ``setup``, ``steps`` or ``teardown``
    position = models.PositiveSmallIntegerField()
    # Empty but for steps inside others: ``2.1`` is the second pass, first step; deeper ones go on behind a slash.
    path = models.CharField(max_length=200, default="", db_default="", blank=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=30)
    point = models.ForeignKey(
        IntegrationPoint, null=True, on_delete=models.SET_NULL, related_name="results", db_index=False
    )
    state = models.CharField(max_length=10, choices=State.choices)
    message = models.TextField(blank=True)
    request = models.JSONField(default=dict)
    response = models.JSONField(default=dict)
    checks = models.JSONField(default=list)
    captured = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)  # ms: dns, connect, tls, first_byte, transfer, total
    started_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(null=True)
    tries = models.PositiveIntegerField(default=1)
    executed_by = models.ForeignKey(  # manual steps
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    note = models.TextField(_("Note"), blank=True)

    class Meta:
        ordering = ["attempt", "phase", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["execution", "attempt", "phase", "position", "path"], name="step_once")
        ]
        indexes = [
            models.Index(fields=["point", "-id"], condition=models.Q(point__isnull=False), name="step_of_point"),
            models.Index(fields=["executed_by"], condition=models.Q(executed_by__isnull=False), name="step_of_person"),
        ]

    def __str__(self) -> str:
        return self.name


def artifact_path(artifact: "Artifact", name: str) -> str:
    """Where an artifact's file lies below MEDIA_ROOT."""
    return f"artifacts/{artifact.execution.run_id}/{artifact.execution_id}/{name}"


class Artifact(models.Model):
    """A file kept with an execution: a screenshot, a trace, an attachment."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="artifacts")
    step = models.ForeignKey(StepResult, null=True, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    file = models.FileField(upload_to=artifact_path, max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
