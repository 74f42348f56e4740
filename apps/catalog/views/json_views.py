"""Views that a page's script calls: JSON in, JSON out, refusals as problem JSON."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from apps.core.errors import DomainError
from apps.core.json_reading import read_json
from apps.core.validation import refuse


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The object in the request's body. DomainError ``invalid-json`` says where it cannot be read."""
    try:
        data = read_json(request.body)
    except ValueError as error:
        raise DomainError("invalid-json", _("Not valid JSON: %(reason)s") % {"reason": error}) from None
    if not isinstance(data, dict):
        raise DomainError("invalid-json", _("A JSON object is needed."))
    return data


def problems_as_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refusals of a POST are answered as problem JSON, those of other methods as pages."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            if request.method != "POST":
                raise
            return JsonResponse(error.problem(), status=error.status, content_type="application/problem+json")

    return answered


def revision_of(data: dict[str, Any]) -> int | None:
    """The revision that was edited, ``based_on``; None when it is not said."""
    value = data.get("based_on")
    if value is not None and (not isinstance(value, int) or not 0 < value < 2**31):
        raise refuse("based_on", _("A revision is a number."))
    return value
