"""Finds the Chromium that browser steps and the browser tests drive, or installs one where that is allowed."""

import os
import shutil
import subprocess

VARIABLE = "INTEGHUB_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Path of a Chromium: the one that ``INTEGHUB_CHROMIUM`` names, else the machine's."""
    if named := os.environ.get(VARIABLE):
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def may_install() -> bool:
    """Whether this account can install packages here (root on a Debian)."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> str | None:
    """Install Chromium with apt-get; its path, or None when that did not work."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update",), ("install", "-y", "--no-install-recommends", "chromium")):
        subprocess.run(
            ["apt-get", "-qq", *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    return find()
