"""The editor of cases: its page, saving, and the conversion between form and YAML."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import Role
from apps.catalog import editor, services
from apps.catalog.definition import blank_case, kinds
from apps.catalog.editor_words import words
from apps.catalog.models import TestCase
from apps.catalog.views.json_views import json_body, problems_as_json, revision_of
from apps.core.validation import refuse
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System


@system_page(Role.TESTER)
@require_http_methods(["GET", "POST"])
@problems_as_json
def case_new(request: SystemRequest, system: System) -> HttpResponse:
    """The editor with a new case; POST JSON makes it. ``?suite=`` says where."""
    if request.method == "POST":
        return _save(request, system, None)
    case = editor.case_data(None, blank_case())
    wanted = request.GET.get("suite", "")
    case["suite"] = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else None
    return _page(request, system, None, case)


@system_page(Role.TESTER)
@require_http_methods(["GET", "POST"])
@problems_as_json
def case_edit(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """The editor with a case; POST JSON saves it, 409 when somebody else did so meanwhile."""
    rows = system.cases.select_related("current__author", "suite", "workflow")
    found = get_object_or_404(rows, number=number)
    if request.method == "POST":
        return _save(request, system, found)
    definition = found.current.definition if found.current else blank_case(found.title)
    return _page(request, system, found, editor.case_data(found, definition))


@system_page(Role.TESTER)
@require_POST
@problems_as_json
def convert(request: SystemRequest, system: System) -> HttpResponse:
    """``{"definition"}`` → its YAML and what is wrong; ``{"yaml"}`` → its definition, or 422 with line and column."""
    data = json_body(request)
    if "yaml" in data:
        return JsonResponse(editor.from_yaml(system, data["yaml"]))
    return JsonResponse(editor.from_form(system, data.get("definition")))


def _page(request: SystemRequest, system: System, case: TestCase | None, data: dict[str, Any]) -> HttpResponse:
    back = case.get_absolute_url() if case else reverse("insights:cases", args=[system.slug])
    context = {
        "system": system,
        "section": "cases",
        "case": case,
        "kinds": kinds(),
        "back": back,
        "statuses": TestCase.Status.choices,
        "convert_url": reverse("catalog:case-convert", args=[system.slug]),
        "data": {
            "case": data,
            "format": editor.format_data(),
            "choices": editor.choices(system),
            "words": words(),
        },
    }
    return render(request, "catalog/editor.html", context)


def _save(request: SystemRequest, system: System, case: TestCase | None) -> HttpResponse:
    data = json_body(request)
    source: Any = data["yaml"] if isinstance(data.get("yaml"), str) else data.get("definition")
    saved = services.save_case(
        system,
        _chosen(system.suites, "pk", data, "suite"),
        source,
        request.user,
        str(data.get("message") or ""),
        case,
        based_on=revision_of(data),
        status=_status(data),
        workflow=_chosen(system.workflows, "slug", data, "workflow") if data.get("workflow") else None,
    )
    messages.success(request, _("%(case)s is saved.") % {"case": saved.key})
    return JsonResponse({"url": saved.get_absolute_url(), "number": saved.number})


def _chosen(rows: Any, by: str, data: dict[str, Any], name: str) -> Any:
    value = data.get(name)
    known = isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**62)
    found = rows.filter(**{by: value}).first() if known and (by != "pk" or str(value).isdecimal()) else None
    if found is None:
        raise refuse(name, _("Choose a suite.") if name == "suite" else _("There is no such workflow."))
    return found


def _status(data: dict[str, Any]) -> str | None:
    status = data.get("status")
    if status is not None and status not in TestCase.Status.values:
        raise refuse("status", _("The status must be draft, active or archived."))
    return status
