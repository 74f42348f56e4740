import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import services
from apps.accounts.models import ApiToken, AuditEntry, Role, Team, User
from apps.environments.services import save_dataset
from apps.systems.models import System
from tests.conftest import PASSWORD

SignIn = Callable[[User], Client]


def enter(client: Client, email: str, password: str) -> Any:
    return client.post("/sign-in/", {"username": email, "password": password})


def test_signing_in_leads_to_the_start_page(admin: User) -> None:
    response = enter(Client(), "ADA@example.test", PASSWORD)

    assert (response.status_code, response["Location"]) == (302, "/")


def test_a_wrong_password_keeps_the_address_and_does_not_say_which_was_wrong(admin: User) -> None:
    known = enter(Client(), admin.email, "wrong")
    unknown = enter(Client(), "nobody@example.test", "wrong")

    assert admin.email in known.content.decode()
    assert known.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()
    assert known.context["form"].non_field_errors()


def test_too_many_wrong_passwords_close_the_door_whatever_the_spelling(admin: User) -> None:
    client = Client()
    for attempt in range(6):
        response = enter(client, admin.email if attempt % 2 else admin.email.upper(), "wrong")

    assert response.status_code == 429
    assert "15 minutes" in response.content.decode()
    assert enter(client, admin.email, PASSWORD).status_code == 429


def test_the_door_stays_open_for_others_on_the_same_network(admin: User, tester: User) -> None:
    for _ in range(7):
        enter(Client(), admin.email, "wrong")

    assert enter(Client(), tester.email, PASSWORD).status_code == 302


def test_signing_in_does_not_redirect_to_another_site(admin: User) -> None:
    response = Client().post(
        "/sign-in/", {"username": admin.email, "password": PASSWORD, "next": "https://evil.example/"}
    )

    assert response["Location"] == "/"


def test_signing_out_needs_a_post(admin: User, sign_in: SignIn) -> None:
    client = sign_in(admin)

    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/account/").status_code == 302


@pytest.mark.django_db
def test_before_the_first_account_the_sign_in_page_tells_how_to_make_it() -> None:
    assert "manage.py first_admin" in Client().get("/sign-in/").content.decode()


def test_demo_accounts_are_offered_only_in_an_embedded_start(team: Team, settings: Any) -> None:
    settings.EMBEDDED = True
    services.add_demo_people(team)
    offered = Client().get("/sign-in/").content.decode()
    settings.EMBEDDED = False
    hidden = Client().get("/sign-in/").content.decode()

    assert "ada@demo.integhub.local" in offered
    assert "demo.integhub.local" not in hidden and "integhub-demo" not in hidden


def test_a_password_is_reset_by_a_link_that_works_once(admin: User, mailoutbox: list[Any], settings: Any) -> None:
    settings.BASE_URL = "https://integhub.example"
    client = Client()
    client.post("/password-reset/", {"email": admin.email.upper()})
    (mail,) = mailoutbox
    link = re.search(r"https://integhub\.example(/password-reset/\S+)", mail.body)
    assert link is not None

    form = client.get(link[1], follow=True)
    new = {"new_password1": "a quite new phrase", "new_password2": "a quite new phrase"}
    client.post(form.redirect_chain[-1][0], new)

    assert enter(Client(), admin.email, "a quite new phrase").status_code == 302
    assert "no longer works" in Client().get(link[1], follow=True).content.decode()


def test_a_reset_does_not_say_whether_there_is_an_account_nor_flood_a_mailbox(
    admin: User, mailoutbox: list[Any]
) -> None:
    answers = {
        Client().post("/password-reset/", {"email": email})["Location"]
        for email in (admin.email, admin.email, admin.email, "nobody@example.test")
    }

    assert answers == {"/password-reset/sent/"}
    assert len(mailoutbox) == 1


