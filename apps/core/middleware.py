"""Turns a DomainError that reaches the top of a page into an error page."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from apps.core.answers import refusal
from apps.core.errors import DomainError, collision, unstorable

logger = structlog.get_logger(__name__)


class DomainErrorMiddleware:
    """API views answer problem JSON by ``apps.core.rest.problem``; pages are answered here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        told = error if isinstance(error, DomainError) else collision(error) or unstorable(error)
        if told is not error and told is not None:
            logger.warning("request.refused", exc_info=error)
        return refusal(request, told) if told is not None else None
