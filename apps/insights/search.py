"""The command palette's search in one system: by key (``C12``, ``#5``, ``D3``) or by words."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.catalog.models import TestCase
from apps.core.templatetags.ui import state_word
from apps.defects.models import Defect
from apps.runs.models import TestRun
from apps.systems.models import System

MOST = 20
OF_EACH = 5
NEWEST_RUNS = 2_000  # runs whose titles are searched

Entry = dict[str, str]
_KEY = re.compile(r"\s*([c#d]?)\s*(\d{1,9})\s*", re.IGNORECASE)


def search(system: System, text: str) -> list[Entry]:
    """At most 20 entries ``{group, key, label, hint, url}``; a key's own object stands first."""
    words = text.replace("\x00", " ").split()[:6]
    if not words:
        return []
    entries = _by_key(system, text)
    for find in (_cases, _defects, _points, _components, _environments, _runs):
        entries += find(system, words)
    unique = {entry["url"]: entry for entry in reversed(entries)}
    return [entry for entry in entries if unique.pop(entry["url"], None) is not None][:MOST]


def _by_key(system: System, text: str) -> list[Entry]:
    match = _KEY.fullmatch(text)
    if match is None:
        return []
    letter, number = match.group(1).lower(), int(match.group(2))
    kinds: dict[str, tuple[QuerySet[Any], Callable[[System, Any], Entry]]] = {
        "c": (system.cases.all(), _case),
        "#": (system.runs.select_related("environment"), _run),
        "d": (system.defects.all(), _defect),
    }
    return [
        make(system, found)
        for kind, (rows, make) in kinds.items()
        if letter in ("", kind)
        for found in rows.filter(number=number)
    ]


def _having(words: Iterable[str], *fields: str) -> Q:
    """Each word in one of *fields*."""
    every = Q()
    for word in words:
        some = Q()
        for name in fields:
            some |= Q(**{f"{name}__icontains": word})
        every &= some
    return every


def _cases(system: System, words: list[str]) -> list[Entry]:
    found = system.cases.exclude(status=TestCase.Status.ARCHIVED).filter(_having(words, "title"))
    return [_case(system, case) for case in found.order_by("-priority", "number")[:OF_EACH]]


def _defects(system: System, words: list[str]) -> list[Entry]:
    found = system.defects.filter(_having(words, "title"))
    return [_defect(system, defect) for defect in found.order_by("-pk")[:OF_EACH]]


def _runs(system: System, words: list[str]) -> list[Entry]:
    newest = system.runs.order_by("-pk").values("pk")[:NEWEST_RUNS]
    found = TestRun.objects.filter(_having(words, "title", "environment__name"), pk__in=newest)
    return [_run(system, run) for run in found.select_related("environment").order_by("-pk")[:OF_EACH]]


def _points(system: System, words: list[str]) -> list[Entry]:
    fields = ("slug", "operation", "consumer__name", "provider__name")
    found = system.points.filter(_having(words, *fields)).select_related("consumer", "provider")
    return [
        {
            "group": _("Integration points"),
            "key": "",
            "label": str(point),
            "hint": point.get_protocol_display(),
            "url": reverse("insights:point", args=[system.slug, point.slug]),
        }
        for point in found[:OF_EACH]
    ]


def _components(system: System, words: list[str]) -> list[Entry]:
    return [
        {
            "group": _("Components"),
            "key": "",
            "label": component.name,
            "hint": component.get_kind_display(),
            "url": reverse("systems:component", args=[system.slug, component.slug]),
        }
        for component in system.components.filter(_having(words, "name", "slug"))[:OF_EACH]
    ]


def _environments(system: System, words: list[str]) -> list[Entry]:
    return [
        {
            "group": _("Environments"),
            "key": "",
            "label": environment.name,
            "hint": "",
            "url": reverse("environments:environment", args=[system.slug, environment.slug]),
        }
        for environment in system.environments.filter(_having(words, "name", "slug"))[:OF_EACH]
    ]


def _case(system: System, case: TestCase) -> Entry:
    return {
        "group": _("Cases"),
        "key": case.key,
        "label": case.title,
        "hint": case.get_priority_display(),
        "url": reverse("insights:case", args=[system.slug, case.number]),
    }


def _run(system: System, run: TestRun) -> Entry:
    return {
        "group": _("Runs"),
        "key": f"#{run.number}",
        "label": run.title,
        "hint": f"{run.environment.name} · {state_word(run.state)}",
        "url": reverse("runs:run", args=[system.slug, run.number]),
    }


def _defect(system: System, defect: Defect) -> Entry:
    return {
        "group": _("Defects"),
        "key": defect.key,
        "label": defect.title,
        "hint": defect.get_state_display(),
        "url": reverse("defects:defect", args=[system.slug, defect.number]),
    }
