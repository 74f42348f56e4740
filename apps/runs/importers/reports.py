"""What every report comes down to: tests, each with how it went."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["passed", "failed", "error", "skipped"]


class UnreadableReport(ValueError):
    """The report cannot be read; the text says why and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """One test. *seconds* is None where the report does not say it in a way that can be believed."""

    __test__ = False  # no class of tests, whatever pytest thinks of its name

    suite: str
    name: str
    verdict: Verdict
    message: str = ""
    details: str = ""
    stdout: str = ""
    stderr: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The tests of one file. *errors_outside* belong to no test, such as a suite that did not load."""

    tests: Sequence[TestReport] = field(default_factory=tuple)
    errors_outside: int = 0

    def counts(self) -> Counter[str]:
        """How many tests ended in which way."""
        return Counter(test.verdict for test in self.tests)
