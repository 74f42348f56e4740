"""Teams: the list, one team with its members and invitations, its audit log."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.access import team_page
from apps.accounts.forms import InviteForm, RoleForm, TeamForm
from apps.accounts.mail import invitation_link
from apps.accounts.models import Membership, Role, Team
from apps.core.access import SignedInRequest, signed_in
from apps.core.errors import DomainError

PAGE = 50
FRESH_LINK = "fresh_invitation"  # session: shown once, on the next page


@signed_in
def teams(request: SignedInRequest) -> HttpResponse:
    """The user's teams with their role, members and systems."""
    mine = Membership.objects.filter(user=request.user.pk).order_by("team__name")
    counted = Team.objects.annotate(people=Count("memberships")).prefetch_related("systems")
    memberships = mine.prefetch_related(Prefetch("team", counted))
    return render(request, "accounts/teams.html", {"memberships": memberships, "section": "teams"})


@signed_in
def team_new(request: SignedInRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        team = services.create_team(form.cleaned_data["name"], request.user)
        return redirect("accounts:team", team.slug)
    return render(request, "accounts/team_new.html", {"form": form, "section": "teams"})


@team_page(Role.VIEWER)
def team(request: HttpRequest, team: Team) -> HttpResponse:
    return _show_team(request, team, InviteForm())


def _show_team(request: HttpRequest, team: Team, form: InviteForm, status: int = 200) -> HttpResponse:
    is_admin = request.role >= Role.ADMIN  # type: ignore[attr-defined]
    context = {
        "team": team,
        "memberships": team.memberships.select_related("user"),
        "invitations": [row for row in team.invitations.select_related("invited_by") if row.is_open],
        "systems": team.systems.all(),
        "is_admin": is_admin,
        "may_add_system": request.role >= Role.LEAD,  # type: ignore[attr-defined]
        "roles": Role.choices,
        "invite_form": form,
        "fresh_link": request.session.pop(FRESH_LINK, None) if is_admin else None,
        "section": "teams",
    }
    return render(request, "accounts/team.html", context, status=status)


@team_page(Role.ADMIN)
def team_edit(request: SignedInRequest, team: Team) -> HttpResponse:
    form = TeamForm(request.POST or None, instance=team)
    if request.method == "POST" and form.is_valid():
        kept = Team.objects.get(pk=team.pk)
        services.rename_team(kept, form.cleaned_data["name"], request.user)
        return redirect("accounts:team", team.slug)
    return render(request, "accounts/team_edit.html", {"form": form, "team": team, "section": "teams"})


@team_page(Role.ADMIN)
@require_POST
def invite(request: SignedInRequest, team: Team) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            invitation, token = services.invite(
                team, form.cleaned_data["email"], Role(form.cleaned_data["role"]), request.user
            )
        except DomainError as error:
            form.refuse(error)
        else:
            request.session[FRESH_LINK] = {"email": invitation.email, "link": invitation_link(token)}
            return redirect("accounts:team", team.slug)
    return _show_team(request, team, form, status=400)


@team_page(Role.ADMIN)
@require_POST
def invitation_revoke(request: SignedInRequest, team: Team, invitation: int) -> HttpResponse:
    services.revoke_invitation(get_object_or_404(team.invitations, pk=invitation), request.user)
    return redirect("accounts:team", team.slug)


@team_page(Role.ADMIN)
@require_POST
def member_role(request: SignedInRequest, team: Team, member: int) -> HttpResponse:
    membership = get_object_or_404(team.memberships.select_related("user"), pk=member)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise DomainError("unknown-role", _("There is no such role."), status=400)
    services.change_role(membership, form.cleaned_data["role"], request.user)
    messages.success(
        request,
        _("%(person)s is now %(role)s.") % {"person": membership.user, "role": membership.get_role_display()},
    )
    return redirect("accounts:team", team.slug)


@team_page(Role.ADMIN)
@require_POST
def member_remove(request: SignedInRequest, team: Team, member: int) -> HttpResponse:
    membership = get_object_or_404(team.memberships.select_related("user"), pk=member)
    services.remove_member(membership, request.user)
    messages.success(request, _("%(person)s is no longer a member.") % {"person": membership.user})
    return redirect("accounts:team", team.slug)


@team_page(Role.VIEWER)
@require_POST
def team_leave(request: SignedInRequest, team: Team) -> HttpResponse:
    services.remove_member(get_object_or_404(team.memberships, user=request.user), request.user)
    messages.success(request, _("You have left %(team)s.") % {"team": team})
    return redirect("accounts:teams")


@team_page(Role.ADMIN)
def audit_log(request: HttpRequest, team: Team) -> HttpResponse:
    """Who changed what, newest first."""
    page = Paginator(team.audit.select_related("actor"), PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/audit.html", {"team": team, "page": page, "section": "teams"})
