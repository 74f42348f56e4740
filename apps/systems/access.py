"""Views of one system name their role here; everything they show hangs below that system."""

from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from apps.accounts.access import demand
from apps.accounts.models import Role
from apps.core.access import View, signed_in
from apps.systems.models import System


class SystemRequest(HttpRequest):
    """A request on a system's page: the user is signed in and holds *role* in the system's team."""

    user: Any
    system: System
    role: Role


def system_page(role: Role) -> Any:
    """View of one system, by the URL's ``system`` slug.

    The view is called as ``view(request, system, …)`` with ``request.system`` and ``request.role`` set.
    An outsider gets 404 (a system's name is not given away), a member with too low a role 403.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def scoped(request: HttpRequest, system: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            visible = System.objects.visible_to(request.user).select_related("team")
            found = get_object_or_404(visible, slug=system)
            request.system = found  # type: ignore[attr-defined]
            request.role = demand(request.user, found.team_id, role)  # type: ignore[attr-defined]
            return view(request, found, *args, **kwargs)

        guarded = signed_in(scoped)
        guarded.access = role  # type: ignore[attr-defined]
        return guarded

    return decorate
