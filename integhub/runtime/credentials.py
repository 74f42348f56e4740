"""The secrets of one embedded start, made once and kept in a file that only its owner reads."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from integhub.runtime.progress import Failure


def _token() -> str:
    return secrets.token_urlsafe(48)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


@dataclass(frozen=True)
class Credentials:
    """Everything that must stay the same from start to start, or data and sessions are lost."""

    secret_key: str = field(default_factory=_token)
    field_keys: str = field(default_factory=_fernet_key)  # Fernet keys with commas between, newest first
    postgres: str = field(default_factory=_token)
    integhub: str = field(default_factory=_token)
    shop: str = field(default_factory=_token)
    redis: str = field(default_factory=_token)
    payments_api_key: str = field(default_factory=_token)

    def __repr__(self) -> str:
        return "Credentials(…)"


def load(path: Path) -> Credentials:
    """The credentials in the file *path*; what is missing there is generated and added. Raises ``Failure``
    for a file that cannot be read: making new ones would lock the data away for good."""
    known: dict[str, str] = {}
    if path.exists():
        try:
            known = {str(name): str(value) for name, value in json.loads(path.read_text()).items()}
        except (ValueError, AttributeError) as error:
            raise Failure(
                f"{path} is damaged ({error}). Put it back from a copy, or start over with "
                "script/server --fresh, which deletes the data that it belongs to."
            ) from error
    names = {field.name for field in fields(Credentials)}
    credentials = Credentials(**{name: value for name, value in known.items() if name in names})
    if asdict(credentials) != known:
        _write(path, known | asdict(credentials))
    return credentials


def _write(path: Path, values: dict[str, str]) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(values, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
