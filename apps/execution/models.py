"""Worker processes as they tell of themselves, and their shares of what an environment can take."""

from datetime import timedelta
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from apps.environments.models import Environment

SILENT_AFTER = timedelta(seconds=20)  # heartbeats come every few seconds
SHARED = "execution"  # queue of environments that name none of their own
FORGOTTEN_AFTER = timedelta(days=1)


def queues_of(user: Any) -> list[str]:
    """Queues of the environments that *user* may see."""
    queues = Environment.objects.filter(system__team__members=user.pk).values_list("queue", flat=True).distinct()
    return sorted({queue or SHARED for queue in queues.order_by()})


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        """Those that were heard of lately."""
        return self.filter(seen_at__gte=Now() - SILENT_AFTER)

    def visible_to(self, user: Any) -> Self:
        """Those that take work of an environment that *user* may see."""
        return self.listening_to(queues_of(user))

    def listening_to(self, queues: list[str]) -> Self:
        """Those that take work from at least one of *queues*."""
        return self.filter(queues__overlap=queues)

    def lost_first(self) -> Self:
        """By name, those that fell silent before the others."""
        silent = models.ExpressionWrapper(models.Q(seen_at__lt=Now() - SILENT_AFTER), models.BooleanField())
        return self.order_by(silent.desc(), "name")


class Worker(models.Model):
    """A worker's main process; one that ends properly takes its row away."""

    name = models.CharField(max_length=120, unique=True)  # ``host:pid``, as executions name it
    queues = ArrayField(models.CharField(max_length=100), default=list)
    allowed = ArrayField(models.CharField(max_length=30), default=list)  # restricted step kinds
    version = models.CharField(max_length=40, blank=True)
    concurrency = models.PositiveSmallIntegerField(default=1)  # child processes
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    lost_at = models.DateTimeField(null=True)  # when the sweeper noticed that it is silent

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_alive(self) -> bool:
        """Whether it was heard of lately."""
        return self.seen_at >= timezone.now() - SILENT_AFTER


class Share(models.Model):
    """How many executions one chunk may run at once in an environment; all shares together keep to its limit."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="shares")
    holder = models.CharField(max_length=120, unique=True)  # ``host:pid:number``
    wanted = models.PositiveSmallIntegerField()
    held = models.PositiveSmallIntegerField()
    until = models.DateTimeField()  # a lost worker's share ends then

    def __str__(self) -> str:
        return f"{self.holder} {self.held}"