def test_a_new_person_joins_by_the_link_and_is_signed_in(team: Team, admin: User) -> None:
    _, token = services.invite(team, "nina@example.test", Role.TESTER, admin)
    client = Client()

    refused = client.post(f"/invitations/{token}/", {"name": "Nina", "password": "password"})
    joined = client.post(f"/invitations/{token}/", {"name": "Nina", "password": "a long and good one"})

    assert "too common" in refused.content.decode()
    assert joined["Location"] == "/teams/shop-team/"
    assert client.get("/teams/shop-team/").status_code == 200
    assert team.memberships.get(user__email="nina@example.test").role == Role.TESTER


def test_a_person_with_an_account_is_asked_to_sign_in_first(team: Team, admin: User, outsider: User) -> None:
    _, token = services.invite(team, outsider.email, Role.TESTER, admin)

    page = Client().get(f"/invitations/{token}/").content.decode()

    assert f"/sign-in/?next=/invitations/{token}/" in page
    assert 'name="password"' not in page


def test_only_a_click_joins_not_the_opening_of_the_link(
    team: Team, admin: User, outsider: User, sign_in: SignIn
) -> None:
    _, token = services.invite(team, outsider.email, Role.TESTER, admin)
    client = sign_in(outsider)

    client.get(f"/invitations/{token}/")
    assert not team.memberships.filter(user=outsider).exists()

    client.post(f"/invitations/{token}/")
    assert team.memberships.filter(user=outsider).exists()


def test_the_wrong_person_is_told_whom_the_invitation_is_for(
    team: Team, admin: User, outsider: User, sign_in: SignIn
) -> None:
    _, token = services.invite(team, "nina@example.test", Role.TESTER, admin)

    for method in ("get", "post"):
        page = getattr(sign_in(outsider), method)(f"/invitations/{token}/").content.decode()
        assert "this invitation is for nina@example.test" in page
    assert not team.memberships.filter(user=outsider).exists()


def test_an_unknown_link_says_so(db: None) -> None:
    response = Client().get("/invitations/never-was/")

    assert response.status_code == 404
    assert "not known" in response.content.decode()


def test_the_link_of_an_invitation_is_shown_once(team: Team, admin: User, sign_in: SignIn) -> None:
    client = sign_in(admin)

    first = client.post("/teams/shop-team/invite/", {"email": "nina@example.test", "role": 20}, follow=True)
    second = client.get("/teams/shop-team/")

    assert "/invitations/" in first.content.decode()
    assert "fresh-link" not in second.content.decode()


def test_a_refused_invitation_keeps_what_was_typed(team: Team, admin: User, tester: User, sign_in: SignIn) -> None:
    response = sign_in(admin).post("/teams/shop-team/invite/", {"email": tester.email, "role": 30})

    page = response.content.decode()
    assert response.status_code == 400
    assert "already a member" in page and f'value="{tester.email}"' in page


def test_members_without_the_role_admin_see_no_buttons_that_would_be_refused(
    team: Team, admin: User, viewer: User, sign_in: SignIn
) -> None:
    page = sign_in(viewer).get("/teams/shop-team/").content.decode()

    assert "/invite/" not in page and "/members/" not in page and "/audit/" not in page


def test_the_last_admin_is_told_why_leaving_is_refused(team: Team, admin: User, sign_in: SignIn) -> None:
    response = sign_in(admin).post("/teams/shop-team/leave/")

    assert response.status_code == 409
    assert "needs an admin" in response.content.decode()


def test_the_audit_log_has_pages(team: Team, admin: User, sign_in: SignIn) -> None:
    for number in range(120):
        services.audit(team, admin, "secret.changed", f"KEY_{number:03}")
    client = sign_in(admin)

    first = client.get("/teams/shop-team/audit/").content.decode()
    last = client.get("/teams/shop-team/audit/?page=3").content.decode()

    assert "KEY_119" in first and "KEY_069" not in first
    assert "KEY_000" in last


def test_the_audit_log_says_what_was_and_what_is(team: Team, admin: User, sign_in: SignIn) -> None:
    changes = {"name": ["Old", "New"], "owner": ["", "ada"]}
    services.audit(team, admin, "component.changed", "shop/orders", changes=changes, cases=[1, 2], before=None)

    page = sign_in(admin).get("/teams/shop-team/audit/").content.decode()

    assert "name: Old → New" in page
    assert "owner: – → ada" in page
    assert "cases: 1, 2" in page
    assert "before: –" in page


