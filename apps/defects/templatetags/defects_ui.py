"""Template tags of defects: the mark of a state, never colour alone."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.core.templatetags.ui import icon
from apps.defects.models import Defect, Retest

register = template.Library()

MARKS = {
    Defect.State.OPEN: ("circle-dot", "failed"),
    Defect.State.IN_PROGRESS: ("progress", "running"),
    Defect.State.FIXED: ("tool", "waiting"),
    Defect.State.VERIFIED: ("rosette-discount-check", "passed"),
    Defect.State.REOPENED: ("rotate-2", "failed"),
    Defect.State.REJECTED: ("circle-off", "skipped"),
}


@register.simple_tag
def defect_mark(state: str, css: str = "") -> SafeString:
    """Icon, word and colour of a defect's state."""
    known = Defect.State(state)
    name, tone = MARKS[known]
    return format_html(
        '<span class="mark mark-still mark-{} {}" data-state="{}">{} {}</span>',
        tone,
        css,
        state,
        icon(name),
        known.label,
    )


RETESTS = {
    Retest.State.RUNNING: ("loader-2", "running", _("Retest running")),
    Retest.State.PASSED: ("circle-check", "passed", _("Retest passed")),
    Retest.State.FAILED: ("circle-x", "failed", _("Retest failed")),
    Retest.State.INCONCLUSIVE: ("help", "skipped", _("Retest showed nothing")),
}


@register.simple_tag
def retest_mark(state: str) -> SafeString:
    """Icon, word and colour of how a retest went."""
    name, tone, word = RETESTS[Retest.State(state)]
    return format_html('<span class="mark mark-{}" data-state="{}">{} {}</span>', tone, state, icon(name), word)
