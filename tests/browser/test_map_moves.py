"""Components of the map are moved by hand, and are found again where they were put."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from apps.accounts.models import User
from apps.core import live
from apps.systems import services
from apps.systems.models import Component, IntegrationPoint, Place, System

GRAPH = "document.querySelector('[data-map]')._cyreg.cy"
Visit = Callable[..., Page]
PATIENCE = 20  # seconds


def where(page: Page, name: str) -> tuple[float, float]:
    """Place of a component in px of the map, whatever part of it is seen."""
    at = page.evaluate(f"{GRAPH}.getElementById('{name}').position()")
    return at["x"], at["y"]


def opened(visit: Visit, user: User, **options: Any) -> Page:
    page = visit("/s/shop/map/", user, **options)
    expect(page.locator("body[data-live-state=open]")).to_be_visible()
    return page


def drag(page: Page, name: str, by: tuple[int, int]) -> None:
    """By a real mouse."""
    box = page.locator("[data-map]").bounding_box()
    at = page.evaluate(f"{GRAPH}.getElementById('{name}').renderedPosition()")
    assert box
    x, y = box["x"] + at["x"], box["y"] + at["y"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0] / 2, y + by[1] / 2, steps=4)
    page.mouse.move(x + by[0], y + by[1], steps=4)
    page.mouse.up()


def sent(page: Page) -> list[Request]:
    """Requests that keep places, from now on."""
    found: list[Request] = []
    page.on("request", lambda request: found.append(request) if "/places/" in request.url else None)
    return found


def until(page: Page, true: str) -> None:
    """The Content-Security-Policy forbids ``wait_for_function``."""
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(true):
        assert time.monotonic() < deadline, f"never came true: {true}"
        page.wait_for_timeout(50)


def kept(page: Page, name: str) -> None:
    expect(page.locator("#map-said")).to_have_text(f"Moved and kept: {name}")


def test_a_component_is_dragged_and_found_there_again(
    visit: Visit, tester: User, viewer: User, system: System, point: IntegrationPoint
) -> None:
    page, other = opened(visit, tester), opened(visit, viewer)
    arrange = page.get_by_role("button", name="Arrange automatically")
    expect(arrange).to_have_count(0)
    start, neighbour, requests = where(page, "orders"), where(page, "storefront"), sent(page)

    drag(page, "orders", (180, 60))

    kept(page, "Orders")
    moved = where(page, "orders")
    assert moved[0] > start[0] + 60 and moved[1] > start[1] + 20 and where(page, "storefront") == neighbour
    assert len(requests) == 1 and (requests[0].post_data or "").count('"x"') == 1
    until(other, f"Math.abs({GRAPH}.getElementById('orders').position('x') - {moved[0]}) < 2")
    page.reload()
    assert where(page, "orders") == pytest.approx(moved, abs=1)
    assert where(page, "storefront") == neighbour

    arrange.click()
    page.get_by_role("dialog").get_by_role("button", name="Arrange automatically").click()
    expect(arrange).to_have_count(0)
    until(page, f"Math.abs({GRAPH}.getElementById('orders').position('x') - {start[0]}) < 1")
    assert not Component.objects.exclude(map_x=None).exists()


def test_news_do_not_throw_back_what_is_being_moved(
    visit: Visit, tester: User, system: System, point: IntegrationPoint
) -> None:
    """News come while the mouse is down, and while the request is on its way; the page is asked for after both."""
    page = opened(visit, tester)
    page.route("**/places/", lambda route: (page.wait_for_timeout(400), live_news(system), route.continue_()))
    start = where(page, "orders")
    page.evaluate("window.same = true")

    box = page.locator("[data-map]").bounding_box()
    at = page.evaluate(f"{GRAPH}.getElementById('orders').renderedPosition()")
    assert box
    page.mouse.move(box["x"] + at["x"], box["y"] + at["y"])
    page.mouse.down()
    page.mouse.move(box["x"] + at["x"] + 150, box["y"] + at["y"] + 40, steps=5)
    services.place_components(system, {"storefront": Place(-1.5, 0)}, by=tester)  # somebody else meanwhile
    page.wait_for_timeout(500)
    held = where(page, "orders")
    assert held[0] > start[0] + 50
    page.mouse.up()

    kept(page, "Orders")
    until(page, f"{GRAPH}.getElementById('storefront').position('x') < -100")
    assert where(page, "orders") == pytest.approx(held, abs=1)
    assert page.evaluate("window.same")
    assert {one.slug for one in Component.objects.exclude(map_x=None)} == {"orders", "storefront"}


def live_news(system: System) -> None:
    live.publish(f"system:{system.pk}", "runs", {})


def test_the_chosen_component_is_moved_by_keys_with_one_request(
    visit: Visit, tester: User, point: IntegrationPoint, axe: Callable[[Page], None]
) -> None:
    page = opened(visit, tester)
    page.locator(".map-components").get_by_role("link", name="Orders").click()
    expect(page.locator("#map-panel .map-title")).to_be_focused()
    start, requests = where(page, "orders"), sent(page)

    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown", "ArrowUp"):
        page.keyboard.press(key)

    kept(page, "Orders")
    assert len(requests) == 1
    assert Component.objects.get(slug="orders").place == Place(0.5, 1.75)
    page.locator("[data-map]").focus()
    page.keyboard.press("ArrowLeft")
    page.reload()  # before the keys have come to rest: it is kept all the same
    assert where(page, "orders")[0] > start[0]
    assert Component.objects.get(slug="orders").place == Place(0.25, 1.75)
    axe(page)


def test_what_cannot_be_kept_is_put_back_and_said(
    visit: Visit, tester: User, point: IntegrationPoint, console: Any
) -> None:
    console.allow("status of 400")
    page = opened(visit, tester)
    start = where(page, "orders")
    Component.objects.filter(slug="storefront").update(slug="renamed")
    drag(page, "storefront", (120, 30))

    expect(page.locator("#toasts")).to_contain_text("It could not be moved. There is no such component")
    until(page, f"{GRAPH}.getElementById('renamed').nonempty()")
    assert where(page, "orders") == start


def test_viewers_look_and_move_nothing(visit: Visit, viewer: User, point: IntegrationPoint) -> None:
    services.place_components(point.system, {"orders": Place(1, 1)}, by=viewer)
    page = opened(visit, viewer)
    expect(page.get_by_role("button", name="Arrange automatically")).to_have_count(0)
    start, requests = where(page, "orders"), sent(page)

    drag(page, "orders", (80, 40))
    page.locator(".map-components").get_by_role("link", name="Orders").click()
    expect(page.locator("#map-panel .map-title")).to_be_focused()
    page.keyboard.press("ArrowRight")

    assert where(page, "orders") == start
    assert requests == []


@pytest.mark.parametrize("who", ["tester", "viewer"])
def test_a_finger_on_a_component_scrolls_the_page_until_components_are_to_be_moved(
    visit: Visit, point: IntegrationPoint, who: str, request: pytest.FixtureRequest
) -> None:
    page = opened(visit, request.getfixturevalue(who), width=390, has_touch=True, is_mobile=True)
    start = where(page, "orders")

    swipe(page, "orders", -200)

    until(page, "scrollY > 100")
    assert where(page, "orders") == start
    if who == "viewer":
        return
    page.evaluate("scrollTo(0, 0)")
    page.get_by_role("button", name="Move components").click()
    scrolled = page.evaluate("scrollY")
    swipe(page, "orders", -60)
    kept(page, "Orders")
    assert where(page, "orders")[1] < start[1] - 10
    assert page.evaluate("scrollY") == scrolled


def swipe(page: Page, name: str, by: int) -> None:
    """A finger comes down on a component and goes up or down by so many px, as a real touch screen tells it."""
    box = page.locator("[data-map]").bounding_box()
    at = page.evaluate(f"{GRAPH}.getElementById('{name}').renderedPosition()")
    assert box
    x, y = box["x"] + at["x"], box["y"] + at["y"]
    screen = page.context.new_cdp_session(page)
    screen.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in range(1, 11):
        moved = [{"x": x, "y": y + by * part / 10}]
        screen.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": moved})
        page.wait_for_timeout(16)
    screen.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
