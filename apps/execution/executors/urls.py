"""Parts of URLs: ports, and passwords that people must not see."""

from urllib.parse import urlsplit, urlunsplit

from apps.execution.engine.masking import MASK

_LAST_PORT = 65_535


def is_port(text: str) -> bool:
    """Whether *text* is a port that can be connected to."""
    return text.isascii() and text.isdigit() and 0 < int(text[:6]) <= _LAST_PORT


def without_password(url: str) -> str:
    """*url* with its password masked, whether or not the password is a known secret."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return MASK
    if not password:
        return url
    userinfo, _, place = parts.netloc.rpartition("@")
    user = userinfo.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}:{MASK}@{place}"))
