"""Verbs on teams, members, invitations and API tokens; each leaves an audit entry."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts import demo
from apps.accounts.mail import mail_invitation
from apps.accounts.models import (
    INVITATION_DAYS,
    ApiToken,
    AuditEntry,
    Invitation,
    Membership,
    Role,
    Scope,
    Team,
    User,
    digest,
)
from apps.accounts.signals import tester_left
from apps.core.errors import Conflict, DomainError

SUBJECT_MAX = 200  # AuditEntry.subject
RESERVED = {"new"}  # /teams/new/ is a page


def audit(team: Team | None, actor: User | None, action: str, subject: str, **detail: Any) -> AuditEntry:
    """Write down that *actor* did *action* (``member.removed``) to *subject*; *detail* is JSON without secrets."""
    return AuditEntry.objects.create(
        team=team, actor=actor, action=action, subject=str(subject)[:SUBJECT_MAX], detail=detail
    )


@transaction.atomic
def create_team(name: str, owner: User) -> Team:
    """A team of which *owner* is the first admin; its slug is made from the name and unique."""
    team = Team.objects.create(name=name, slug=_free_slug(name))
    Membership.objects.create(team=team, user=owner, role=Role.ADMIN)
    audit(team, owner, "team.created", team.name)
    return team


def _free_slug(name: str) -> str:
    base = slugify(name)[:50] or "team"
    taken = set(Team.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED
    return base if base not in taken else next(s for n in range(2, len(taken) + 3) if (s := f"{base}-{n}") not in taken)


@transaction.atomic
def rename_team(team: Team, name: str, by: User) -> Team:
    """Change the name; addresses keep the slug."""
    before, team.name = team.name, name
    team.save(update_fields=["name", "updated_at"])
    audit(team, by, "team.renamed", name, before=before)
    return team


@transaction.atomic
def invite(team: Team, email: str, role: Role, by: User) -> tuple[Invitation, str]:
    """An invitation and its token; the token is given once, here. The link is mailed after the commit."""
    email = email.strip().lower()
    if team.memberships.filter(user__email=email).exists():
        raise Conflict("already-member", _("%(email)s is already a member of this team.") % {"email": email})
    team.invitations.filter(email=email, accepted_at__isnull=True, revoked_at__isnull=True).update(
        revoked_at=timezone.now()
    )
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(team=team, email=email, role=role, token_digest=digest(token), invited_by=by)
    audit(team, by, "member.invited", email, role=Role(role).name.lower())
    transaction.on_commit(lambda: mail_invitation(invitation, token), robust=True)  # the link is shown, too
    return invitation, token


def open_invitation(token: str) -> Invitation:
    """The invitation of *token*; a DomainError says why the link does not work (any more)."""
    invitation = Invitation.objects.select_related("team", "invited_by").filter(token_digest=digest(token)).first()
    if invitation is None:
        raise DomainError("invitation-unknown", _("This invitation link is not known. Ask for a new one."), status=404)
    if invitation.is_open:
        return invitation
    if invitation.accepted_at:
        why = _("This invitation has already been used. Sign in with the account that was made with it.")
    elif invitation.revoked_at:
        why = _("This invitation was withdrawn. Ask the team for a new one.")
    else:
        why = _("This invitation has expired after %(days)d days. Ask the team for a new one.") % {
            "days": INVITATION_DAYS
        }
    raise DomainError("invitation-closed", why, status=410)


@transaction.atomic
def accept_invitation(token: str, user: User) -> Membership:
    """*user* joins the team; the link works once, and for the invited address only."""
    digested = digest(token)
    list(Invitation.objects.select_for_update().filter(token_digest=digested).values_list("pk"))
    invitation = open_invitation(token)
    if invitation.email != user.email:
        raise DomainError(
            "invitation-for-another",
            _("This invitation is for %(invited)s, but you are signed in as %(present)s.")
            % {"invited": invitation.email, "present": user.email},
            status=403,
        )
    membership, joined = Membership.objects.get_or_create(
        team=invitation.team, user=user, defaults={"role": invitation.role}
    )
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    if joined:
        audit(invitation.team, user, "member.joined", user.email, role=Role(membership.role).name.lower())
    return membership


@transaction.atomic
def join_as_new_user(token: str, name: str, password: str) -> User:
    """Make the account that the invitation is for, and join the team with it."""
    invitation = open_invitation(token)
    if User.objects.filter(email=invitation.email).exists():
        raise Conflict("account-exists", _("There is an account with this address already. Sign in to join."))
    user = User.objects.create_user(invitation.email, password, name=name)
    accept_invitation(token, user)
    return user


@transaction.atomic
def revoke_invitation(invitation: Invitation, by: User) -> None:
    """Withdraw the link; one that was used or withdrawn stays as it is."""
    open_ones = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True)
    if open_ones.update(revoked_at=timezone.now()):
        audit(invitation.team, by, "invitation.revoked", invitation.email)


@transaction.atomic
def change_role(membership: Membership, role: Role, by: User) -> None:
    """Give a member another role; a team keeps at least one admin."""
    before = Role(membership.role)
    if before == role:
        return
    if before == Role.ADMIN:
        _keep_an_admin(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    if role < Role.TESTER:
        _tell_of_leaving(membership)
    audit(
        membership.team,
        by,
        "member.role-changed",
        membership.user.email,
        before=before.name.lower(),
        after=Role(role).name.lower(),
    )


@transaction.atomic
def remove_member(membership: Membership, by: User) -> None:
    """Take a member out of the team (or leave it); a team keeps at least one admin."""
    if membership.role == Role.ADMIN:
        _keep_an_admin(membership)
    audit(membership.team, by, "member.removed", membership.user.email)
    membership.delete()
    _tell_of_leaving(membership)


def _tell_of_leaving(membership: Membership) -> None:
    tester_left.send(sender=Membership, team_id=membership.team_id, user_id=membership.user_id)


def _keep_an_admin(membership: Membership) -> None:
    admins = Membership.objects.select_for_update().filter(team=membership.team_id, role=Role.ADMIN)
    if not [pk for pk in admins.values_list("pk", flat=True) if pk != membership.pk]:
        raise Conflict("last-admin", _("A team needs an admin. Make somebody else admin first."))


@transaction.atomic
def create_token(
    user: User,
    name: str,
    expires_at: datetime | None = None,
    *,
    scope: str = Scope.WRITE,
    made_with: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """An API token of *user*; the token itself is given once, here. *expires_at* None: until it is revoked.

    A token *made_with* another does not outlive it: who found a token must not keep its powers for longer.
    """
    if made_with is not None and made_with.expires_at is not None:
        expires_at = min(expires_at or made_with.expires_at, made_with.expires_at)
    if expires_at is not None and expires_at <= timezone.now() + timedelta(minutes=1):
        raise DomainError(
            "expiry-past",
            _("The expiry must lie in the future."),
            errors=[{"field": "expires_at", "detail": _("The expiry must lie in the future.")}],
        )
    token = ApiToken.fresh()
    saved = ApiToken.objects.create(
        user=user, name=name, scope=scope, token_digest=digest(token), expires_at=expires_at
    )
    audit(None, user, "token.created", name, scope=scope)
    return saved, token


@transaction.atomic
def revoke_token(token: ApiToken, by: User) -> None:
    """Delete the token; programs that use it get 401 from now on."""
    audit(None, by, "token.revoked", token.name)
    token.delete()


@transaction.atomic
def add_demo_people(team: Team) -> dict[Role, User]:
    """Make the demo accounts, one a role, members of *team*; returns them by role.

    Refuses outside an embedded start, because everybody knows their password.
    """
    if not settings.EMBEDDED:
        raise DomainError("demo-refused", _("Demo accounts are made only in an embedded start."), status=403)
    people: dict[Role, User] = {}
    for person in demo.PEOPLE:
        user = User.objects.filter(email=person.email).first()
        user = user or User.objects.create_user(person.email, demo.PASSWORD, name=person.name)
        Membership.objects.get_or_create(team=team, user=user, defaults={"role": person.role})
        people[person.role] = user
    return people
