"""Where the time of one step went: the phases of its last try, one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

WIDTH = 1000  # units of the drawing
_LEAST = 4  # units, so that a very short phase can still be seen
_PHASES = (
    ("dns", _("Name look-up")),
    ("connect", _("Connect")),
    ("tls", _("TLS")),
    ("first_byte", _("First byte")),
    ("transfer", _("Transfer")),
)
_ANSWER = ("answer", _("Answer"))
_BARS = 50  # passes that are drawn


@dataclass(frozen=True)
class Phase:
    """One bar, from *x* for *width* of ``WIDTH`` units."""

    name: str
    label: Any
    milliseconds: float
    x: float
    width: float


def phases(timings: Mapping[str, Any]) -> list[Phase]:
    """The phases of *timings* (milliseconds each) that took any time; empty when only the total is known.

    Kinds that do not know when the first byte came have their total, without connecting, as one phase.
    """
    spent = [(name, label, float(timings.get(name) or 0)) for name, label in _PHASES]
    if not any(ms for _name, _label, ms in spent):
        return []
    if not timings.get("first_byte"):
        spent.append((*_ANSWER, float(timings.get("total") or 0)))
    whole = max(sum(ms for _name, _label, ms in spent), float(timings.get("total") or 0))
    found, start = [], 0.0
    for name, label, ms in spent:
        if ms > 0:
            width = max(ms / whole * WIDTH, _LEAST)
            x = min(start / whole * WIDTH, WIDTH - width)
            found.append(Phase(name, label, ms, round(x, 1), round(width, 1)))
        start += ms
    return found


def timeline(passes: Sequence[Mapping[str, Any]], duration_ms: float | None) -> list[Phase]:
    """When each of *passes* of a step ran, in the time that all of it took; nothing for a single one."""
    if len(passes) < 2 or "started_ms" not in passes[0]:
        return []
    whole = max(duration_ms or 0.0, *(one["started_ms"] + one["duration_ms"] for one in passes)) or 1.0
    found = []
    for one in passes[:_BARS]:
        width = max(one["duration_ms"] / whole * WIDTH, _LEAST)
        x = min(one["started_ms"] / whole * WIDTH, WIDTH - width)
        found.append(Phase(one["state"], pass_label(one), one["duration_ms"], round(x, 1), round(width, 1)))
    return found


def pass_label(one: Mapping[str, Any]) -> str:
    """Which pass or copy it is, in words."""
    if "suite" in one:
        count = int(one.get("count") or 0)
        return f"{one['suite']} · " + ngettext("%(count)s test", "%(count)s tests", count) % {"count": count}
    words = {"number": one.get("number"), "of": one.get("of"), "copy": one.get("copy"), "name": one.get("name")}
    if one.get("copy") is None:
        text = gettext("Pass %(number)s of %(of)s") % words if one.get("of") else ""
        return f"{text} · {one['item']}" if one.get("item") else text
    name = one.get("name") or gettext("Branch %(number)s") % {"number": one.get("branch", one.get("number"))}
    return gettext("%(name)s, copy %(copy)s of %(of)s") % {**words, "name": name} if one.get("of") != 1 else str(name)
