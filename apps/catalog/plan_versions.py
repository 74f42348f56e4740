"""Which component versions a plan is meant for: as people write it, as it is kept, and where it is not so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.catalog.models import TestPlan
from apps.core.validation import refuse
from apps.systems.models import ComponentVersion, System

MOST = 20  # versions of one component
_NAME = ComponentVersion._meta.get_field("name").max_length or 0


@dataclass(frozen=True)
class Unmet:
    """A component that is deployed in another version than the plan is meant for; *deployed* "" is not at all."""

    component: str
    wanted: list[str]
    deployed: str

    def __str__(self) -> str:
        words = {"component": self.component, "wanted": _(" or ").join(self.wanted), "deployed": self.deployed}
        if not self.deployed:
            return _("%(component)s is not deployed, it should be %(wanted)s") % words
        return _("%(component)s is %(deployed)s, it should be %(wanted)s") % words


def unmet(plan: TestPlan, deployed: Mapping[str, str]) -> list[Unmet]:
    """Where *deployed* (component slug → version) is not what *plan* is meant for."""
    return [
        Unmet(component, wanted, deployed.get(component, ""))
        for component, wanted in sorted(plan.versions.items())
        if deployed.get(component) not in wanted
    ]


def checked(system: System, versions: Any) -> dict[str, list[str]]:
    """*versions* in their kept form. DomainError at the field ``versions``."""
    if not isinstance(versions, Mapping):
        raise refuse("versions", _("Give an object: component → list of versions."))
    known = set(system.components.values_list("slug", flat=True))
    if missing := sorted(str(slug) for slug in versions if slug not in known):
        raise refuse("versions", _("No such component: %(names)s") % {"names": ", ".join(missing[:10])})
    return {slug: _names(slug, versions[slug]) for slug in sorted(versions)}


def _names(component: str, names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refuse("versions", _("Give the versions of %(component)s as a list of texts.") % {"component": component})
    chosen = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not 0 < len(chosen) <= MOST or any(len(name) > _NAME for name in chosen):
        words = {"component": component, "most": MOST, "length": _NAME}
        text = _("Give 1 to %(most)s versions of %(component)s, each of at most %(length)s characters.")
        raise refuse("versions", text % words)
    return chosen


def as_text(versions: Mapping[str, list[str]]) -> str:
    """``inventory: 1.1, 1.0``, a line for each component."""
    return "\n".join(f"{component}: {', '.join(names)}" for component, names in versions.items())


def from_text(text: str) -> dict[str, list[str]]:
    """What ``as_text`` writes; a line without a colon is refused."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        component, colon, names = line.partition(":")
        if not line.strip():
            continue
        if not colon:
            raise refuse("versions", _("Line %(number)s: write “component: version, version”.") % {"number": number})
        found.setdefault(component.strip(), []).extend(name.strip() for name in names.split(","))
    return found
