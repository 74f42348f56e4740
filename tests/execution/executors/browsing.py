"""One browser for the tests of a module: a loop that goes on from case to case, as in a worker's child."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import CaseOutcome, StepOutcome
from apps.execution.engine.runner import run_case
from apps.execution.engine.settings import BrowserSettings, EngineSettings
from apps.execution.executors.registry import Executors
from tests.execution.engine.running import case_of, request_for

ALLOWED = frozenset({"browser"})
DENIED = "127.0.0.2"


class Browsing:
    """Runs cases on one loop with one set of executors. 127.0.0.2 is a denied address there."""

    def __init__(self, executable: str, **settings: Any) -> None:
        self.runner = asyncio.Runner()
        browser = BrowserSettings(executable=executable, **settings)
        self.settings = EngineSettings(browser=browser, egress=EgressPolicy.of(deny=[DENIED]))
        self.executors = Executors(self.settings)

    def case(self, definition: Mapping[str, Any], **given: Any) -> CaseOutcome:
        """Run a case."""
        request = request_for(definition, **{"allowed": ALLOWED, **given})
        return self.runner.run(run_case(request, self.executors))

    def step(self, actions: Sequence[Mapping[str, Any]], **more: Any) -> StepOutcome:
        """Run a case of one step; *more* are keys of the step, of its ``with``, or of the request."""
        return self.case(case_of(step_of(actions, more)), **more).steps[0]

    def close(self) -> None:
        """End the browser."""
        self.runner.run(self.executors.aclose())
        self.runner.close()


def step_of(actions: Sequence[Mapping[str, Any]], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """A step; takes its keys out of *more*."""
    more = {} if more is None else more
    keys = ("name", "expect", "capture", "retry", "timeout", "optional", "point")
    fields = ("wait", "session", "screenshot", "trace", "dialogs", "width", "height", "language", "verify")
    step = {"name": "Look", **{key: more.pop(key) for key in keys if key in more}}
    given = {name: more.pop(name) for name in fields if name in more}
    return step | {"kind": "browser", "with": {"actions": list(actions), "trace": "never", **given}}


@pytest.fixture(scope="module")
def browsing(chromium_path: str) -> Iterator[Browsing]:
    """A browser that the tests of a module share."""
    made = Browsing(chromium_path)
    yield made
    made.close()
