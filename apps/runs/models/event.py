"""What people did with an execution: whom they asked, and how they judged its manual steps."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.states import State
from apps.runs.models.execution import Execution


class ExecutionEvent(models.Model):
    """One deed of a person. Rows are added and never changed: later attempts have events of their own."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", _("Assigned")
        VERDICT = "verdict", _("Verdict")

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    # Assigned: whom instead of whom; None is nobody.
    assignee = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    before = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    # Verdict: on which step of which attempt, and for how long the person had it.
    attempt = models.PositiveSmallIntegerField(null=True)
    position = models.PositiveSmallIntegerField(null=True)
    step = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, blank=True, default="")
    note = models.TextField(blank=True, default="")
    duration_ms = models.FloatField(null=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.kind}"
