"""Pages of defects: the list, a new one, one of them, its description and its root cause."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from apps.accounts.models import Role, User
from apps.core import live
from apps.core.errors import DomainError
from apps.defects import services
from apps.defects.drafts import draft_from
from apps.defects.filters import SEVERITY_CHOICES, STATE_CHOICES
from apps.defects.forms import DefectForm, EditForm, FixForm, RootCauseForm, members
from apps.defects.models import Defect, Mention
from apps.defects.pages import listing
from apps.defects.pages.proof import proof
from apps.defects.pages.similar import similar
from apps.defects.pages.story import story
from apps.defects.transitions import possible
from apps.environments.models import Environment
from apps.runs.models import Execution
from apps.systems.access import SystemRequest, system_page
from apps.systems.models import System

PAGE = 50


@system_page(Role.VIEWER)
def defects(request: SystemRequest, system: System) -> HttpResponse:
    """Defects of the system by state, severity, owner, place and words; with words, also errors seen before."""
    found = listing.chosen(system, request.GET, request)
    rows = listing.rows(found, request.GET.get("sort", ""))
    words = request.GET.get("q", "")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = _context(request, system) | {
        "page": page,
        "counts": listing.counts(system, request.GET, request),
        "state": found.data["state"],
        "errors_seen": listing.errors_seen(system, words) if page.number == 1 else [],
        "filtered": any(request.GET.get(name) for name in ("min_severity", "owner", "component", "point", "q")),
        "severities": SEVERITY_CHOICES,
        "states": STATE_CHOICES,
        "members": members(system),
        "components": system.components.all(),
        "points": system.points.all(),
        "environments": system.environments.all(),
    }
    return _answer(request, "defects/defects.html", context, {"defect-list": "defects/defect_list.html"})


@system_page(Role.TESTER)
def new(request: SystemRequest, system: System) -> HttpResponse:
    """A new defect, prefilled from ``?execution=`` or blank."""
    execution = _execution(system, request.GET.get("execution", ""))
    draft = draft_from(execution) if execution else None
    initial = {
        name: getattr(draft, name) for name in ("title", "description", "severity", "point", "component") if draft
    }
    form = DefectForm(request.POST or None, initial=initial, system=system)
    if request.method == "POST" and form.is_valid():
        try:
            opened = services.open_defect(execution, system=system, by=request.user, another=True, **form.values)
        except DomainError as refused:
            form.refuse(refused)
        else:
            return HttpResponseRedirect(opened.get_absolute_url())
    title = draft.title if draft else ""
    group, point = (draft.failure_group, draft.point) if draft else (None, None)
    context = _context(request, system) | {
        "form": form,
        "execution": execution,
        "similar": similar(system, title=title, group=group, point=point) if draft else [],
    }
    return render(request, "defects/new.html", context, status=422 if form.errors else 200)


@system_page(Role.VIEWER)
def defect(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """One defect. The part ``defect-live``, with all that others can change, is fetched again when there is news."""
    joined = live.position(f"system:{system.pk}")  # before the rows are read: nothing that happens between is missed
    found = _defect(system, number)
    target = request.headers.get("HX-Target", "")
    context = _context(request, system) | {"defect": found, "proof": proof(found), "moves": possible(found.state)}
    context |= _choices(system, found) | _around(request, found)
    if target != "defect-live":
        context |= _arrived(request, found, context["members"])
        context["stream"] = f"{reverse('live:system', args=[system.slug])}?after={joined}"
    return _answer(request, "defects/defect.html", context, {"defect-live": "defects/defect_live.html"})


def _choices(system: System, found: Defect) -> dict[str, Any]:
    """What the buttons offer."""
    versions = FixForm(system=system).fields["version"].queryset  # type: ignore[attr-defined]
    cause = getattr(found, "root_cause", None)
    concerned = {found.component_id, cause and cause.component_id} - {None}
    if concerned:
        versions = versions.filter(component__in=concerned)
    return {"versions": versions[:30], "environments": Environment.objects.filter(system=system)}


def _around(request: SystemRequest, found: Defect) -> dict[str, Any]:
    """Discussion and facts."""
    entries, older = story(found, everything="all" in request.GET)
    return {
        "entries": entries,
        "older": older,
        "members": list(members(found.system)),
        "severities": Defect.Severity.choices,
    }


def _arrived(request: SystemRequest, found: Defect, people: list[User]) -> dict[str, Any]:
    """What is read once, with the whole page; the reader has now seen what mentioned them."""
    Mention.objects.filter(user=request.user, event__defect=found, seen_at=None).update(seen_at=timezone.now())
    return {
        "mentionable": [{"handle": one.email.split("@")[0], "name": str(one)} for one in people],
        "similar": similar(found.system, title=found.title, group=found.failure_group, point=found.point, but=found),
    }


@system_page(Role.TESTER)
def edit(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Title, severity, place and description."""
    found = _defect(system, number)
    form = EditForm(request.POST or None, instance=found, system=system)
    if request.method == "POST" and form.is_valid():
        try:
            services.change(found, by=request.user, **form.values)
        except DomainError as refused:
            form.refuse(refused)
        else:
            return HttpResponseRedirect(found.get_absolute_url())
    context = _context(request, system) | {"form": form, "defect": _defect(system, number)}
    return render(request, "defects/edit.html", context, status=422 if form.errors else 200)


@system_page(Role.TESTER)
def root_cause(request: SystemRequest, system: System, number: int) -> HttpResponse:
    """Why it happened."""
    found = _defect(system, number)
    known = getattr(found, "root_cause", None)
    initial = {} if known else {"component": found.component_id}
    form = RootCauseForm(request.POST or None, instance=known, initial=initial, system=system)
    if request.method == "POST" and form.is_valid():
        services.set_root_cause(found, by=request.user, **form.cleaned_data)
        return HttpResponseRedirect(found.get_absolute_url())
    context = _context(request, system) | {"form": form, "defect": found}
    return render(request, "defects/root_cause.html", context, status=422 if form.errors else 200)


def _defect(system: System, number: int) -> Defect:
    known = Defect.objects.filter(system=system).select_related(
        "system__team",
        "owner",
        "reported_by",
        "component",
        "point__consumer",
        "point__provider",
        "failure_group",
        "fix_version__component",
        "root_cause__component",
        "root_cause__set_by",
    )
    found: Defect = get_object_or_404(known, number=number)
    return found


def _execution(system: System, asked: str) -> Execution | None:
    if not asked:
        return None
    known = Execution.objects.filter(run__system=system).select_related("run__environment", "case", "failure_group")
    return get_object_or_404(known, pk=int(asked) if asked.isdecimal() and len(asked) < 18 else 0)


def _context(request: SystemRequest, system: System) -> dict[str, Any]:
    return {"system": system, "section": "defects", "can_test": request.role >= Role.TESTER}


def _answer(request: HttpRequest, page: str, context: dict[str, Any], parts: dict[str, str]) -> HttpResponse:
    """The whole page, or the one of its *parts* (by element id) that htmx wants to replace."""
    part = parts.get(request.headers.get("HX-Target", ""))
    response = render(request, part or page, context | {"part": part is not None})
    patch_vary_headers(response, ["HX-Target"])
    return response
