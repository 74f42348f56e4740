"""Accounts in the browser: signing in, invitations, teams, tokens."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.accounts import services
from apps.accounts.models import Role, Team, User
from apps.systems.models import System
from tests.conftest import PASSWORD

Shoot = Callable[[Page, str], None]
Axe = Callable[..., None]
Visit = Callable[..., Page]


def test_the_first_start_tells_how_to_make_an_account(visit: Visit, shoot: Shoot, axe: Axe) -> None:
    page = visit("/")

    expect(page.get_by_text("python manage.py first_admin")).to_be_visible()
    axe(page)
    shoot(page, "accounts-first-start")


def test_signing_in_after_a_mistake(visit: Visit, shoot: Shoot, axe: Axe, admin: User) -> None:
    page = visit("/account/")
    page.get_by_label("E-mail address").fill("ada@example.test")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct")
    expect(page.get_by_label("E-mail address")).to_have_value("ada@example.test")
    axe(page)
    shoot(page, "accounts-sign-in-refused")

    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Account")).to_be_visible()


def test_demo_accounts_come_in_with_one_click(visit: Visit, shoot: Shoot, axe: Axe, team: Team, settings: Any) -> None:
    settings.EMBEDDED = True
    services.add_demo_people(team)
    page = visit("/sign-in/?next=/teams/shop-team/")
    axe(page)
    shoot(page, "accounts-sign-in-demo")

    page.get_by_role("button", name="Vera Viewer").click()

    expect(page.get_by_role("heading", name="Shop team")).to_be_visible()
    expect(page.get_by_text("you are Viewer")).to_be_visible()


def test_too_many_attempts_are_explained(visit: Visit, console: Any, shoot: Shoot, axe: Axe, admin: User) -> None:
    console.allow("429")
    page = visit("/sign-in/")
    for _ in range(6):
        page.get_by_label("E-mail address").fill(admin.email)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    axe(page)
    shoot(page, "accounts-locked")


def test_a_forgotten_password_is_set_anew(
    visit: Visit, shoot: Shoot, axe: Axe, admin: User, mailoutbox: list[Any]
) -> None:
    page = visit("/sign-in/")
    page.get_by_role("link", name="Forgotten the password?").click()
    axe(page)
    shoot(page, "accounts-reset")
    page.get_by_label("Email").fill(admin.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    shoot(page, "accounts-reset-sent")

    page.goto(next(word for word in mailoutbox[0].body.split() if "/password-reset/" in word))
    page.get_by_label("New password", exact=True).fill("a quite new phrase")
    page.get_by_label("New password confirmation").fill("a quite new phrase")
    axe(page)
    shoot(page, "accounts-reset-confirm")
    page.get_by_role("button", name="Set the password").click()

    expect(page.get_by_role("heading", name="Your new password is set")).to_be_visible()


def test_an_invited_person_makes_an_account(visit: Visit, shoot: Shoot, axe: Axe, team: Team, admin: User) -> None:
    _, token = services.invite(team, "nina@example.test", Role.TESTER, admin)
    page = visit(f"/invitations/{token}/")
    axe(page)
    shoot(page, "accounts-invitation")

    page.get_by_label("Your name").fill("Nina")
    page.get_by_label("Password").fill("a long and good one")
    page.get_by_role("button", name="Make the account and join").click()

    expect(page.get_by_role("heading", name="Shop team")).to_be_visible()
    expect(page.get_by_text("you are Tester")).to_be_visible()


def test_the_wrong_person_is_told_so(
    visit: Visit, shoot: Shoot, axe: Axe, team: Team, admin: User, outsider: User
) -> None:
    _, token = services.invite(team, "nina@example.test", Role.TESTER, admin)

    page = visit(f"/invitations/{token}/", outsider)

    expect(page.get_by_role("alert")).to_contain_text("this invitation is for nina@example.test")
    axe(page)
    shoot(page, "accounts-invitation-wrong")


def test_a_link_that_no_longer_works_says_why(
    visit: Visit, console: Any, shoot: Shoot, axe: Axe, team: Team, admin: User
) -> None:
    console.allow("410")
    invitation, token = services.invite(team, "nina@example.test", Role.TESTER, admin)
    services.revoke_invitation(invitation, admin)

    page = visit(f"/invitations/{token}/")

    expect(page.get_by_role("heading", name="This invitation was withdrawn.")).to_be_visible()
    axe(page)
    shoot(page, "accounts-invitation-closed")


def test_an_admin_invites_promotes_and_removes(
    visit: Visit, shoot: Shoot, axe: Axe, team: Team, admin: User, tester: User, viewer: User, system: System
) -> None:
    services.invite(team, "nina@example.test", Role.TESTER, admin)
    page = visit("/teams/shop-team/", admin)
    page.get_by_label("E-mail address").fill("new@example.test")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#fresh-link")).to_contain_text("/invitations/")
    expect(page.get_by_role("cell", name="new@example.test", exact=True)).to_be_visible()
    axe(page)
    shoot(page, "accounts-team")

    page.get_by_label("Role of Tom").select_option("Lead")
    expect(page.get_by_text("Tom is now Lead.")).to_be_visible()
    page.get_by_role("row", name="Vera").get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()

    expect(page.get_by_text("Vera is no longer a member.")).to_be_visible()
    assert {member.user.name: Role(member.role) for member in team.memberships.all()} == {
        "Ada": Role.ADMIN,
        "Tom": Role.LEAD,
    }
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_role("cell", name="member.removed")).to_be_visible()
    axe(page)
    shoot(page, "accounts-audit")


def test_a_viewer_sees_the_team_without_buttons(
    visit: Visit, shoot: Shoot, axe: Axe, viewer: User, admin: User
) -> None:
    page = visit("/teams/shop-team/", viewer)

    expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    axe(page)
    shoot(page, "accounts-team-viewer")


def test_a_person_without_a_team_makes_one(visit: Visit, shoot: Shoot, axe: Axe, db: None) -> None:
    page = visit("/teams/", User.objects.create_user("new@example.test", PASSWORD, name="New Person"))
    axe(page)
    shoot(page, "accounts-teams-empty")

    page.get_by_role("link", name="Make a team").click()
    page.get_by_label("Name").fill("Payments")
    axe(page)
    shoot(page, "accounts-team-new")
    page.get_by_role("button", name="Make the team").click()

    expect(page.get_by_role("heading", name="Payments")).to_be_visible()


def test_a_token_is_made_copied_and_revoked(visit: Visit, shoot: Shoot, axe: Axe, admin: User) -> None:
    services.create_token(admin, "CI of the shop")
    page = visit("/account/tokens/", admin)
    page.get_by_label("Name").fill("Nightly")
    page.get_by_label("Scope").select_option("read")
    page.get_by_role("button", name="Make a token").click()
    token = page.locator("#fresh-token").inner_text()
    page.get_by_role("button", name="Copy").click()
    assert token.startswith("ihub_") and page.evaluate("navigator.clipboard.readText()") == token
    axe(page)
    shoot(page, "accounts-tokens")

    page.get_by_role("row", name="Nightly").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()

    expect(page.get_by_text("The token is revoked.")).to_be_visible()
    assert [saved.name for saved in admin.api_tokens.all()] == ["CI of the shop"]


def test_the_account_speaks_the_chosen_language(visit: Visit, shoot: Shoot, axe: Axe, admin: User) -> None:
    page = visit("/account/", admin)
    axe(page)
    shoot(page, "accounts-account")

    page.get_by_role("combobox", name="Language").select_option("es")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("html")).to_have_attribute("lang", "es")
