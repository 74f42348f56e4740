"""Production settings refuse to start insecurely."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GOOD = {
    "INTEGHUB_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEF",
    "INTEGHUB_FIELD_KEYS": "key",
    "DATABASE_URL": "postgresql://x@127.0.0.1/x",
    "REDIS_URL": "redis://127.0.0.1/0",
    "INTEGHUB_BASE_URL": "https://integhub.example",
}
SHOW = (
    "from integhub import settings as s;"
    "print(s.DEBUG, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.ALLOWED_HOSTS)"
)


def started(**changes: str) -> subprocess.CompletedProcess[str]:
    """The settings, loaded by a process that has nothing of the embedded start."""
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("INTEGHUB_", "DATABASE", "REDIS"))
    }
    variables |= {name: value for name, value in (GOOD | changes).items() if value}
    return subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60
    )


def test_production_is_secure_by_default() -> None:
    assert started().stdout.strip() == "False True True True ['integhub.example']"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"INTEGHUB_SECRET_KEY": ""}, "INTEGHUB_SECRET_KEY"),
        ({"INTEGHUB_SECRET_KEY": "short"}, "INTEGHUB_SECRET_KEY"),
        ({"INTEGHUB_SECRET_KEY": "x" * 60}, "INTEGHUB_SECRET_KEY"),
        ({"INTEGHUB_FIELD_KEYS": ""}, "INTEGHUB_FIELD_KEYS"),
        ({"INTEGHUB_DEBUG": "1"}, "INTEGHUB_DEBUG"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
    ],
)
def test_what_would_be_insecure_is_refused_by_name(changes: dict[str, str], named: str) -> None:
    refused = started(**changes)

    assert refused.returncode != 0
    assert f"ImproperlyConfigured: {named}" in refused.stderr
