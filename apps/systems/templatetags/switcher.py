"""The systems among which a person switches, for the navigation."""

from django import template
from django.db.models import QuerySet
from django.template.context import RequestContext

from apps.systems.models import System

register = template.Library()
SHOWN = 30


@register.simple_tag(takes_context=True)
def my_systems(context: RequestContext) -> QuerySet[System]:
    """Systems of the user's teams, by team and name; one query, at most 30 rows."""
    visible = System.objects.visible_to(context["request"].user).select_related("team")
    return visible.order_by("team__name", "name")[:SHOWN]