def test_the_audit_log_tells_of_the_table_of_a_data_set(
    team: Team, system: System, admin: User, sign_in: SignIn
) -> None:
    """Of its rows only the number is kept: there is no before."""
    save_dataset(system, by=admin, name="Orders", columns=["sku"], rows=[{"values": {"sku": "mug"}}])

    page = sign_in(admin).get("/teams/shop-team/audit/").content.decode()

    assert "dataset.created" in page
    assert "rows: 1" in page and "columns: – → sku" in page


@pytest.mark.parametrize("path", ["/teams/", "/teams/shop-team/", "/teams/shop-team/audit/"])
def test_pages_cost_the_same_however_many_members(
    path: str, team: Team, admin: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    client = sign_in(admin)
    for number in range(30):
        user = User.objects.create_user(f"m{number}@example.test", name=f"Member {number}")
        services.accept_invitation(services.invite(team, user.email, Role.VIEWER, admin)[1], user)
        services.invite(team, f"invited{number}@example.test", Role.VIEWER, admin)

    with django_assert_max_num_queries(12):
        assert client.get(path).status_code == 200


def test_the_language_is_remembered_with_the_user_and_in_the_browser(admin: User, sign_in: SignIn) -> None:
    client = sign_in(admin)

    client.post("/account/", {"name": "Ada L.", "language": "es"})

    admin.refresh_from_db()
    assert (admin.name, admin.language) == ("Ada L.", "es")
    assert client.cookies["django_language"].value == "es"


def test_a_changed_password_ends_other_sessions_but_not_this_one(admin: User, sign_in: SignIn) -> None:
    here, there = sign_in(admin), sign_in(admin)
    new = {"old_password": PASSWORD, "new_password1": "a quite new phrase", "new_password2": "a quite new phrase"}

    here.post("/account/password/", new)

    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert AuditEntry.objects.filter(action="password.changed", actor=admin).exists()


def test_a_token_is_shown_once_and_can_be_revoked(admin: User, sign_in: SignIn) -> None:
    client = sign_in(admin)

    given = {"name": "CI", "scope": "run", "days": 30}
    made = client.post("/account/tokens/", given, follow=True).content.decode()
    token = re.search(r"ihub_[\w-]{30,}", made)
    assert token is not None
    assert token[0] not in client.get("/account/tokens/").content.decode()

    assert "Read, run tests, note deployments</td>" in made
    assert ApiToken.objects.get().scope == "run"

    client.post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert Client(headers={"Authorization": f"Bearer {token[0]}"}).get("/api/v1/me/").status_code == 401


def test_teams_are_listed_with_their_members_and_systems_at_the_same_cost_however_many(
    admin: User, tester: User, system: System, sign_in: SignIn
) -> None:
    client = sign_in(admin)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get("/teams/")
        return len(asked)

    cost()
    few = cost()
    for number in range(5):
        services.create_team(f"Team {number}", admin)
    page = client.get("/teams/").content.decode()

    people = system.team.memberships.count()
    assert people > 1 and re.findall(r'data-label="Members">(\d*)<', page) == [str(people), *["1"] * 5]
    assert system.name in page
    assert cost() == few


def test_nobody_gets_a_token_that_may_everything_without_choosing_so(admin: User, sign_in: SignIn) -> None:
    client = sign_in(admin)

    page = client.get("/account/tokens/").content.decode()
    refused = client.post("/account/tokens/", {"name": "CI", "days": 30})

    assert '<option value="" selected>Choose…</option>' in page
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["scope"])
    assert not ApiToken.objects.exists()


def test_nobody_revokes_the_token_of_somebody_else(admin: User, tester: User, sign_in: SignIn) -> None:
    saved, _ = services.create_token(admin, "CI")

    assert sign_in(tester).post(f"/account/tokens/{saved.pk}/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=saved.pk).exists()
