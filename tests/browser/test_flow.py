"""The product used from end to end, on real processes: a system is tested, fails, is fixed, and shown to be solved.

One long test: each part stands on what the parts before it have left behind.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, expect

from tests.browser.flow import preparing
from tests.browser.flow.stage import Stage, built
from tests.browser.flow.walk import Walk
from tests.examples.shop_processes import shop_redis_url

PATIENCE = 20_000  # ms for anything on a page; the machine may be busy


@pytest.fixture
def stage(transactional_db: None, tmp_path: Path, worker_id: str) -> Iterator[Stage]:
    with built(shop_redis_url(django_settings.REDIS_URL, worker_id), tmp_path) as running:
        yield running


@pytest.fixture
def server(stage: Stage) -> str:
    """Pages of this module come from the stage's own process."""
    return stage.url


@pytest.fixture
def walk(stage: Stage, visit: Callable[..., Page], shoot: Any, axe: Any) -> Iterator[Walk]:
    page = visit("/")
    page.context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield Walk(stage, page, shoot, axe)
    expect.set_options(timeout=5_000)


STEPS = (
    ("Sign in", preparing.sign_in),
    ("System map", preparing.see_and_extend_the_map),
    ("Environment", preparing.prepare_the_environment),
    ("Data set", preparing.see_the_data),
)


@pytest.mark.timeout(600)
def test_a_failure_becomes_a_defect_that_is_shown_to_be_solved(walk: Walk) -> None:
    for title, part in STEPS:
        with walk.step(title):
            part(walk)
