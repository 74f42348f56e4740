"""Versions deployed in an environment."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.forms import saved
from apps.environments import services
from apps.environments.forms import DeployForm
from apps.environments.models import Deployment
from apps.environments.views.environments import environment_context
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.LEAD)
@require_POST
def deploy(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Note that a version runs here from now on."""
    environment = get_object_or_404(system.environments, slug=slug)
    form = DeployForm(request.POST, system=system)
    made = saved(form, lambda **values: services.deploy_named(environment, by=request.user, **values))
    if made is None:
        context = environment_context(environment, form) | {"system": system}
        return render(request, "environments/environment.html", context, status=400)
    messages.success(request, _("%(version)s runs here now.") % {"version": made.version})
    return redirect(environment)


@system_page(Role.LEAD)
@require_POST
def withdraw(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Note that no version of ``component`` runs here any more."""
    environment = get_object_or_404(system.environments, slug=slug)
    component = get_object_or_404(system.components, slug=request.POST.get("component", ""))
    services.withdraw(environment, component, by=request.user)
    messages.success(request, _("%(name)s does not run here any more.") % {"name": component.name})
    return redirect(environment)


@system_page(Role.VIEWER)
def component_deployments(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Where a component runs, as a part of its page."""
    component = get_object_or_404(system.components, slug=slug)
    rows = (
        Deployment.objects.filter(component=component, until=None)
        .select_related("environment__system", "version")
        .order_by("environment__position", "environment__name")
    )
    return render(request, "environments/component_deployments.html", {"system": system, "deployments": rows})
