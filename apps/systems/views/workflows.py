"""Workflows: the critical paths, as an ordered list of integration points."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import Role
from apps.core.forms import saved
from apps.systems import services
from apps.systems.access import SystemRequest, system_page
from apps.systems.forms import WorkflowForm
from apps.systems.models import System, WorkflowPoint
from apps.systems.paths import Hop, follow
from apps.systems.views.pages import form_page

PER_PAGE = 50
HOPS = Prefetch("hops", WorkflowPoint.objects.select_related("point__consumer", "point__provider").order_by("position"))


@system_page(Role.VIEWER)
def workflows(request: SystemRequest, system: System) -> HttpResponse:
    """All workflows, the most critical first."""
    rows = system.workflows.prefetch_related(HOPS)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "systems/workflows.html", {"system": system, "section": "map", "page": page})


@system_page(Role.VIEWER)
def workflow(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """The path, hop by hop, from the entering data to the output."""
    found = get_object_or_404(system.workflows.prefetch_related(HOPS), slug=slug)
    hops: list[Hop] = follow([hop.point for hop in found.hops.all()])
    context = {"system": system, "section": "map", "workflow": found, "hops": hops}
    return render(request, "systems/workflow.html", context)


@system_page(Role.LEAD)
def workflow_new(request: SystemRequest, system: System) -> HttpResponse:
    """Describe a workflow."""
    form = WorkflowForm(request.POST or None, system=system)
    made = saved(form, lambda **values: services.save_workflow(system, by=request.user, **values))
    if made is None:
        return form_page(request, "systems/workflow_form.html", form, system=system, section="map")
    messages.success(request, _("“%(name)s” is described.") % {"name": made.name})
    return redirect(made)


@system_page(Role.LEAD)
def workflow_edit(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Change a workflow and its path."""
    found = get_object_or_404(system.workflows, slug=slug)
    form = WorkflowForm(request.POST or None, instance=system.workflows.get(pk=found.pk), system=system)
    changed = saved(form, lambda **values: services.save_workflow(system, by=request.user, workflow=found, **values))
    if changed is None:
        return form_page(request, "systems/workflow_form.html", form, system=system, section="map", workflow=found)
    messages.success(request, _("Saved."))
    return redirect(changed)


@system_page(Role.LEAD)
@require_POST
def workflow_remove(request: SystemRequest, system: System, slug: str) -> HttpResponse:
    """Remove a workflow; the cases that belong to it stay."""
    found = get_object_or_404(system.workflows, slug=slug)
    services.remove_workflow(found, by=request.user)
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect("systems:workflows", system.slug)
