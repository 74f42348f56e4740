"""``manage.py rotate_secrets``: after a new key was put first in INTEGHUB_FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.environments.services import rotate_secrets


class Command(BaseCommand):
    help = "Encrypts every stored secret with the first key of INTEGHUB_FIELD_KEYS, so that older keys can go."

    def handle(self, *args: Any, **options: Any) -> None:
        count = rotate_secrets()
        self.stdout.write(f"{count} secrets are encrypted with the newest key.")
