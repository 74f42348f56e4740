"""Who may do what in a team; views of a team name their role here."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from apps.accounts.models import Membership, Role, Team, User
from apps.core.access import View, signed_in


def role_in(user: Any, team_id: int) -> Role | None:
    """Role of *user* in the team, or None for an outsider."""
    role = Membership.objects.filter(team_id=team_id, user=user.pk).values_list("role", flat=True).first()
    return None if role is None else Role(role)


def demand(user: Any, team_id: int, role: Role) -> Role:
    """The user's role in the team; PermissionDenied when it is below *role*."""
    actual = role_in(user, team_id)
    if actual is None or actual < role:
        raise PermissionDenied(_("This needs the role “%(role)s” in the team.") % {"role": role.label})
    return actual


def testers_of(team_id: int) -> QuerySet[User]:
    """Active members of the team who may execute, by name."""
    able = User.objects.filter(memberships__team=team_id, memberships__role__gte=Role.TESTER, is_active=True)
    return able.order_by("name", "pk")


def team_page(role: Role) -> Callable[[View], View]:
    """View of one team, by the URL's ``team`` slug; the view gets the Team, members only (404 for others)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def scoped(request: HttpRequest, team: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            found = get_object_or_404(Team.objects.visible_to(request.user), slug=team)
            request.role = demand(request.user, found.pk, role)  # type: ignore[attr-defined]
            return view(request, found, *args, **kwargs)

        guarded = signed_in(scoped)
        guarded.access = role  # type: ignore[attr-defined]
        return guarded

    return decorate
