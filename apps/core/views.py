"""Health and language; nothing of the domain."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST

from apps.core.access import public
from apps.core.live import ping


@public
def health(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer; for load balancers and the embedded start."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    ping()
    return JsonResponse({"status": "ok", "version": settings.VERSION})


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language chosen in the browser, and with the user when there is one."""
    code = request.POST.get("language", "")
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    if code in dict(settings.LANGUAGES) and check_for_language(code):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=365 * 86_400,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response
