"""Template tags of insights: how much slower or faster than before."""

from django import template
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.insights.metrics import NOTABLE

register = template.Library()


@register.simple_tag
def change(share: float | None) -> SafeString:
    """``▲ 32 %`` in red when slower by that much, ``▼ 8 %`` when faster, a dash when not comparable."""
    if share is None:
        return format_html('<span class="delta" title="{}">–</span>', _("Too few measurements to compare"))
    sign = "▲" if share > 0 else "▼"
    tone = "failed" if share >= NOTABLE else "passed" if share <= -NOTABLE else ""
    word = _("slower") if share > 0 else _("faster")
    number = formats.number_format(abs(share) * 100, 0)
    return format_html(
        '<span class="delta {}">{} {} %<span class="visually-hidden"> {}</span></span>',
        f"tone-{tone} tone-text" if tone else "",
        sign,
        number,
        word,
    )
