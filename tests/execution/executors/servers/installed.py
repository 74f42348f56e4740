"""Servers from Debian's packages: there in CI, left out loudly where nobody installed them."""

import os
import shutil
from pathlib import Path

import pytest


def needed(program: str, package: str) -> Path:
    """Where *program* is. Without it the test is skipped; in CI it fails."""
    found = shutil.which(
        program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/rabbitmq/bin"])
    )
    if found is None:
        words = f"{program} is not installed (apt-get install {package}): its steps were NOT tested"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return Path(found)
