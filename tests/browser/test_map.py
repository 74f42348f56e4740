"""The system map in a real browser: news of runs arrive on the open page."""

from collections.abc import Callable

from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core import live
from apps.environments.models import Environment
from apps.runs.models import PointRecord
from apps.systems.models import IntegrationPoint, System

GRAPH = "document.querySelector('[data-map]')._cyreg.cy"


def test_a_seam_that_fails_shows_on_the_open_map(
    visit: Callable[..., Page], tester: User, system: System, environment: Environment, point: IntegrationPoint
) -> None:
    page = visit("/s/shop/map/", tester)
    expect(page.locator("body[data-live-state=open]")).to_be_visible()
    expect(page.locator(".map-legend")).to_contain_text("No result here 1")
    page.evaluate("window.same = true")
    page.locator("[data-zoom=in]").click()
    zoom = page.evaluate(f"{GRAPH}.zoom()")

    PointRecord.objects.create(point=point, environment=environment, state="failed", strip="F", last_at=timezone.now())
    live.publish(f"system:{system.pk}", "runs", {})

    expect(page.locator(".map-legend")).to_contain_text("Failed 1")
    expect(page.locator("#map-panel .map-seam .mark-failed")).to_have_count(1)
    assert "✕" in page.evaluate(f"{GRAPH}.edges()[0].data('text')")
    assert page.evaluate(f"{GRAPH}.zoom()") == zoom
    assert page.evaluate("window.same")
