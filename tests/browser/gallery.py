"""A page with every component and every behaviour of the shell, served to the browser tests only."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.utils import timezone

from apps.core.access import public
from apps.core.errors import DomainError
from apps.core.states import State
from apps.systems.models import System
from integhub.urls import urlpatterns as product

CHART = {
    "kind": "line",
    "unit": "ms",
    "labels": ["Mon", "Tue", "Wed"],
    "series": [
        {"name": "p95", "tone": "accent", "values": [120, 180, None]},
        {"name": "Baseline", "tone": "skipped", "values": [130, 130, 130], "dashed": True},
    ],
}
STACKED = {
    "kind": "stacked",
    "labels": ["Mon", "Tue"],
    "series": [
        {"name": "Passed", "tone": "passed", "values": [20, 18]},
        {"name": "Failed", "tone": "failed", "values": [1, 3]},
    ],
}
HERE = Path(__file__).parent
fetched = {"part": 0}


def _template(name: str) -> Any:
    return engines["django"].from_string((HERE / name).read_text(encoding="utf-8"))


@public
def gallery(request: HttpRequest) -> HttpResponse:
    """The page; needs a System whose slug is ``shop``."""
    system = System.objects.select_related("team").get(slug="shop")
    context: dict[str, Any] = {
        "system": system,
        "section": "runs",
        "states": State.values,
        "chart": CHART,
        "stacked": STACKED,
        "stream": "/live/s/shop/",
        "earlier": timezone.now() - timedelta(hours=2),
    }
    request.role = 40  # type: ignore[attr-defined]
    return HttpResponse(_template("gallery.html").render(context, request))


@public
def posted(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"posted {request.POST.get('which', '')}")


@public
def part(request: HttpRequest) -> HttpResponse:
    fetched["part"] += 1
    return HttpResponse(_template("gallery_part.html").render({"count": fetched["part"]}, request))


@public
def refused(request: HttpRequest) -> HttpResponse:
    raise DomainError("sold-out", "There are no kestrels left.", status=409)


@public
def broken(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Traceback", status=500)


urlpatterns = [
    path("gallery/refused/", refused),
    path("gallery/broken/", broken),
    path("gallery/", gallery),
    path("gallery/posted/", posted),
    path("gallery/part/", part),
    *product,
]
handler403 = "apps.core.views.forbidden"
handler404 = "apps.core.views.not_found"
handler500 = "apps.core.views.server_error"
