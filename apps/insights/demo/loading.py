"""Loads a system from ``system.yaml`` and its cases from ``cases/<suite>/*.yaml``, through the services."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from ruamel.yaml import YAML

from apps.accounts.models import Team, User
from apps.catalog.models import TestSuite
from apps.catalog.services import save_case, save_plan, save_suite
from apps.core.errors import DomainError
from apps.environments.models import Environment
from apps.environments.services import deploy, save_dataset, save_environment, set_secret, set_variable
from apps.systems.models import Criticality, System
from apps.systems.services import add_version, create_system, save_component, save_point, save_workflow

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def read(path: Path) -> Any:
    """Data of a YAML file."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@transaction.atomic
def load(folder: Path, team: Team, by: User) -> tuple[System, bool]:
    """The system described in *folder*, and whether it was made now; a known one gets its addresses anew."""
    description = read(folder / "system.yaml")
    known = System.objects.filter(slug=description["system"]["slug"]).first()
    if known is not None:
        _addresses(known, description, by)
        return known, False
    system = create_system(team, by=by, **description["system"])
    _components(system, description, by)
    _environments(system, description, by)
    for dataset in description.get("datasets", []):
        save_dataset(system, by=by, **dataset)
    suites = _cases(system, folder / "cases", by)
    for plan in description.get("plans", []):
        chosen = [suites[name] for name in plan.pop("suites", [])]
        save_plan(system, by=by, suites=chosen, **plan)
    return system, True


def _components(system: System, description: Mapping[str, Any], by: User) -> None:
    for values in description["components"]:
        versions = values.pop("versions", [])
        component = save_component(system, by=by, **values)
        for version in versions:
            add_version(component, version["name"], by=by, notes=version.get("notes", ""))
    components = {component.slug: component for component in system.components.all()}
    for values in description["points"]:
        ends = {end: components[values.pop(end)] for end in ("consumer", "provider")}
        save_point(system, by=by, **ends, **_criticality(values))
    points = {point.slug: point for point in system.points.all()}
    for values in description.get("workflows", []):
        path = [points[slug] for slug in values.pop("points")]
        save_workflow(system, by=by, points=path, **_criticality(values))


def _criticality(values: dict[str, Any]) -> dict[str, Any]:
    word = values.pop("criticality", "medium")
    return values | {"criticality": Criticality[str(word).upper()]}


def _environments(system: System, description: Mapping[str, Any], by: User) -> None:
    for position, values in enumerate(description["environments"], start=1):
        own = {key: value for key, value in values.items() if key not in {"variables", "secrets", "deployments"}}
        environment = save_environment(system, by=by, position=position, **own)
        for slug, version in values.get("deployments", {}).items():
            component = system.components.get(slug=slug)
            deploy(environment, add_version(component, str(version), by=by), by=by)
    _addresses(system, description, by)


def _addresses(system: System, description: Mapping[str, Any], by: User) -> None:
    """Ports may differ from start to start: values with placeholders are set again, those of people are left."""
    for values in description["environments"]:
        environment = Environment.objects.filter(system=system, slug=values["slug"]).first()
        if environment is None:
            continue
        known = dict(environment.variables.values_list("name", "value"))
        for name, text in values.get("variables", {}).items():
            value = filled(str(text))
            if known.get(name) != value and (name not in known or PLACEHOLDER.search(str(text))):
                set_variable(environment, name, value, by=by)
        for name, text in values.get("secrets", {}).items():
            set_secret(environment, name, filled(str(text)), by=by)


def filled(text: str) -> str:
    """*text* with ``${NAME}`` taken from the process's environment; a missing one is a DomainError."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise DomainError("demo-address-missing", f"{match[1]} is not set; start the demo by script/server.")
        return found

    return PLACEHOLDER.sub(value, text)


def _cases(system: System, folder: Path, by: User) -> dict[str, TestSuite]:
    """Saves every case; returns the suites by the name of their folder without the number before it."""
    suites: dict[str, TestSuite] = {}
    for position, place in enumerate(sorted(path for path in folder.iterdir() if path.is_dir()), start=1):
        suite = save_suite(system, by=by, position=position, **read(place / "suite.yaml"))
        suites[place.name.partition("-")[2]] = suite
        for path in sorted(place.glob("*.yaml")):
            if path.name != "suite.yaml":
                save_case(system, suite, path.read_text(encoding="utf-8"), by, message="From the demo")
    return suites
