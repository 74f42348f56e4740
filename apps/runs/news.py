"""What open pages hear of a run: which executions changed, and how far it is.

Events are folded on their way to a page: of what happened since its last ones it hears how it is now, and only of the
executions that it shows.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.core.live import News

MOST = 1_000  # changes that are told one by one; of more a page asks by itself


def of_changes(changed: Mapping[int, str]) -> dict[str, Any]:
    """Data of an event ``executions``: ``{"changes": [[id, state], …]}``, or ``{"many": true}``."""
    return {"changes": list(changed.items())} if len(changed) <= MOST else {"many": True}


def folded(news: Sequence[News], shown: range | None) -> list[News]:
    """*news* (name, JSON) of one run with each name once, the last in time; changes only within *shown* (ids)."""
    changed: dict[int, str] = {}
    last: dict[bytes, bytes] = {}
    many = False
    for name, data in news:
        if name != b"executions":
            last.pop(name, None)  # so that it stands where it came last
            last[name] = data
            continue
        told = json.loads(data)
        many |= told.get("many", False)
        changed |= {pk: state for pk, state in told.get("changes", ()) if shown is None or pk in shown}
    if many:
        return [(b"executions", b'{"many":true}'), *last.items()]
    told = [(b"executions", json.dumps(of_changes(changed), separators=(",", ":")).encode())] if changed else []
    return [*told, *last.items()]


def folded_by_run(news: Sequence[News]) -> list[News]:
    """*news* of a system with the progress of each run once; the rest as it is."""
    last: dict[tuple[bytes, Any], News] = {}
    for place, (name, data) in enumerate(news):
        key = (name, json.loads(data).get("number") if name == b"runs" else place)
        last.pop(key, None)
        last[key] = (name, data)
    return list(last.values())
