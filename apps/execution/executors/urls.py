"""URLs that hold a password, for people."""

from urllib.parse import urlsplit, urlunsplit

from apps.execution.engine.masking import MASK


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
