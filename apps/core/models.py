"""Abstract bases; no tables."""

from django.db import models


class Timestamped(models.Model):
    """When the row was made and last changed (UTC)."""

    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        abstract = True
