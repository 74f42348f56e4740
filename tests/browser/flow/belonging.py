"""Team, account, tokens, workers; somebody is invited and joins; a forgotten password is set anew."""

import re
import time

from playwright.sync_api import expect

from apps.accounts.demo import PASSWORD
from tests.browser.flow.walk import Walk

NINA = "nina@example.test"
FORGOTTEN, REMEMBERED = "a phrase soon forgotten", "a phrase that stays in mind"
MAIL_WITHIN = 20  # seconds
LINK = re.compile(r"http://\S+/password-reset/\S+/\S+/")


def see_team_and_account(walk: Walk) -> None:
    """As a lead: the teams, the own one, the account, the workers of the system."""
    page = walk.page
    page.goto("/teams/")
    expect(page.get_by_role("main").get_by_role("link", name="Demo team")).to_be_visible()
    walk.look("teams")
    page.get_by_role("main").get_by_role("link", name="Demo team").click()
    expect(page.get_by_text("you are Lead")).to_be_visible()
    walk.look("team")
    page.goto("/account/")
    expect(page.get_by_role("heading", name="About me")).to_be_visible()
    walk.look("account")
    walk.go("workers/")
    expect(page.get_by_role("main")).to_contain_text("alive")
    walk.look("workers")


def invite_somebody(walk: Walk) -> None:
    """As an admin; the link is passed on, and who has it makes an account and is in the team."""
    page = walk.page
    _change_to(walk, "ada@demo.integhub.local", PASSWORD)
    page.goto("/teams/demo/edit/")
    walk.look("team-edit")
    page.goto("/teams/demo/")
    page.get_by_label("E-mail address").fill(NINA)
    page.get_by_role("button", name="Invite").click()
    link = page.locator("#fresh-link").inner_text()
    expect(page.get_by_role("cell", name=NINA, exact=True)).to_be_visible()
    walk.look("team-admin")
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_role("cell", name="member.invited")).to_be_visible()
    walk.look("audit")

    _sign_out(walk)
    page.goto(link)
    expect(page.get_by_role("heading", name="Join Demo team")).to_be_visible()
    walk.look("invitation")
    page.get_by_label("Your name").fill("Nina")
    page.get_by_label("Password").fill(FORGOTTEN)
    page.get_by_role("button", name="Make the account and join").click()
    expect(page.get_by_text("you are Tester")).to_be_visible()
    _sign_out(walk)
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_contain_text("invitation")
    walk.look("invitation-closed")


def set_a_password_anew(walk: Walk) -> None:
    """By the link in the mail; the former password is no longer good for anything."""
    page = walk.page
    page.goto("/sign-in/")
    page.get_by_role("link", name="Forgotten the password?").click()
    walk.look("password-reset")
    page.get_by_label("Email").fill(NINA)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    walk.look("password-reset-sent")
    link = _mailed_link(walk)
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(REMEMBERED)
    page.get_by_label("New password confirmation").fill(REMEMBERED)
    walk.look("password-new")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Your new password is set")).to_be_visible()
    walk.look("password-set")
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    walk.look("password-link-used")
    _sign_in(walk, NINA, FORGOTTEN)
    expect(page.get_by_role("alert")).to_be_visible()
    _sign_in(walk, NINA, REMEMBERED)
    expect(page).to_have_url(re.compile("/s/shop/$"))


def _change_to(walk: Walk, address: str, password: str) -> None:
    _sign_out(walk)
    _sign_in(walk, address, password)
    expect(walk.page).to_have_url(re.compile("/s/shop/$"))


def _sign_in(walk: Walk, address: str, password: str) -> None:
    walk.page.goto("/sign-in/")
    walk.page.get_by_label("E-mail address").fill(address)
    walk.page.get_by_label("Password", exact=True).fill(password)
    walk.page.get_by_role("button", name="Sign in", exact=True).click()


def _sign_out(walk: Walk) -> None:
    walk.page.goto("/account/")
    walk.page.locator(".user-menu > button").click()
    walk.page.get_by_role("button", name="Sign out").click()
    expect(walk.page).to_have_url(re.compile("/sign-in/"))


def _mailed_link(walk: Walk) -> str:
    deadline = time.monotonic() + MAIL_WITHIN
    while True:
        texts = [path.read_text() for path in (walk.stage.logs / "mail").glob("*") if path.is_file()]
        links = [link for text in texts if NINA in text for link in LINK.findall(text)]
        if links:
            return links[-1]
        assert time.monotonic() < deadline, f"no mail with a link came: {texts}"
        time.sleep(0.2)
