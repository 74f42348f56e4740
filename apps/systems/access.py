"""Views of one system name their role here; everything they show hangs below that system."""

from collections.abc import Awaitable, Callable
from functools import wraps
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from apps.accounts.access import demand
from apps.accounts.models import Role
from apps.core.access import View, signed_in
from apps.systems.models import System

AsyncView = Callable[..., Awaitable[HttpResponseBase]]


class SystemRequest(HttpRequest):
    """A request on a system's page: the user is signed in and holds *role* in the system's team."""

    user: Any
    system: System
    role: Role


def system_page(role: Role) -> Callable[[View], View]:
    """View of one system, by the URL's ``system`` slug.

    The view is called as ``view(request, system, …)`` with ``request.system`` and ``request.role`` set.
    An outsider gets 404 (a system's name is not given away), a member with too low a role 403.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def scoped(request: HttpRequest, system: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            found = _enter(request, request.user, system, role)
            return view(request, found, *args, **kwargs)

        guarded = signed_in(scoped)
        guarded.access = role  # type: ignore[attr-defined]
        return guarded

    return decorate


def live_page(role: Role) -> Callable[[AsyncView], View]:
    """The same for an asynchronous view under ``/live/``; who is not signed in gets 401, as no person reads it."""

    def decorate(view: AsyncView) -> View:
        @wraps(view)
        async def scoped(request: HttpRequest, system: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = await request.auser()
            if not user.is_authenticated:
                return HttpResponse(status=401)
            found = await sync_to_async(_enter)(request, user, system, role)
            return await view(request, found, *args, **kwargs)

        scoped.access = role  # type: ignore[attr-defined]
        return scoped  # type: ignore[return-value]  # Django awaits it: path() is typed for both, aliases are not

    return decorate


async def still_may_enter(session_key: str | None, system: int) -> bool:
    """Whether the session is still signed in, with the same password, as somebody who sees the system.

    Somebody who left, was removed or has signed out must not go on reading a stream that was opened before.
    """

    def look() -> bool:
        asked = HttpRequest()
        asked.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
        user = get_user(asked)
        return user.is_authenticated and System.objects.visible_to(user).filter(pk=system).exists()

    try:
        return await sync_to_async(look)()
    finally:
        await sync_to_async(connections.close_all)()


def _enter(request: HttpRequest, user: Any, slug: str, role: Role) -> System:
    found = get_object_or_404(System.objects.visible_to(user).select_related("team"), slug=slug)
    request.system = found  # type: ignore[attr-defined]
    request.role = demand(user, found.team_id, role)  # type: ignore[attr-defined]
    return found
