"""What a finished stage was made from, so that it is skipped until one of its inputs changes."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def digest(paths: Iterable[Path], *extra: str) -> str:
    """SHA-256 over the names and contents of *paths* (in sorted order) and the *extra* words."""
    total = hashlib.sha256("\0".join(extra).encode())
    for path in sorted(paths):
        total.update(f"\0{path.name}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def read(path: Path) -> dict[str, str]:
    """The stamp at *path*; empty when there is none or it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(path: Path, stamp: dict[str, str]) -> None:
    """Replace the stamp at *path* in one step, so that a killed setup leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(stamp))
    fresh.replace(path)
