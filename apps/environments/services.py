"""Verbs on environments."""

from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

from apps.environments.models import Environment


@cache
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: bytes) -> bytes:
    """*plain* encrypted with the newest of ``FIELD_KEYS``."""
    return _keys(tuple(settings.FIELD_KEYS)).encrypt(plain)


def decrypt(ciphertext: bytes) -> bytes:
    """What was encrypted with any of ``FIELD_KEYS``."""
    return _keys(tuple(settings.FIELD_KEYS)).decrypt(ciphertext)


def values_for(environment: Environment) -> tuple[dict[str, str], dict[str, str]]:
    """Variables and (decrypted) secrets of *environment*, for the engine only."""
    variables = dict(environment.variables.values_list("name", "value"))
    secrets = {secret.name: decrypt(bytes(secret.ciphertext)).decode() for secret in environment.secrets.all()}
    return variables, secrets


def versions_deployed(environment: Environment) -> dict[str, str]:
    """Component slug → version deployed in *environment* now."""
    current = environment.deployments.filter(until__isnull=True)
    return dict(current.values_list("component__slug", "version__name"))
