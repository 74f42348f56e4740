"""Shared steps: the list, the page of one with who uses it, its editor, and taking steps out of a case."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import Role
from apps.catalog import editor, services, shared_editor
from apps.catalog.definition import kinds
from apps.catalog.editor_words import words
from apps.catalog.models import SharedStep, TestCase
from apps.catalog.views.json_views import json_body, problems_as_json, revision_of
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.VIEWER)
def shared_steps(request: SystemRequest, system: System) -> HttpResponse:
    """All shared steps of the system; ``?archived=1`` those that were put away."""
    archived = request.GET.get("archived") == "1"
    rows = system.shared_steps.filter(is_archived=archived).select_related("current__author")
    in_use = system.cases.exclude(status=TestCase.Status.ARCHIVED)
    used = Counter(in_use.filter(shared_steps__isnull=False).values_list("shared_steps", flat=True))
    above = Counter(system.shared_steps.filter(calls__isnull=False).values_list("calls", flat=True))
    context = _context(request, system) | {
        "shared_steps": [(shared, used[shared.pk], above[shared.pk]) for shared in rows],
        "archived": archived,
        "has_archived": archived or system.shared_steps.filter(is_archived=True).exists(),
    }
    return render(request, "catalog/shared_steps.html", context)


@system_page(Role.VIEWER)
def shared_step(request: SystemRequest, system: System, shared: str) -> HttpResponse:
    """One shared step: what it does, who calls it, its revisions. ``?revision=`` shows an earlier one."""
    found = _find(system, shared)
    revisions = list(found.revisions.select_related("author").defer("definition")[:50])
    wanted = request.GET.get("revision", "")
    shown = found.current
    if wanted.isdecimal() and len(wanted) < 10:
        shown = get_object_or_404(found.revisions, number=int(wanted))
    context = _context(request, system) | {
        "shared": found,
        "shown": shown,
        "revisions": revisions,
        "users": services.users_of(found),
    }
    return render(request, "catalog/shared_step.html", context)


@system_page(Role.TESTER)
@require_http_methods(["GET", "POST"])
@problems_as_json
def shared_new(request: SystemRequest, system: System) -> HttpResponse:
    """The editor with a new shared step; POST JSON makes it."""
    if request.method == "POST":
        return _save(request, system, None)
    return _page(request, system, None, shared_editor.shared_data(None))


@system_page(Role.TESTER)
@require_http_methods(["GET", "POST"])
@problems_as_json
def shared_edit(request: SystemRequest, system: System, shared: str) -> HttpResponse:
    """The editor with a shared step; POST JSON saves it, 409 when somebody else did so meanwhile."""
    found = _find(system, shared)
    if request.method == "POST":
        return _save(request, system, found)
    return _page(request, system, found, shared_editor.shared_data(found))


@system_page(Role.TESTER)
@require_POST
@problems_as_json
def shared_convert(request: SystemRequest, system: System) -> HttpResponse:
    """``{"definition"}`` → its YAML and what is wrong; ``{"yaml"}`` → its definition, or 422 with line and column."""
    data = json_body(request)
    if "yaml" in data:
        return JsonResponse(shared_editor.from_yaml(data["yaml"]))
    return JsonResponse(shared_editor.from_form(data.get("definition")))


@system_page(Role.TESTER)
@require_POST
@problems_as_json
def shared_extract(request: SystemRequest, system: System) -> HttpResponse:
    """``{title, steps, known}`` → a new shared step of these steps, and the step that calls it in their place.

    *known* are names that earlier steps give; those that the steps use become parameters.
    """
    data = json_body(request)
    made, call = shared_editor.extract(
        system, data.get("title"), data.get("steps"), data.get("known"), author=request.user
    )
    answer = {"step": call, "shared": editor.shared_choice(made), "url": made.get_absolute_url()}
    return JsonResponse(answer, status=201)


@system_page(Role.TESTER)
@require_POST
def shared_archive(request: SystemRequest, system: System, shared: str) -> HttpResponse:
    """Put a shared step away that nothing calls; ``archived=0`` brings it back."""
    archived = request.POST.get("archived") != "0"
    found = services.archive_shared(_find(system, shared), by=request.user, archived=archived)
    text = _("“%(name)s” is archived.") if archived else _("“%(name)s” is back.")
    messages.success(request, text % {"name": found.title})
    return redirect("catalog:shared-step", system.slug, found.slug)


@system_page(Role.VIEWER)
def shared_export(request: SystemRequest, system: System) -> HttpResponse:
    """Every shared step as YAML, a document each, which the import of cases takes in again."""
    text = "".join(services.export_shared(system))
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{system.slug}-shared-steps.yaml"'
    return response


def _find(system: System, slug: str) -> SharedStep:
    rows = system.shared_steps.select_related("current__author", "system")
    found: SharedStep = get_object_or_404(rows, slug=slug)
    return found


def _context(request: SystemRequest, system: System) -> dict[str, Any]:
    return {"system": system, "section": "cases", "can_test": request.role >= Role.TESTER}


def _page(request: SystemRequest, system: System, shared: SharedStep | None, data: dict[str, Any]) -> HttpResponse:
    context = {
        "system": system,
        "section": "cases",
        "is_shared": True,
        "shared": shared,
        "kinds": kinds(),
        "back": shared.get_absolute_url() if shared else reverse("catalog:shared-steps", args=[system.slug]),
        "convert_url": reverse("catalog:shared-convert", args=[system.slug]),
        "data": {
            "case": data,
            "format": editor.format_data(),
            "choices": editor.choices(system),
            "words": words(),
        },
    }
    return render(request, "catalog/editor.html", context)


def _save(request: SystemRequest, system: System, shared: SharedStep | None) -> HttpResponse:
    data = json_body(request)
    source: Any = data["yaml"] if isinstance(data.get("yaml"), str) else data.get("definition")
    saved = services.save_shared(
        system, source, request.user, str(data.get("message") or ""), shared, based_on=revision_of(data)
    )
    messages.success(request, _("“%(name)s” is saved.") % {"name": saved.title})
    return JsonResponse({"url": saved.get_absolute_url(), "slug": saved.slug})
