"""Compiles the translations: locale/<language>/LC_MESSAGES/<domain>.po → .mo, without GNU gettext."""

import sys
from pathlib import Path

import polib

from integhub.runtime.layout import ROOT


def compile_messages(locale: Path) -> list[str]:
    """Compile every message file below *locale*; gives the languages, sorted. Raises ``OSError`` with file
    and line for a file that is not well formed."""
    sources = sorted(locale.glob("*/LC_MESSAGES/*.po"))
    for source in sources:
        polib.pofile(str(source)).save_as_mofile(str(source.with_suffix(".mo")))
    return sorted({source.parts[-3] for source in sources})


if __name__ == "__main__":
    try:
        languages = compile_messages(ROOT / "locale")
    except OSError as error:
        sys.exit(str(error))
    print(", ".join(languages) or "none yet")
