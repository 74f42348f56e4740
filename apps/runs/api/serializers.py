"""What programs read of runs and executions."""

from typing import Any

from rest_framework import serializers

from apps.core.states import State
from apps.runs.models import Attempt, Execution, ExecutionEvent, StepResult, TestRun


class RunSerializer(serializers.ModelSerializer[TestRun]):
    """A run with its counts; ``state`` is its verdict, or how it is going."""

    system = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    environment = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    plan = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    started_by = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)
    state = serializers.CharField(read_only=True)
    done = serializers.IntegerField(read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = TestRun
        fields = [
            "id",
            "number",
            "system",
            "title",
            "plan",
            "environment",
            "phase",
            "state",
            "verdict",
            "trigger",
            "priority",
            "paused_at",
            "time_limit",
            "cancel_reason",
            "rerun_of",
            "started_by",
            "seed",
            "versions",
            "shared",
            "total",
            "done",
            "passed",
            "failed",
            "blocked",
            "skipped",
            "cancelled",
            "waiting",
            "expected_ms",
            "created_at",
            "started_at",
            "finished_at",
            "url",
        ]


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    """One case × one data row of a run, without its steps."""

    case = serializers.IntegerField(source="case.number", read_only=True)
    revision = serializers.IntegerField(source="revision.number", read_only=True)
    run_number = serializers.IntegerField(source="run.number", read_only=True)
    flaky = serializers.BooleanField(source="is_flaky", read_only=True)
    assigned_to = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)
    waiting_step = serializers.SerializerMethodField(help_text="Index of the manual step that waits for a person.")

    class Meta:
        model = Execution
        fields = [
            "id",
            "run",
            "run_number",
            "position",
            "case",
            "revision",
            "title",
            "row_label",
            "row",
            "seed",
            "state",
            "attempt",
            "retries",
            "flaky",
            "needs",
            "exclusive",
            "assigned_to",
            "waiting_step",
            "worker",
            "started_at",
            "finished_at",
            "duration_ms",
            "message",
            "failure_group",
            "trace_id",
        ]

    def get_waiting_step(self, execution: Execution) -> int | None:
        """None when it waits for nobody."""
        return execution.resume_at if execution.state == State.WAITING else None


class StepResultSerializer(serializers.ModelSerializer[StepResult]):
    """What one step did; secrets are masked."""

    point = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    executed_by = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)

    class Meta:
        model = StepResult
        fields = [
            "attempt",
            "phase",
            "position",
            "path",
            "name",
            "kind",
            "point",
            "state",
            "message",
            "request",
            "response",
            "checks",
            "captured",
            "timings",
            "started_at",
            "duration_ms",
            "tries",
            "executed_by",
            "note",
        ]


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """How an attempt ended."""

    class Meta:
        model = Attempt
        fields = ["number", "state", "message", "worker", "started_at", "finished_at", "duration_ms"]


class ExecutionEventSerializer(serializers.ModelSerializer[ExecutionEvent]):
    """Who did what when: ``assigned`` (to ``assignee`` instead of ``before``) or a ``verdict`` on a manual step."""

    actor = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)
    assignee = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)
    before = serializers.SlugRelatedField[Any](slug_field="email", read_only=True)

    class Meta:
        model = ExecutionEvent
        fields = [
            "kind", "actor", "at", "assignee", "before", "attempt", "position", "step", "state", "note", "duration_ms",
        ]  # fmt: skip


class ExecutionDetailSerializer(ExecutionSerializer):
    """One execution with its steps and attempts, and what people did with it."""

    steps = StepResultSerializer(many=True, read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True, source="every_attempt")
    events = ExecutionEventSerializer(many=True, read_only=True)

    class Meta(ExecutionSerializer.Meta):
        fields = [*ExecutionSerializer.Meta.fields, "steps", "attempts", "events"]
