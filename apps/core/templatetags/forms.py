"""How form fields are drawn: Bootstrap's classes are given here, not in every form."""

from django import template
from django.forms import BoundField, widgets
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def input_kind(field: BoundField) -> str:
    """``checkbox`` (label beside it), ``group`` (several inputs under one legend), or ``control``."""
    widget = field.field.widget
    if isinstance(widget, widgets.CheckboxInput):
        return "checkbox"
    return "group" if isinstance(widget, widgets.RadioSelect | widgets.CheckboxSelectMultiple) else "control"


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget with the class of its kind, marked when the value was refused."""
    widget = field.field.widget
    if isinstance(widget, widgets.CheckboxInput):
        css = "form-check-input"
    else:
        css = "form-select" if isinstance(widget, widgets.Select) else "form-control"
    own = widget.attrs.get("class", "")
    refused = "is-invalid" if field.errors else ""
    return field.as_widget(attrs={"class": " ".join(part for part in (own, css, refused) if part)})
