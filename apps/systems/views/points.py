"""Integration points: describe and change them. Their page, with results, is in ``insights``."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.forms import saved
from apps.systems import services
from apps.systems.access import SystemRequest, system_page
from apps.systems.forms import PointForm
from apps.systems.models import System
from apps.systems.views.pages import form_page, onward


@system_page(Role.LEAD)
def point_new(request: SystemRequest, system: System) -> HttpResponse:
    """Add a seam; ``?consumer=`` and ``?provider=`` (short names) choose its ends."""
    ends = {end: system.components.filter(slug=request.GET.get(end, "")).first() for end in ("consumer", "provider")}
    form = PointForm(request.POST or None, system=system, initial=ends)
    made = saved(form, lambda **values: services.save_point(system, by=request.user, **values))
    if made is None:
        enough = system.components.count() >= 2
        return form_page(request, "systems/point_form.html", form, system=system, section="map", enough=enough)
    messages.success(request, _("“%(name)s” is added.") % {"name": made})
    again = reverse("systems:point-new", args=[system.slug]) + f"?consumer={made.consumer.slug}"
    shown = reverse("insights:map", args=[system.slug]) + f"?point={made.slug}"
    return onward(request, shown, again)


@system_page(Role.LEAD)
def point_edit(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Change a seam."""
    points = system.points.select_related("consumer", "provider")
    point = get_object_or_404(points, slug=slug)
    form = PointForm(request.POST or None, instance=points.get(pk=point.pk), system=system)
    changed = saved(form, lambda **values: services.save_point(system, by=request.user, point=point, **values))
    if changed is None:
        context = {"system": system, "section": "map", "point": point, "enough": True}
        return form_page(request, "systems/point_form.html", form, **context)
    messages.success(request, _("Saved."))
    return redirect(changed)


@system_page(Role.LEAD)
@require_POST
def point_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove a seam that no workflow and no case goes through."""
    point = get_object_or_404(system.points.select_related("consumer", "provider"), slug=slug)
    services.remove_point(point, by=request.user)
    messages.success(request, _("“%(name)s” is removed.") % {"name": point})
    return redirect("insights:map", system.slug)
