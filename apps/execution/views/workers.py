"""Workers of a system's environments, and what of a run nobody takes."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.accounts.models import Role
from apps.execution import serving
from apps.execution.pages.workers import WorkersPage
from apps.runs.models import TestRun
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.VIEWER)
def workers(request: SystemRequest, system: System) -> HttpResponse:
    """Who takes work of this system, how much waits, and how to start one more; part of it is asked for again."""
    page = WorkersPage(system, queues=request.GET.get("queues"), workers=request.GET.get("page"))
    context = {"system": system, "section": "workers", "page": page.worker_page, "queue_page": page.queue_page}
    context |= {"rows": page.workers(), "queues": page.queues()}
    live = request.headers.get("HX-Target") == "workers"
    return render(request, "execution/worker_list.html" if live else "execution/workers.html", context)


@system_page(Role.VIEWER)
def notices(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """What of a run waits and no worker takes; nothing when all is well."""
    run = get_object_or_404(TestRun.objects.filter(system=system).select_related("environment"), number=number)
    context = {"system": system, "run": run, "notices": serving.notices_of(run)}
    return render(request, "execution/notices.html", context)
