"""Bases of the REST API: problem JSON, cursor pagination, filters that are declared or refused."""

import re
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from apps.core.errors import DomainError, collision, unstorable

logger = structlog.get_logger(__name__)

PAGING = {"cursor", "page_size", "format"}
_ID = re.compile(r"[0-9]{1,18}")


class IdCursorPagination(CursorPagination):
    """Newest first, stable while rows are added; ``page_size`` up to 200."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Any:
        """Refuses positions that are no ids: a cursor is only Base64, so anybody can write one."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _ID.fullmatch(str(cursor.position)):
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor


class DeclaredFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Filters of the view's ``filterset_class`` or ``filterset_fields``; any other parameter is a 400."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        known = PAGING | (set(filterset.base_filters) if filterset else set())
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise DomainError(
                "unknown-filter",
                f"Unknown parameter: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.",
                errors=[{"field": name, "detail": "unknown parameter"} for name in unknown],
            )
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: every error as ``application/problem+json`` (RFC 9457)."""
    if isinstance(error, RequestDataTooBig):
        error = DomainError("too-large", str(error), status=413)
    elif (told := collision(error) or unstorable(error)) is not None:
        logger.warning("request.refused", exc_info=error)
        error = told
    if isinstance(error, DomainError):
        return _answer(error.problem(), error.status)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        body = DomainError("invalid", "The request is not valid.", errors=_fields(error.detail)).problem()
    else:
        detail = response.data.get("detail", "") if isinstance(response.data, dict) else response.data
        codes = error.get_codes() if isinstance(error, exceptions.APIException) else None
        code = (codes if isinstance(codes, str) else getattr(error, "default_code", "error")).replace("_", "-")
        body = DomainError(code, str(detail), status=response.status_code).problem()
    return _answer(body, response.status_code, dict(response.items()))


def _answer(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    kept = {name: value for name, value in (headers or {}).items() if name in {"WWW-Authenticate", "Retry-After"}}
    return Response(body, status=status, headers=kept, content_type="application/problem+json")


def _fields(detail: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [
            row for name, value in detail.items() for row in _fields(value, f"{path}.{name}" if path else str(name))
        ]
    if isinstance(detail, list):
        return [
            row
            for index, value in enumerate(detail)
            for row in _fields(value, f"{path}[{index}]" if isinstance(value, dict | list) else path)
        ]
    return [{"field": path, "detail": str(detail)}]
