"""Where components call back: anybody who knows an address may call it, by any method."""

from datetime import UTC, datetime

import redis
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from apps.core.access import public
from apps.execution import hooks

LARGEST = 256 * 1024  # bytes of a body
_LONGEST = 4_000  # characters of a header, a path or a query
_MOST_HEADERS = 100


@csrf_exempt
@never_cache
@public
def hook(request: HttpRequest, token: str, rest: str = "") -> JsonResponse:
    """Keep the call for the step that waits for it."""
    try:
        found = hooks.read_token(token)
    except hooks.NoSuchHook:
        return _gone()
    body = _body(request)
    if body is None:
        return JsonResponse({"error": f"more than {LARGEST} bytes"}, status=413)
    try:
        number = hooks.keep(found, _call(request, rest, body))
    except hooks.NoSuchHook:
        return _gone()
    except hooks.TooManyCalls:
        return JsonResponse({"error": f"called {hooks.MOST_CALLS} times already"}, status=429)
    except redis.RedisError:
        return JsonResponse({"error": "try again later"}, status=503, headers={"Retry-After": "1"})
    return JsonResponse({"received": number})


def _gone() -> JsonResponse:
    return JsonResponse({"error": "nothing waits here: the address is wrong, or its time is over"}, status=404)


def _body(request: HttpRequest) -> bytes | None:
    """The body; nothing when it is too large, which is seen before all of it is read."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdigit() and int(declared) > LARGEST:
        return None
    body = request.read(LARGEST + 1)
    return body if len(body) <= LARGEST else None


def _call(request: HttpRequest, rest: str, body: bytes) -> dict[str, object]:
    headers = list(request.headers.items())[:_MOST_HEADERS]
    return {
        "method": request.method,
        "path": f"/{rest}"[:_LONGEST],
        "query": {name: values if len(values) > 1 else values[0] for name, values in request.GET.lists()},
        "headers": {name: value[:_LONGEST] for name, value in headers},
        "body": body.decode(errors="replace"),
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
