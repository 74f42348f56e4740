from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiToken, AuditEntry, Invitation, Membership, Role, Team, User, digest
from apps.core.errors import Conflict, DomainError


def actions(team: Team | None) -> list[str]:
    return list(AuditEntry.objects.filter(team=team).order_by("pk").values_list("action", flat=True))


def test_a_new_team_has_its_maker_as_admin_and_a_free_slug(outsider: User) -> None:
    first = services.create_team("Payments", outsider)
    second = services.create_team("Payments", outsider)

    assert (first.slug, second.slug) == ("payments", "payments-2")
    assert Membership.objects.get(team=first).role == Role.ADMIN
    assert actions(first) == ["team.created"]


@pytest.mark.parametrize("name", ["New", "???"])
def test_a_team_never_gets_an_address_that_is_a_page(outsider: User, name: str) -> None:
    assert services.create_team(name, outsider).slug not in {"", "new"}


def test_an_invitation_lets_the_invited_person_join_once(team: Team, admin: User, outsider: User) -> None:
    _, token = services.invite(team, outsider.email.upper(), Role.TESTER, admin)

    membership = services.accept_invitation(token, outsider)

    assert (membership.team, membership.role) == (team, Role.TESTER)
    with pytest.raises(DomainError, match="already been used") as refused:
        services.accept_invitation(token, outsider)
    assert refused.value.status == 410
    assert actions(team) == ["member.invited", "member.joined"]


def test_the_token_of_an_invitation_is_not_in_the_database(team: Team, admin: User) -> None:
    invitation, token = services.invite(team, "nina@example.test", Role.TESTER, admin)

    assert invitation.token_digest == digest(token)
    assert token not in str(Invitation.objects.values())
    assert token not in str(AuditEntry.objects.values())


def test_somebody_else_cannot_use_an_invitation(team: Team, admin: User, outsider: User) -> None:
    _, token = services.invite(team, "nina@example.test", Role.ADMIN, admin)

    with pytest.raises(DomainError, match=r"for nina@example\.test"):
        services.accept_invitation(token, outsider)

    assert not team.memberships.filter(user=outsider).exists()


def test_an_expired_invitation_says_so(team: Team, admin: User, outsider: User) -> None:
    invitation, token = services.invite(team, outsider.email, Role.TESTER, admin)
    Invitation.objects.filter(pk=invitation.pk).update(created_at=timezone.now() - timedelta(days=8))

    with pytest.raises(DomainError, match="expired after 7 days"):
        services.accept_invitation(token, outsider)


def test_a_withdrawn_invitation_says_so(team: Team, admin: User, outsider: User) -> None:
    invitation, token = services.invite(team, outsider.email, Role.TESTER, admin)
    services.revoke_invitation(invitation, admin)

    with pytest.raises(DomainError, match="withdrawn"):
        services.accept_invitation(token, outsider)


def test_a_second_invitation_of_the_same_address_ends_the_first(team: Team, admin: User, outsider: User) -> None:
    _, first = services.invite(team, outsider.email, Role.VIEWER, admin)
    _, second = services.invite(team, outsider.email, Role.LEAD, admin)

    with pytest.raises(DomainError, match="withdrawn"):
        services.accept_invitation(first, outsider)
    assert services.accept_invitation(second, outsider).role == Role.LEAD


def test_members_are_not_invited_again(team: Team, admin: User, tester: User) -> None:
    with pytest.raises(Conflict, match="already a member"):
        services.invite(team, tester.email, Role.ADMIN, admin)


def test_an_invitation_does_not_take_over_an_existing_account(team: Team, admin: User, outsider: User) -> None:
    _, token = services.invite(team, outsider.email, Role.TESTER, admin)

    with pytest.raises(Conflict, match="Sign in to join"):
        services.join_as_new_user(token, "Somebody", "another long password")

    outsider.refresh_from_db()
    assert outsider.name == "Oscar"


@pytest.mark.django_db(transaction=True)
def test_the_invitation_is_mailed_after_the_commit(team: Team, admin: User, mailoutbox: list[Any]) -> None:
    _, token = services.invite(team, "nina@example.test", Role.TESTER, admin)

    (mail,) = mailoutbox
    assert mail.to == ["nina@example.test"]
    assert f"/invitations/{token}/" in mail.body
    assert "Ada" in mail.subject


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_fails_does_not_undo_the_invitation(
    team: Team, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError("no mail server")

    monkeypatch.setattr(services, "mail_invitation", fail)

    services.invite(team, "nina@example.test", Role.TESTER, admin)

    assert team.invitations.count() == 1


def test_the_last_admin_cannot_leave_or_step_down(team: Team, admin: User, lead: User) -> None:
    membership = team.memberships.get(user=admin)

    with pytest.raises(Conflict, match="needs an admin"):
        services.change_role(membership, Role.VIEWER, admin)
    with pytest.raises(Conflict, match="needs an admin"):
        services.remove_member(membership, admin)

    services.change_role(team.memberships.get(user=lead), Role.ADMIN, admin)
    services.remove_member(membership, admin)
    assert [member.user for member in team.memberships.all()] == [lead]


def test_a_change_of_role_is_written_down_with_before_and_after(team: Team, admin: User, tester: User) -> None:
    services.change_role(team.memberships.get(user=tester), Role.LEAD, admin)

    entry = AuditEntry.objects.get(action="member.role-changed")
    assert (entry.actor, entry.subject, entry.detail) == (
        admin,
        "tom@example.test",
        {"before": "tester", "after": "lead"},
    )


def test_a_token_is_kept_as_its_digest_only(admin: User) -> None:
    saved, token = services.create_token(admin, "CI")

    assert token.startswith("ihub_")
    assert saved.token_digest == digest(token)
    assert token not in str(ApiToken.objects.values()) + str(AuditEntry.objects.values())


def test_a_token_cannot_expire_in_the_past(admin: User) -> None:
    with pytest.raises(DomainError, match="future"):
        services.create_token(admin, "CI", timezone.now() - timedelta(days=1))


def test_a_token_made_with_a_token_does_not_outlive_it(admin: User) -> None:
    soon = timezone.now() + timedelta(days=1)
    parent, _ = services.create_token(admin, "short", soon)

    child, _ = services.create_token(admin, "long", made_with=parent)

    assert child.expires_at == soon


def test_demo_people_exist_only_in_an_embedded_start(team: Team, settings: Any) -> None:
    settings.EMBEDDED = False
    with pytest.raises(DomainError, match="embedded"):
        services.add_demo_people(team)

    settings.EMBEDDED = True
    people = services.add_demo_people(team)
    assert sorted(people) == sorted(Role)
    assert services.add_demo_people(team) == people
