"""Signing in, the map, environments and data: what has to be there before a test can run."""

import re

from playwright.sync_api import expect

from apps.accounts.demo import PASSWORD
from tests.browser.flow.walk import Walk

SECRET = "kept-to-itself-8461"
DRAWN = """() => {
    const graph = document.querySelector("[data-map]")._cyreg.cy;
    const seams = graph.edges().map(edge => edge.data("text"));
    return { components: graph.nodes().map(node => node.data("name")), seams };
}"""


def sign_in(walk: Walk) -> None:
    """By form; a wrong password is refused and the address stays typed."""
    page = walk.page
    expect(page).to_have_url(re.compile("/sign-in/"))
    walk.look("sign-in")
    page.get_by_label("E-mail address").fill("lena@demo.integhub.local")
    page.get_by_label("Password", exact=True).fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value("lena@demo.integhub.local")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/s/shop/$"))
    expect(page.get_by_text("No evidence").first).to_be_visible()
    walk.look("dashboard-before")


def see_and_extend_the_map(walk: Walk) -> None:
    """Everything is drawn with its state; a component and a seam are added, the seam is edited."""
    page = walk.go("map/")
    drawn = page.evaluate(DRAWN)
    assert len(drawn["components"]) == 11
    assert any("POST /webhooks/payments" in text for text in drawn["seams"])
    expect(page.locator(".map-legend")).to_contain_text("No result here 24")
    walk.look("map-before")

    page.get_by_role("link", name="Add component").click()
    page.get_by_label("Name", exact=True).fill("Archive")
    page.get_by_role("radio", name="Third party").check()
    walk.look("component-new")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Archive")).to_be_visible()

    _add_seam(walk)
    panel = page.locator("#map-panel")
    expect(panel.get_by_role("heading", name="POST /mails")).to_be_visible()
    panel.get_by_role("link", name="Edit").click()
    page.get_by_label("Operation").fill("PUT /mails/{id}")
    walk.look("point-edit")
    page.get_by_role("button", name="Save").click()

    page = walk.go("map/")
    assert "Archive" in page.evaluate(DRAWN)["components"]
    expect(page.locator(".map-legend")).to_contain_text("No result here 25")
    panel.get_by_role("link", name="PUT /mails/{id}").click()
    expect(panel.get_by_role("heading", name="PUT /mails/{id}")).to_be_visible()


def _add_seam(walk: Walk) -> None:
    page = walk.go("points/new/")
    page.get_by_label("Consumer").select_option(label="Notifier")
    page.get_by_label("Provider").select_option(label="Archive")
    page.get_by_label("Protocol").select_option(label="HTTP")
    page.get_by_label("Operation").fill("POST /mails")
    page.get_by_role("button", name="Add", exact=True).click()


def prepare_the_environment(walk: Walk) -> None:
    """Variables are added and changed; a secret is set and never shown."""
    page = walk.go("environments/")
    walk.look("environments")
    page = walk.go("environments/local/")
    variables = page.locator("#variables")
    variables.get_by_label("Name of the new variable").fill("ARCHIVE_URL")
    variables.get_by_label("Value of the new variable").fill("http://127.0.0.1:9")
    variables.get_by_role("button", name="Add").click()
    expect(variables.locator(".name-row", has_text="ARCHIVE_URL")).to_contain_text("http://127.0.0.1:9")
    variables.get_by_role("button", name="Edit CUSTOMERS").click()
    variables.locator("li form").get_by_label("Value").fill("6")
    variables.get_by_role("button", name="Save").click()
    expect(variables.locator(".name-row", has_text="CUSTOMERS")).to_contain_text("6")

    secrets = page.locator("#secrets")
    secrets.get_by_label("Name of the new secret").fill("ARCHIVE_KEY")
    secrets.get_by_label("Value of the new secret").fill(SECRET)
    secrets.get_by_role("button", name="Add").click()
    expect(secrets.locator(".name-row", has_text="ARCHIVE_KEY")).to_contain_text("••••••••")
    assert SECRET not in page.content()
    page.reload()
    expect(page.get_by_text("Lena Lead set the secret ARCHIVE_KEY")).to_be_visible()
    assert SECRET not in page.content()
    walk.look("environment")


def see_the_data(walk: Walk) -> None:
    """The data set of orders has its five rows."""
    page = walk.go("datasets/")
    page.get_by_role("link", name="Orders").click()
    expect(page.locator("tbody tr")).to_have_count(5)
    expect(page.get_by_role("row", name=re.compile("Bücherregal"))).to_be_visible()
    walk.look("dataset")
