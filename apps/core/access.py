"""Every view names who may use it; a test walks the URL map and refuses a view that does not.

``@public`` and ``@signed_in`` stand here. Views of a system name a role with
``apps.systems.access.system_page``; views of a team with ``apps.accounts.access.team_page``.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.core.answers import is_part, is_program, problem
from apps.core.errors import DomainError

View = Callable[..., HttpResponseBase]


class SignedInRequest(HttpRequest):
    """A request whose user is known; annotates views behind ``signed_in``."""

    user: Any


def public(view: View) -> View:
    """Anybody may see this view, signed in or not."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Any user may see this view; what it shows must start from what that user may see."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else _ask_to_sign_in(request)

    guarded.access = "signed in"  # type: ignore[attr-defined]
    return guarded


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page must not land inside a page whose session has ended."""
    if is_program(request):
        return problem(DomainError("not-signed-in", _("Your session has ended. Sign in again."), status=401))
    if is_part(request):
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    return redirect_to_login(_page_to_come_back_to(request))


def _page_to_come_back_to(request: HttpRequest) -> str:
    """Where a form was sent there is no page: whoever sent one comes back to the page on which it stands."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    page = urlsplit(request.headers.get("Referer", ""))
    known = page.netloc == request.get_host()
    return page._replace(scheme="", netloc="", fragment="").geturl() if known else "/"
