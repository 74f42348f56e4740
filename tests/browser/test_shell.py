"""The frame of every page, driven by hand: navigation, palette, keys, theme, language, confirmation."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.systems.models import System

Shoot = Callable[[Page, str], None]
Axe = Callable[..., None]


def test_team_page_is_drawn(
    visit: Any, shoot: Shoot, axe: Axe, admin: User, tester: User, viewer: User, system: System
) -> None:
    page = visit("/teams/shop-team/", admin)

    expect(page.get_by_role("heading", name="Shop team", level=1)).to_be_visible()
    axe(page)
    shoot(page, "team")
