"""What a refusal looks like to who asked: a page, a message on the page that is open, or problem JSON."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from apps.core.errors import DomainError


def is_program(request: HttpRequest) -> bool:
    """Whether a program reads the answer: the API, and modules that fetch JSON."""
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json")


def is_part(request: HttpRequest) -> bool:
    """Whether htmx puts the answer into a page that is open."""
    return "HX-Request" in request.headers


def problem(error: DomainError) -> JsonResponse:
    """*error* as ``application/problem+json``."""
    return JsonResponse(error.problem(), status=error.status, content_type="application/problem+json")


def refusal(request: HttpRequest, error: DomainError, template: str = "errors/domain.html") -> HttpResponse:
    """*error* for who asked; *template* is the page for people who opened an address."""
    if is_program(request):
        return problem(error)
    if not is_part(request):
        return render(request, template, {"error": error, "exception": error.detail}, status=error.status)
    response = render(request, "errors/message.html", {"error": error}, status=error.status)
    response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML"
    return response
