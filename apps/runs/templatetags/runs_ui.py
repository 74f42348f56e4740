"""Template tags of runs: the bar of a run's counts."""

from typing import Any

from django import template

from apps.core.templatetags.ui import state_word
from apps.runs.models import TestRun
from apps.runs.pages import progress

register = template.Library()


@register.inclusion_tag("runs/bar.html")
def counts_bar(run: TestRun, size: str = "") -> dict[str, Any]:
    """The counts of *run* as one stacked bar, said in words for screen readers; *size* ``large`` on its own page."""
    words = [f"{count} {state_word(state)}" for state, count in progress.counts(run).items()]
    return {"parts": progress.bar(run), "words": ", ".join(words), "size": size, "width": progress.BAR}


@register.simple_tag
def run_elapsed(run: TestRun) -> float | None:
    """Milliseconds from the run's start until its end or now."""
    return progress.elapsed_ms(run)


@register.simple_tag
def run_left(run: TestRun) -> float | None:
    """Milliseconds that the run will probably still need."""
    return progress.left_ms(run)
