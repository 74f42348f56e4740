"""The record of what happened."""

from apps.runs.models.event import ExecutionEvent
from apps.runs.models.execution import Artifact, Attempt, Execution, FailureGroup, StepResult
from apps.runs.models.rollups import CasePointRecord, CaseRecord, DayCount, LatencyDay, PointRecord
from apps.runs.models.run import TestRun, topic_of

__all__ = [
    "Artifact",
    "Attempt",
    "CasePointRecord",
    "CaseRecord",
    "DayCount",
    "Execution",
    "ExecutionEvent",
    "FailureGroup",
    "LatencyDay",
    "PointRecord",
    "StepResult",
    "TestRun",
    "topic_of",
]
