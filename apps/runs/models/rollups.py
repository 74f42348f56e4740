"""Rollups, updated in the same transaction as the results, so that a page costs the same at any size."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.catalog.models import TestCase
from apps.core.states import State
from apps.environments.models import Environment
from apps.runs.models.execution import Execution
from apps.runs.models.run import TestRun
from apps.systems.models import IntegrationPoint


class Record(models.Model):
    """Last result and history strip (letters of ``apps.core.states.LETTERS``, oldest first, at most 20).

    Several results of one run (data rows) count as one: the worst of them is the last result. What changes with each
    result has no index and no foreign key in the database, so that a result costs the table no more than one row in
    place; the run and the execution are locked or just written by whoever notes them.
    """

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices)
    strip = models.CharField(max_length=20, default="")
    last_at = models.DateTimeField()
    last_run = models.ForeignKey(
        TestRun, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )
    last_execution = models.ForeignKey(
        Execution, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        abstract = True


class CaseRecord(Record):
    """How a case last did in an environment; *duration_ms* is its last duration, for estimates."""

    case = models.ForeignKey(TestCase, on_delete=models.CASCADE, related_name="records", db_index=False)
    duration_ms = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "environment"], name="case_record_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.state}"


class PointRecord(Record):
    """How an integration point does in an environment: failed while any active case last failed there.

    The strip is in the order of time; *state* is not its last letter, since a case that passes over a seam does not
    take back what another case found there.
    """

    point = models.ForeignKey(IntegrationPoint, on_delete=models.CASCADE, related_name="records", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["point", "environment"], name="point_record_once")]

    def __str__(self) -> str:
        return f"{self.point_id} {self.state}"


class CasePointRecord(models.Model):
    """How a case last did at one integration point; *state* of the PointRecord is the worst of these."""

    case = models.ForeignKey(TestCase, on_delete=models.CASCADE, related_name="+")
    point = models.ForeignKey(IntegrationPoint, on_delete=models.CASCADE, related_name="case_records", db_index=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices)
    last_at = models.DateTimeField()
    last_run = models.ForeignKey(
        TestRun, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["point", "environment", "case"], name="case_point_record_once")]

    def __str__(self) -> str:
        return f"{self.case_id} at {self.point_id} {self.state}"


class DayCount(models.Model):
    """Final results of an environment on one day (UTC)."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="day_counts")
    day = models.DateField()
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    blocked = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "day"], name="day_count_once")]

    def __str__(self) -> str:
        return f"{self.environment_id} {self.day}"


class LatencyDay(models.Model):
    """Mergeable latency histogram of a point in an environment on one day; buckets of ``apps.runs.histogram``."""

    point = models.ForeignKey(IntegrationPoint, on_delete=models.CASCADE, related_name="latencies")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)
    total_ms = models.FloatField(default=0)
    buckets = ArrayField(models.PositiveBigIntegerField())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["point", "environment", "day"], name="latency_day_once")]

    def __str__(self) -> str:
        return f"{self.point_id} {self.day}"
