"""Encryption of values at rest: Fernet with the keys of ``settings.FIELD_KEYS``, newest first."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import DomainError


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: bytes) -> bytes:
    """Encrypted with the newest key."""
    return _keys(tuple(settings.FIELD_KEYS)).encrypt(plain)


def decrypt(token: bytes) -> bytes:
    """The plain bytes, by whichever of the keys made *token*; DomainError ``unreadable-secret`` when none did."""
    try:
        return _keys(tuple(settings.FIELD_KEYS)).decrypt(bytes(token))
    except InvalidToken:
        detail = _("A stored secret cannot be read with the keys in INTEGHUB_FIELD_KEYS; set it again.")
        raise DomainError("unreadable-secret", detail, status=500) from None


def reencrypt(token: bytes) -> bytes:
    """The same value, encrypted with the newest key."""
    return encrypt(decrypt(token))
