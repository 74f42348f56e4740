"""Accounts in the browser: signing in, invitations, teams, tokens."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.accounts import services
from apps.accounts.models import Role, Team, User

Shoot = Callable[[Page, str], None]
Axe = Callable[..., None]


def test_an_admin_sees_members_and_invites_somebody(
    visit: Any, shoot: Shoot, axe: Axe, team: Team, admin: User, tester: User, viewer: User
) -> None:
    services.invite(team, "nina@example.test", Role.TESTER, admin)
    page = visit("/teams/shop-team/", admin)

    page.get_by_label("E-mail address").fill("new@example.test")
    page.get_by_role("button", name="Invite").click()

    expect(page.locator("#fresh-link")).to_contain_text("/invitations/")
    expect(page.get_by_role("cell", name="new@example.test", exact=True)).to_be_visible()
    axe(page)
    shoot(page, "accounts-team")


def test_the_account_page(visit: Any, shoot: Shoot, axe: Axe, admin: User) -> None:
    page = visit("/account/", admin)
    axe(page)
    shoot(page, "accounts-account")


def test_tokens(visit: Any, shoot: Shoot, axe: Axe, admin: User) -> None:
    services.create_token(admin, "CI of the shop")
    page = visit("/account/tokens/", admin)
    page.get_by_label("Name").fill("Nightly")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#fresh-token")).to_contain_text("ihub_")
    axe(page)
    shoot(page, "accounts-tokens")


def test_teams(visit: Any, shoot: Shoot, axe: Axe, admin: User) -> None:
    page = visit("/teams/", admin)
    axe(page)
    shoot(page, "accounts-teams")


def test_sign_in(visit: Any, shoot: Shoot, axe: Axe, admin: User) -> None:
    page = visit("/sign-in/")
    axe(page)
    shoot(page, "accounts-sign-in")


def test_audit(visit: Any, shoot: Shoot, axe: Axe, admin: User, team: Team) -> None:
    services.invite(team, "nina@example.test", Role.TESTER, admin)
    page = visit("/teams/shop-team/audit/", admin)
    axe(page)
    shoot(page, "accounts-audit")
