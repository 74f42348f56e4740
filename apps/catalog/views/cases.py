"""What is done to cases without the editor: status, copies, moves, several at once, import and export."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import Role
from apps.catalog import services
from apps.catalog.forms import BulkForm, ImportForm
from apps.catalog.models import TestCase
from apps.core.errors import DomainError
from apps.core.forms import saved
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System

EXPORTED = 1_000  # cases in one file


@system_page(Role.TESTER)
@require_POST
def case_status(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Archive, restore or activate a case: POST ``status``."""
    case = get_object_or_404(system.cases, number=number)
    status = request.POST.get("status", "")
    if status not in TestCase.Status.values:
        raise DomainError("unknown-status", _("The status must be draft, active or archived."), status=422)
    services.set_status(case, status, by=request.user)
    return redirect(case.get_absolute_url())


@system_page(Role.TESTER)
@require_POST
def case_duplicate(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Make a draft that does the same and go to its editor."""
    copy = services.duplicate_case(get_object_or_404(system.cases, number=number), by=request.user)
    messages.success(request, _("%(case)s is a copy, a draft until you make it active.") % {"case": copy.key})
    return redirect("catalog:case-edit", system.slug, copy.number)


@system_page(Role.TESTER)
@require_POST
def case_go_back(request: SystemRequest, system: System, number: int, revision: int) -> HttpResponse:
    """Make an earlier revision the current one again."""
    case = services.go_back(get_object_or_404(system.cases, number=number), revision, by=request.user)
    messages.success(request, _("The case is as it was in revision %(number)d.") % {"number": revision})
    return redirect(case.get_absolute_url())


@system_page(Role.TESTER)
@require_POST
def cases_bulk(request: SystemRequest, system: System) -> HttpResponse:
    """Change the chosen cases; goes back to ``next``, the list with its filters."""
    form = BulkForm(request.POST, system)
    if not form.is_valid():
        errors = [{"field": name, "detail": str(text)} for name, found in form.errors.items() for text in found]
        raise DomainError("invalid-choice", errors[0]["detail"], status=422, errors=errors)
    values = form.cleaned_data
    changed = services.change_cases(system, values.pop("case"), by=request.user, **values)
    text = ngettext("%(count)d case changed.", "%(count)d cases changed.", changed) % {"count": changed}
    messages.success(request, text)
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return redirect(target if safe else reverse("insights:cases", args=[system.slug]))


@system_page(Role.TESTER)
def cases_import(request: SystemRequest, system: System) -> HttpResponse:
    """Take in several cases as YAML, all or nothing."""
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = ImportForm(data, files, system=system, initial={"suite": request.GET.get("suite")})
    problems: list[dict[str, Any]] = []

    def take_in(**values: Any) -> list[TestCase]:
        try:
            return services.import_cases(system, values["suite"], values["sources"], by=request.user)
        except DomainError as error:
            problems.extend(error.errors)
            raise DomainError(error.code, error.detail, status=error.status) from None

    made = saved(form, take_in)
    if made:
        messages.success(
            request, ngettext("%(n)d case imported.", "%(n)d cases imported.", len(made)) % {"n": len(made)}
        )
        return redirect(reverse("insights:cases", args=[system.slug]) + f"?suite={made[0].suite_id}")
    context = {"system": system, "section": "cases", "form": form, "problems": problems}
    return render(request, "catalog/import.html", context, status=400 if form.errors else 200)


@system_page(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def cases_export(request: SystemRequest, system: System) -> HttpResponseBase:
    """The cases with the numbers ``case`` as one YAML file; all that are not archived without any."""
    asked = [*request.GET.getlist("case"), *request.POST.getlist("case")]
    numbers = [int(number) for number in asked if number.isdecimal() and len(number) < 10]
    cases = system.cases.select_related("current", "suite").order_by("number")
    chosen = cases.filter(number__in=numbers) if numbers else cases.exclude(status=TestCase.Status.ARCHIVED)
    response = StreamingHttpResponse(
        services.export_cases(chosen[:EXPORTED].iterator(chunk_size=100)),
        content_type="application/yaml; charset=utf-8",
    )
    name = f"C{numbers[0]}" if len(numbers) == 1 else "cases"
    response["Content-Disposition"] = f'attachment; filename="{system.slug}-{name}.yaml"'
    return response
