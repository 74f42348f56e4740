"""What the editor's scripts say; sentences with a place are filled in by the script (``{name}``)."""

from django.utils.translation import gettext_lazy as _

_WORDS = {
    "none": _("none"),
    "add": _("Add {name}"),
    "remove": _("Remove {name}"),
    "value": _("Value"),
    "name": _("Name"),
    "within": _("give or take"),
    "at_name": _("Name"),
    "at_jsonpath": _("JSONPath, e.g. $.id"),
    "at_xpath": _("XPath, e.g. //h1"),
    "at_regex": _("Pattern"),
    "what": _("What"),
    "by": _("Look by"),
    "by_role": _("Role"),
    "by_label": _("Label"),
    "by_text": _("Text"),
    "by_placeholder": _("Placeholder"),
    "by_test_id": _("Test id"),
    "by_css": _("CSS"),
    "by_written": _("As written"),
    "at_locator": _("Where, e.g. role=heading"),
    "at_attribute": _("Where @ attribute, e.g. a.help @ href"),
    "true": _("yes"),
    "false": _("no"),
    "unknown": _("{name} (not known here)"),
    "not_json": _("Not valid JSON: {reason}"),
    "capture_twice": _("“{name}” is kept twice."),
    "capture_name": _("Give the value a name."),
    "implied": _("Checked anyway: {checks}"),
    "moved": _("Step {number} of {count}"),
    "removed": _("Removed: {name}"),
    "added": _("Added: {name}"),
    "copied": _("Copied: {name}"),
    "unnamed": _("Step {number}"),
    "problems": _("{count} problems to solve"),
    "problem": _("1 problem to solve"),
    "valid": _("Valid"),
    "checking": _("Checking…"),
    "place": _("line {line}, column {column}"),
    "not_sent": _("The server did not answer. Nothing is lost: try again."),
    "no_form": _("The form cannot show everything in this case; it stays as YAML."),
    "saved_over": _("Save mine over it"),
    "leave": _("What you changed is not saved. Leave all the same?"),
    "trying": _("Waiting for a worker…"),
    "seconds": _("{seconds} s"),
    "named": _("by name"),
    "in_order": _("in order"),
    "shared": _("Shared: {name}"),
    "needed": _("needed"),
}


def words() -> dict[str, str]:
    """Texts by key, in the reader's language."""
    return {key: str(text) for key, text in _WORDS.items()}
