"""Spanish is complete, and says nothing that the English does not."""

import re

import polib

from integhub.translations import CATALOGUE, extracted, untranslated

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def test_every_string_has_its_spanish() -> None:
    assert [message.text for message in untranslated()] == []


def test_placeholders_survive_translation() -> None:
    wrong = []
    for entry in polib.pofile(str(CATALOGUE)):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            known = set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
            if text and not set(PLACEHOLDER.findall(text)) <= known:
                wrong.append((entry.msgid, text))

    assert wrong == []


def test_extraction_reads_python_and_templates() -> None:
    places = {place.split("/")[0] for found in extracted().values() for place in found}

    assert {"apps", "templates"} <= places
