"""What is installed is what was written down, whoever installs it and when."""

import re

from integhub.runtime.layout import ROOT

PIN = re.compile(r"^([\w.\-]+)(?:\[[\w,]+\])?==([\w.]+)")


def pins(name: str) -> dict[str, str]:
    """Package (lower case, with dashes) → version in the requirements file *name*."""
    found = (PIN.match(line) for line in (ROOT / name).read_text().splitlines())
    return {re.sub("[-_.]+", "-", match[1]).lower(): match[2] for match in found if match}


def lines(name: str) -> list[str]:
    """Lines of the requirements file *name* that require something."""
    written = (ROOT / name).read_text().splitlines()
    return [line for line in written if line.strip() and not line.startswith(("#", "-r "))]


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "constraints.txt"):
        assert [line for line in lines(name) if not PIN.match(line)] == []


def test_the_constraints_say_the_same_as_the_requirements() -> None:
    assert (pins("requirements.txt") | pins("requirements-dev.txt")).items() <= pins("constraints.txt").items()
