"""The functions of templates. Random values come from the execution's stored seed."""

import base64 as base64_codec
import binascii
import hashlib
import hmac
import json
import uuid as uuid_module
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from datetime import date as date_type
from random import Random
from typing import Any, Protocol
from urllib.parse import quote

import jwt as jwt_library

LONGEST_RANDOM = 10_000
_ALPHABETS = {
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "digits": "0123456789",
    "alnum": "abcdefghijklmnopqrstuvwxyz0123456789",
    "hex": "0123456789abcdef",
}


class Rendering(Protocol):
    """The templates whose functions are called: their source of random values, and where secrets are told to."""

    hide: Callable[[str], None] | None

    @property
    def random(self) -> Random: ...


CURRENT: ContextVar[Rendering] = ContextVar("templates")


def printed(value: Any) -> str:
    """How a value stands in a text: as JSON, but a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# -- random values -----------------------------------------------------------------------------------


def uuid() -> str:
    """A random UUID, the same for the same seed."""
    return str(uuid_module.UUID(int=CURRENT.get().random.getrandbits(128), version=4))


def random_int(low: int, high: int) -> int:
    """A whole number from *low* to *high*, the same for the same seed."""
    return CURRENT.get().random.randint(low, high)


def random_float(low: float, high: float, digits: int = 6) -> float:
    """A number from *low* to *high* with so many digits behind the point."""
    return round(CURRENT.get().random.uniform(low, high), digits)


def random_string(length: int = 12, alphabet: str = "alnum") -> str:
    """So many characters of an alphabet: ``alnum``, ``letters``, ``digits``, ``hex``, or the characters themselves."""
    if not 0 <= length <= LONGEST_RANDOM or not alphabet:
        raise ValueError(f"a length from 0 to {LONGEST_RANDOM} and an alphabet are needed")
    characters = _ALPHABETS.get(alphabet, alphabet)
    return "".join(CURRENT.get().random.choices(characters, k=length))


def choice(items: Any) -> Any:
    """One of the *items* of a list."""
    if not isinstance(items, list | tuple) or not items:
        raise ValueError("a list with something in it is needed")
    return CURRENT.get().random.choice(items)


# -- time ----------------------------------------------------------------------------------------------


def now(form: str = "iso", seconds: float = 0) -> str | int:
    """The time, *seconds* from now: ISO 8601 in UTC, ``epoch``, ``epoch_ms`` or a ``strftime`` format."""
    return _formed(datetime.now(UTC) + timedelta(seconds=seconds), form)


def date(
    value: Any, form: str = "", *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
) -> str | int:
    """The time *value* (ISO 8601, or seconds since 1970) moved by so much; a day without a time stays one."""
    by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if isinstance(value, str) and len(value) == 10:
        day = date_type.fromisoformat(value)
        if not form and not by.seconds and not by.microseconds:
            return (day + by).isoformat()
    moment = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _formed(moment + by, form or "iso")


def _formed(moment: datetime, form: str) -> str | int:
    if form == "iso":
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if form == "epoch":
        return int(moment.timestamp())
    if form == "epoch_ms":
        return int(moment.timestamp() * 1000)
    return moment.strftime(form)


# -- encoding and signing ------------------------------------------------------------------------------


def base64(text: Any) -> str:
    """The UTF-8 *text* in Base64."""
    return base64_codec.b64encode(printed(text).encode()).decode()


def base64_decode(text: str) -> str:
    """The UTF-8 text in Base64 *text*, also of the kind that URLs carry, with or without padding."""
    raw = text.strip().translate(str.maketrans("-_", "+/"))
    try:
        return base64_codec.b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("it is not text in Base64") from None


def url_encode(text: Any) -> str:
    """*text* as it can stand in a part of a URL."""
    return quote(printed(text), safe="")


def sha256(text: Any, form: str = "hex") -> str:
    """SHA-256 of *text* as ``hex`` or ``base64``."""
    return _digest(hashlib.sha256(printed(text).encode()).digest(), form)


def hmac_sha256(key: Any, text: Any, form: str = "hex") -> str:
    """HMAC-SHA256 of *text* as ``hex`` or ``base64``."""
    return _digest(hmac.digest(printed(key).encode(), printed(text).encode(), hashlib.sha256), form)


def _digest(digest: bytes, form: str) -> str:
    return base64_codec.b64encode(digest).decode() if form == "base64" else digest.hex()


def jwt(claims: Any, key: str, algorithm: str = "HS256", headers: Any = None) -> str:
    """A signed JSON Web Token; *key* is the secret, or the PEM text of a private key. It is masked like a secret."""
    if not isinstance(claims, Mapping):
        raise ValueError("the claims are a mapping")
    try:
        token = jwt_library.encode(dict(claims), key, algorithm, dict(headers) if headers else None)
    except (jwt_library.PyJWTError, NotImplementedError) as error:
        raise ValueError(f"the token cannot be signed: {error}") from None
    if (hide := CURRENT.get().hide) is not None:
        hide(token)
    return token


OWN = (
    uuid, random_int, random_float, random_string, choice, now, date,
    base64, base64_decode, url_encode, sha256, hmac_sha256, jwt,
)  # fmt: skip
