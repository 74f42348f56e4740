"""The Celery application: ``celery -A integhub.celery worker``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integhub.settings")

app = Celery("integhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
