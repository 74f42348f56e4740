"""Components and their versions."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.forms import saved
from apps.systems import services
from apps.systems.access import SystemRequest, system_page
from apps.systems.forms import ComponentForm, VersionForm
from apps.systems.models import Component, System
from apps.systems.views.pages import form_page, onward

VERSIONS_SHOWN = 50


@system_page(Role.VIEWER)
def component(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """What it is, what it talks to, and its versions."""
    return _component_page(request, get_object_or_404(system.components, slug=slug), VersionForm())


def _component_page(request: SystemRequest, found: Component, form: VersionForm) -> HttpResponse:
    context = {
        "system": request.system,
        "section": "map",
        "component": found,
        "called_by": found.provides.select_related("consumer").order_by("consumer__name", "operation"),
        "calls": found.consumes.select_related("provider").order_by("provider__name", "operation"),
        "versions": found.versions.all()[:VERSIONS_SHOWN],
        "version_form": form,
    }
    return render(request, "systems/component.html", context, status=400 if form.errors else 200)


@system_page(Role.LEAD)
def component_new(request: SystemRequest, system: System) -> HttpResponse:
    """Add a component; goes on to the map, or to the next one."""
    form = ComponentForm(request.POST or None, system=system)
    made = saved(form, lambda **values: services.save_component(system, by=request.user, **values))
    if made is None:
        return form_page(request, "systems/component_form.html", form, system=system, section="map")
    messages.success(request, _("“%(name)s” is added.") % {"name": made.name})
    shown = reverse("insights:map", args=[system.slug]) + f"?component={made.slug}"
    return onward(request, shown, reverse("systems:component-new", args=[system.slug]))


@system_page(Role.LEAD)
def component_edit(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Change a component."""
    found = get_object_or_404(system.components, slug=slug)
    form = ComponentForm(request.POST or None, instance=system.components.get(pk=found.pk), system=system)
    changed = saved(form, lambda **values: services.save_component(system, by=request.user, component=found, **values))
    if changed is None:
        return form_page(request, "systems/component_form.html", form, system=system, section="map", component=found)
    messages.success(request, _("Saved."))
    return redirect(changed)


@system_page(Role.LEAD)
@require_POST
def component_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove a component that has no integration points."""
    found = get_object_or_404(system.components, slug=slug)
    services.remove_component(found, by=request.user)
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect("insights:map", system.slug)


@system_page(Role.LEAD)
@require_POST
def version_add(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Name a version of the component."""
    found = get_object_or_404(system.components, slug=slug)
    form = VersionForm(request.POST)
    made = saved(form, lambda name, notes: services.add_version(found, name, notes=notes, by=request.user))
    return _component_page(request, found, form) if made is None else redirect(found)
