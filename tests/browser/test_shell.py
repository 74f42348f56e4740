"""The frame of every page, driven by hand: navigation, palette, keys, theme, language, confirmation, live regions."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core import live
from apps.systems.models import System

Shoot = Callable[[Page, str], None]
Axe = Callable[..., None]
Visit = Callable[..., Page]
GALLERY = "/gallery/"


@pytest.fixture(autouse=True)
def _gallery(settings: Any, system: System) -> None:
    settings.ROOT_URLCONF = "tests.browser.gallery"


def test_every_component_is_drawn_and_accessible(visit: Visit, shoot: Shoot, axe: Axe, admin: User) -> None:
    page = visit(GALLERY, admin)

    expect(page.get_by_role("heading", name="Gallery", level=1)).to_be_visible()
    axe(page)
    shoot(page, "shell-gallery")


def test_the_page_does_not_move_while_it_loads(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.wait_for_load_state("networkidle")

    shift = page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            const add = list => list.getEntries().forEach(e => { if (!e.hadRecentInput) sum += e.value; });
            new PerformanceObserver(add).observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(sum), 300);
        })"""
    )
    assert shift < 0.01


def test_the_content_security_policy_refuses_inline_script(visit: Visit, console: Any, admin: User) -> None:
    console.allow("Content Security Policy|Content-Security-Policy")
    page = visit(GALLERY, admin)

    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = 1';
            document.body.append(script);
        }"""
    )

    assert page.evaluate("window.ran") is None


def test_the_navigation_is_a_drawer_on_a_phone(visit: Visit, axe: Axe, admin: User) -> None:
    page = visit(GALLERY, admin, width=390)
    runs = page.get_by_role("link", name="Runs", exact=True)
    expect(runs).not_to_be_visible()

    page.get_by_role("button", name="Open navigation").click()
    expect(runs).to_be_visible()
    axe(page)

    page.keyboard.press("Escape")
    expect(runs).not_to_be_visible()


def test_the_navigation_stays_in_sight_on_a_long_page(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.evaluate("document.querySelector('main').style.minHeight = '4000px'")

    page.evaluate("scrollTo({top: 2500, behavior: 'instant'})")
    assert page.evaluate("scrollY") > 2000

    assert page.locator(".sidebar").bounding_box()["y"] == 0  # type: ignore[index]


def test_keyboard_users_skip_the_navigation(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_the_theme_changes_at_once_and_stays(visit: Visit, axe: Axe, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.get_by_role("button", name="Ada").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert not page.locator("html[data-theme-auto]").count()


def test_the_theme_follows_the_device_until_one_is_chosen(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin, theme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    page.emulate_media(color_scheme="light")

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_the_user_menu_is_accessible_and_changes_the_language(visit: Visit, axe: Axe, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.get_by_role("button", name="Ada").click()
    axe(page)

    page.get_by_role("button", name="ES", exact=True).click()

    expect(page.locator("html")).to_have_attribute("lang", "es")


def test_the_palette_jumps_by_keyboard_alone(visit: Visit, axe: Axe, shoot: Shoot, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.keyboard.press("Control+k")
    palette = page.get_by_role("combobox", name="Search")
    expect(palette).to_be_focused()
    axe(page)
    shoot(page, "shell-palette")

    palette.fill("defe")
    chosen = page.locator(".palette-option[aria-selected=true]")
    expect(chosen).to_contain_text("Defects")
    page.keyboard.press("Enter")

    page.wait_for_url("**/s/shop/defects/")


def test_a_run_is_started_from_the_palette(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.keyboard.press("Control+k")
    page.keyboard.type("start a run")
    expect(page.locator(".palette-option[aria-selected=true]")).to_contain_text("Start a run")
    page.keyboard.press("Enter")

    page.wait_for_url("**/s/shop/runs/start/")


def test_the_palette_finds_rows_of_the_system_and_forgets_late_answers(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)
    found = [{"group": "Cases", "label": "Order is paid", "hint": "Checkout", "url": "/s/shop/cases/12/", "key": "C12"}]

    def answer(route: Any) -> None:
        results = found if "order" in route.request.url else []
        route.fulfill(json={"results": results})

    page.route("**/s/shop/search/**", answer)
    page.keyboard.press("Control+k")
    page.keyboard.type("zz")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    page.get_by_role("combobox", name="Search").fill("order")

    expect(page.get_by_role("option", name="C12 Order is paid")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).not_to_be_visible()


def test_keys_are_listed_and_work_but_not_while_typing(visit: Visit, axe: Axe, shoot: Shoot, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_contain_text("Edit")
    axe(page)
    shoot(page, "shell-keys")
    page.keyboard.press("Escape")

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Filter")).to_be_focused()
    page.keyboard.type("e?gd")
    expect(page.get_by_role("searchbox", name="Filter")).to_have_value("e?gd")
    assert page.url.endswith(GALLERY)

    page.get_by_role("searchbox", name="Filter").blur()
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/s/shop/defects/")


def test_a_dangerous_form_asks_first_and_keeps_its_button(visit: Visit, axe: Axe, admin: User) -> None:
    page = visit(GALLERY, admin)
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete the plan?")
    expect(dialog).to_be_visible()
    axe(page)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).not_to_be_visible()
    assert page.url.endswith(GALLERY)

    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()

    expect(page.locator("body")).to_have_text("posted plan")


def test_copying_says_so(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)

    page.locator("#copy-me").click()

    expect(page.locator("#toasts")).to_contain_text("Copied C12")
    assert page.evaluate("navigator.clipboard.readText()") == "C12"


def test_htmx_requests_carry_the_csrf_token(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)

    page.get_by_role("button", name="Post by htmx").click()

    expect(page.locator("#answer")).to_have_text("posted")


def test_a_refused_request_is_explained_on_the_page(visit: Visit, console: Any, axe: Axe, admin: User) -> None:
    console.allow("409|500|htmx:")
    page = visit(GALLERY, admin)

    page.get_by_role("button", name="Refused").click()
    expect(page.locator("#messages")).to_contain_text("There are no kestrels left.")
    axe(page)
    page.get_by_role("button", name="Broken").click()

    expect(page.locator("#toasts")).to_contain_text("This did not work.")
    expect(page.locator("#answer")).to_be_empty()


def test_a_session_that_ended_leads_to_the_sign_in_page(visit: Visit, console: Any, admin: User) -> None:
    console.allow("401")
    page = visit("/account/", admin)
    page.context.clear_cookies()

    page.evaluate("htmx.ajax('GET', '/account/', {target: 'main'})")

    page.wait_for_url("**/sign-in/?next=/account/")


def test_charts_are_drawn_and_can_be_read_out(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)
    canvas = page.get_by_role("img", name="p95 by day")
    expect(canvas).to_be_visible()

    painted = canvas.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 === 3 && v > 0)"
    )

    assert painted
    rows = page.get_by_role("table", name="p95 by day").get_by_role("row")
    assert rows.all_inner_texts() == ["\tp95\tBaseline", "Mon\t120 ms\t130 ms", "Tue\t180 ms\t130 ms", "Wed\t–\t130 ms"]


def test_meters_have_their_widths(visit: Visit, admin: User) -> None:
    page = visit(GALLERY, admin)

    widths = page.locator("#meter > i").evaluate_all("parts => parts.map(part => part.style.width)")

    assert widths == ["60%", "15%", "5%", "5%", "10%"]


def hears(page: Page, number: int, within: float = 15) -> None:
    """Wait until the last event that the page heard is *number* (wait_for_function would need eval)."""
    deadline = time.monotonic() + within
    while page.evaluate("window.heard.at(-1)") != number:
        assert time.monotonic() < deadline, f"heard {page.evaluate('window.heard')}, not {number}"
        page.wait_for_timeout(50)


def test_a_live_region_is_fetched_on_news_and_keeps_what_is_typed(visit: Visit, system: System, admin: User) -> None:
    page = visit(GALLERY, admin)
    expect(page.locator("body[data-live-state=open]")).to_be_attached()
    page.locator("#typed").fill("half a sen")
    before = int(page.locator("#count").inner_text())

    live.publish(f"system:{system.pk}", "runs", {"number": 1})

    expect(page.locator("#count")).not_to_have_text(str(before))
    expect(page.locator("#typed")).to_have_value("half a sen")


def test_many_events_become_few_requests_and_the_last_one_arrives(visit: Visit, system: System, admin: User) -> None:
    page = visit(GALLERY, admin)
    expect(page.locator("body[data-live-state=open]")).to_be_attached()
    page.evaluate("window.heard = []; document.body.addEventListener('live:runs', e => heard.push(e.detail.number))")

    for number in range(200):
        live.publish(f"system:{system.pk}", "runs", {"number": number})

    hears(page, 199)
    assert len(page.evaluate("window.heard")) < 20


def test_a_stream_that_was_cut_reads_on_where_it_stopped(
    visit: Visit, console: Any, system: System, admin: User
) -> None:
    console.allow_lost_connections()
    page = visit(GALLERY, admin)
    expect(page.locator("body[data-live-state=open]")).to_be_attached()
    page.evaluate("window.heard = []; document.body.addEventListener('live:runs', e => heard.push(e.detail.number))")
    live.publish(f"system:{system.pk}", "runs", {"number": 1})
    hears(page, 1)

    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    live.publish(f"system:{system.pk}", "runs", {"number": 2})
    page.wait_for_timeout(500)
    page.context.set_offline(False)

    hears(page, 2)


def test_a_missing_page_offers_a_way_on(visit: Visit, console: Any, shoot: Shoot, axe: Axe, admin: User) -> None:
    console.allow("404")
    page = visit("/s/nothing/", admin)

    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    axe(page)
    shoot(page, "shell-404")


def test_a_role_that_is_too_low_is_told_so(visit: Visit, console: Any, shoot: Shoot, axe: Axe, viewer: User) -> None:
    console.allow("403")
    page = visit("/teams/shop-team/audit/", viewer)

    expect(page.get_by_text("This needs the role “Admin” in the team.")).to_be_visible()
    axe(page)
    shoot(page, "shell-403")
