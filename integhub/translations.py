"""Strings for people: extracted from Python and templates, merged into ``locale/*/LC_MESSAGES/django.po``.

Django's makemessages needs GNU gettext, which many machines lack; Babel reads Python, and Django's own ``templatize``
turns a template into something that Babel can read. ``python -m integhub.translations`` updates the catalogues.
"""

import io
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "es" / "LC_MESSAGES" / "django.po"
CALLS = (
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
    "npgettext",
)


@dataclass(frozen=True, order=True)
class Message:
    """One string: English, its plural ("" when it has none) and its context ("" when it has none)."""

    text: str
    plural: str = ""
    context: str = ""


def extracted() -> dict[Message, list[str]]:
    """Every message of the product → the files in which it stands."""
    found: dict[Message, list[str]] = defaultdict(list)
    for path in sorted([*ROOT.glob("apps/**/*.py"), *ROOT.glob("integhub/*.py"), *ROOT.glob("templates/**/*")]):
        if path.is_file() and path != Path(__file__).resolve() and "migrations" not in path.parts:
            place = str(path.relative_to(ROOT))
            for message in messages_of(path):
                if place not in found[message]:
                    found[message].append(place)
    return dict(found)


def messages_of(path: Path) -> Iterator[Message]:
    """Messages of one file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        source = "\n".join(line.strip() for line in templatize(source, origin=str(path)).splitlines())
    for _line, call, texts, _comments in extract_python(io.BytesIO(source.encode()), dict.fromkeys(CALLS), [], {}):
        parts = [texts] if isinstance(texts, str) else [text for text in texts or () if isinstance(text, str)]
        if parts and parts[0]:
            yield _message(str(call), parts)


def _message(call: str, parts: list[str]) -> Message:
    context = parts.pop(0) if call.startswith(("pgettext", "npgettext")) else ""
    return Message(parts[0], parts[1] if len(parts) > 1 and call.lstrip("p").startswith("n") else "", context)


def untranslated(catalogue: Path = CATALOGUE) -> list[Message]:
    """Messages without a finished translation in *catalogue*."""
    done = {
        Message(entry.msgid, entry.msgid_plural, entry.msgctxt or "")
        for entry in polib.pofile(str(catalogue))
        if entry.translated() and not entry.fuzzy
    }
    return sorted(set(extracted()) - done)


def update(catalogue: Path = CATALOGUE) -> tuple[int, int]:
    """Bring *catalogue* up to date, keeping translations; returns how many messages were added and dropped."""
    old = (
        {(e.msgid, e.msgid_plural, e.msgctxt or ""): e for e in polib.pofile(str(catalogue))}
        if catalogue.exists()
        else {}
    )
    fresh = polib.POFile(wrapwidth=110)
    fresh.metadata = {
        "Language": catalogue.parts[-3],
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    now = extracted()
    for message, places in sorted(now.items()):
        fresh.append(_entry(message, places, old.get((message.text, message.plural, message.context))))
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    fresh.save(str(catalogue))
    known = {Message(*key) for key in old}
    return len(set(now) - known), len(known - set(now))


def _entry(message: Message, places: list[str], old: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(
        msgid=message.text,
        msgid_plural=message.plural,
        msgctxt=message.context or None,
        occurrences=[(place, "") for place in places],
    )
    if "%(" in message.text:
        entry.flags.append("python-format")
    if old is not None:
        entry.msgstr, entry.msgstr_plural = old.msgstr, old.msgstr_plural
    if message.plural and not entry.msgstr_plural:
        entry.msgstr_plural = {0: "", 1: ""}
    return entry


if __name__ == "__main__":
    added, dropped = update()
    missing = untranslated()
    sys.stdout.write(f"{added} added, {dropped} dropped, {len(missing)} without translation\n")
