"""The product used from end to end, on real processes: a system is tested, fails, is fixed, and shown to be solved.

One long test: each part stands on what the parts before it have left behind.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page

from tests.browser.flow import belonging, preparing, reporting, running, solving, writing
from tests.browser.flow.stage import Stage, built
from tests.browser.flow.walk import Walk
from tests.examples.shop_processes import shop_redis_url


@pytest.fixture
def stage(transactional_db: None, tmp_path: Path, worker_id: str) -> Iterator[Stage]:
    with built(shop_redis_url(django_settings.REDIS_URL, worker_id), tmp_path) as running:
        yield running


@pytest.fixture
def server(stage: Stage) -> str:
    """Pages of this module come from the stage's own process."""
    return stage.url


@pytest.fixture
def walk(stage: Stage, visit: Callable[..., Page], shoot: Any, axe: Any) -> Walk:
    return Walk(stage, visit("/"), shoot, axe)


STEPS = (
    preparing.sign_in,
    preparing.see_and_extend_the_map,
    preparing.prepare_the_environment,
    preparing.see_the_data,
    writing.write_a_case,
    writing.see_it_as_yaml_and_save,
    writing.edit_it,
    running.follow_a_run,
    running.cancel_a_run,
    running.rerun_what_failed,
    running.understand_the_failure,
    running.do_a_manual_case,
    solving.open_a_defect,
    solving.work_on_it,
    solving.fix_and_retest,
    solving.see_it_again,
    reporting.see_the_dashboard,
    reporting.work_by_program,
    belonging.see_team_and_account,
    belonging.invite_somebody,
    belonging.set_a_password_anew,
)


@pytest.mark.timeout(1500)
def test_a_failure_becomes_a_defect_that_is_shown_to_be_solved(walk: Walk, console: Any) -> None:
    console.allow("status of 422")  # the editor asks what is wrong with a YAML text
    console.allow("status of 410")  # an invitation that was used
    console.allow("htmx:(afterRequest|sendAbort)")  # an estimate that a newer choice has made superfluous
    for part in STEPS:
        with walk.step(part.__name__):
            part(walk)
