"""Subjects that every kind has."""

from apps.catalog.definition.fields import Subject
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import NUMERIC


def duration() -> Subject:
    """How long the step took, in milliseconds."""
    return Subject(name="duration", label=_("Duration (ms)"), value="number", operators=NUMERIC)
