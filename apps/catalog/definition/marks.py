"""Marks English source strings for extraction; whoever shows them translates them."""


def _(text: str) -> str:
    """Return *text* unchanged; gettext's extraction finds the call."""
    return text
