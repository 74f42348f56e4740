"""Tells about keys that are not known, with the one that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from apps.catalog.definition.marks import _
from apps.catalog.definition.problems import Path, Problems


def unknown_key(problems: Problems, path: Path, name: str, known: Iterable[str]) -> None:
    """Note that *name* at *path* is not one of the *known* names."""
    names = list(known)
    close = get_close_matches(name, names, 1, 0.6)
    if close:
        problems.add(path, _("unknown key “{name}”; did you mean “{close}”?"), name=name, close=close[0])
    else:
        problems.add(path, _("unknown key “{name}”; known are {names}"), name=name, names=", ".join(names))
