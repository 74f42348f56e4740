"""A new system; its name and description."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.access import team_page
from apps.accounts.models import Role, Team
from apps.core.forms import saved
from apps.systems import services
from apps.systems.access import SystemRequest, system_page
from apps.systems.forms import SystemForm
from apps.systems.models import System
from apps.systems.views.pages import form_page


@team_page(Role.LEAD)
def new(request: HttpRequest, team: Team) -> HttpResponse:
    """Make a system of the team; goes on to its map."""
    form = SystemForm(request.POST or None)
    user: Any = request.user
    system = saved(form, lambda **values: services.create_system(team, by=user, **values))
    if system is None:
        return form_page(request, "systems/system_new.html", form, team=team, section="teams")
    messages.success(request, _("“%(name)s” is made. Add its components next.") % {"name": system.name})
    return redirect("insights:map", system.slug)


@system_page(Role.LEAD)
def edit(request: SystemRequest, system: System) -> HttpResponse:
    """Settings of the system."""
    form = SystemForm(request.POST or None, instance=System.objects.get(pk=system.pk))
    changed = saved(form, lambda **values: services.change_system(system, by=request.user, **values))
    if changed is None:
        return form_page(request, "systems/settings.html", form, system=system, section="settings")
    messages.success(request, _("Saved."))
    return redirect("systems:edit", system.slug)
