"""Health, language, theme and the last resorts for errors; nothing of the domain."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect, JsonResponse
from django.templatetags.static import static
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.http import require_POST

from apps.core.access import public
from apps.core.answers import is_program, problem, refusal
from apps.core.context import THEME_COOKIE, THEMES
from apps.core.errors import DomainError
from apps.core.live import ping


@public
def health(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer; for load balancers and the embedded start."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    ping()
    return JsonResponse({"status": "ok", "version": settings.VERSION})


@public
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that ask for it without being told where it is."""
    return HttpResponsePermanentRedirect(static("core/mark.svg"))


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language chosen in the browser, and with the user when there is one."""
    code = request.POST.get("language", "")
    response = _back(request)
    if code in dict(settings.LANGUAGES) and check_for_language(code):
        remember_language(request, response, code)
        if request.user.is_authenticated:
            get_user_model()._default_manager.filter(pk=request.user.pk).update(language=code)
    return response


@public
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the colour theme in the browser; ``auto`` follows the device. Works without JavaScript."""
    response = _back(request)
    if (chosen := request.POST.get("theme", "")) in THEMES:
        _remember(request, response, THEME_COOKIE, chosen)
    return response


def remember_language(request: HttpRequest, response: HttpResponse, code: str) -> None:
    """Pages of this browser come in language *code* from now on."""
    _remember(request, response, settings.LANGUAGE_COOKIE_NAME, code)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    error = DomainError("not-found", _("There is nothing at this address."), status=404)
    return refusal(request, error, "404.html")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403: says which role is missing."""
    detail = str(exception) or _("Your role does not allow this.")
    return refusal(request, DomainError("forbidden", detail, status=403), "403.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: a body that is too large or cannot be read, a host that is not ours."""
    if isinstance(exception, RequestDataTooBig):
        told = DomainError("too-large", _("What was sent is too large."), status=413)
    elif isinstance(exception, TooManyFieldsSent | TooManyFilesSent):
        told = DomainError("too-many", _("What was sent has too many fields."), status=413)
    elif isinstance(exception, DisallowedHost):
        return defaults.bad_request(request, exception)  # a page would name addresses of that host
    else:
        told = DomainError("bad-request", _("The request cannot be read."))
    return refusal(request, told)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: nothing that could fail again; the log has the traceback and the request id."""
    if is_program(request):
        return problem(DomainError("error", "The server failed. The log has the details.", status=500))
    return defaults.server_error(request)


def _back(request: HttpRequest) -> HttpResponseRedirect:
    target = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if safe else "/")


def _remember(request: HttpRequest, response: HttpResponse, cookie: str, value: str) -> None:
    response.set_cookie(cookie, value, max_age=365 * 86_400, samesite="Lax", secure=request.is_secure())
