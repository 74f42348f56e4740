"""Which variables an execution used, and where each came from. Values of secrets are not even read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.catalog.definition import variables_used
from apps.environments.models import Secret, Variable
from apps.runs.models import Execution, StepResult
from apps.runs.pages.bodies import pretty

COLUMNS = 40  # of a data row that are shown
LONGEST = 300  # characters of a value


@dataclass(frozen=True)
class Used:
    """One variable: *source* is ``row``, ``environment``, ``secret``, ``captured`` or ``unknown``."""

    name: str
    source: str
    origin: Any
    value: str = ""
    changed_since: bool = False


def used(execution: Execution, steps: Iterable[StepResult]) -> list[Used]:
    """Variables of the case and its captures, in the order in which a reader asks for them.

    Values of the environment are those of today; ``changed_since`` says that it was another one at the time.
    """
    environment = execution.run.environment_id
    names = variables_used(execution.revision.definition)
    known = {one.name: one for one in Variable.objects.filter(environment=environment, name__in=names)}
    secrets = set(Secret.objects.filter(environment=environment, name__in=names).values_list("name", flat=True))
    captured = {
        name: _captured(name, value, step) for step in steps if not step.path for name, value in step.captured.items()
    }
    found = list(captured.values())
    for name in sorted(names - captured.keys()):
        if name in execution.row:
            found.append(Used(name, "row", _("Data row"), _text(execution.row[name])))
        elif name in secrets:
            found.append(Used(name, "secret", _("Secret")))
        elif name in known:
            found.append(_of_environment(known[name], execution))
        else:
            found.append(Used(name, "unknown", _("Not found")))
    return found


def of_row(execution: Execution) -> list[tuple[str, str]]:
    """Every value of the data row, as it was, each bounded."""
    return [(name, _text(value)) for name, value in list(execution.row.items())[:COLUMNS]]


def _captured(name: str, value: Any, step: StepResult) -> Used:
    origin = {
        "setup": _("Captured by setup step %(number)s"),
        "steps": _("Captured by step %(number)s"),
        "teardown": _("Captured by teardown step %(number)s"),
    }[step.phase]
    return Used(name, "captured", origin % {"number": step.position + 1}, _text(value))


def _of_environment(variable: Variable, execution: Execution) -> Used:
    since = execution.finished_at or execution.started_at
    return Used(
        variable.name,
        "environment",
        _("Environment"),
        _text(variable.value),
        changed_since=since is not None and variable.updated_at > since,
    )


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else pretty(value)[0]
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
