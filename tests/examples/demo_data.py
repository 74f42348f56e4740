"""The demo description as its loader sees it: ``system.yaml``, and the cases by suite."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from apps.catalog.definition import parse_yaml

DEMO = Path(__file__).parents[2] / "examples" / "shop" / "demo"
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def system() -> dict[str, Any]:
    """What ``system.yaml`` says."""
    described: dict[str, Any] = YAML(typ="safe").load((DEMO / "system.yaml").read_text())
    return described


def suites() -> dict[str, dict[str, Any]]:
    """Name and description of each suite, by its folder's name without the number."""
    files = sorted((DEMO / "cases").glob("*/suite.yaml"))
    return {_suite(file): YAML(typ="safe").load(file.read_text()) for file in files}


def cases() -> dict[str, dict[str, Any]]:
    """The canonical definition of each case by ``suite/file``."""
    files = sorted((DEMO / "cases").glob("*/*.yaml"))
    return {f"{_suite(file)}/{file.stem}": parse_yaml(file.read_text()) for file in files if file.stem != "suite"}


def resolved(values: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """*values* with each ``${NAME}`` taken from *environ*; KeyError when it is not there."""
    return {name: _PLACEHOLDER.sub(lambda hit: environ[hit[1]], value) for name, value in values.items()}


def _suite(file: Path) -> str:
    return file.parent.name.partition("-")[2]
