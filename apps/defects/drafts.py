"""What a new defect says already, taken from the execution that failed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.core.states import NOT_PASSED
from apps.core.validation import in_one_line
from apps.defects.models import Defect
from apps.runs.models import Execution, FailureGroup, StepResult
from apps.systems.models import Component, IntegrationPoint

SHORT = 60  # characters of a value that still fit in a title
LONGEST = 1_200  # characters of a value that are quoted in the description


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Values a form starts with; all of them may be changed."""

    title: str
    description: str
    severity: int
    point: IntegrationPoint | None
    component: Component | None
    failure_group: FailureGroup | None


def draft_from(execution: Execution) -> Draft:
    """Draft of a defect shown by *execution*: at the seam of its failed step, as severe as that seam or the case."""
    step = failed_step(execution)
    point = step.point if step else None
    check = _failed_check(step)
    return Draft(
        title=in_one_line(_title(execution, step, check))[:200],
        description=_description(execution, step, check),
        severity=max(execution.case.priority, point.criticality if point else Defect.Severity.LOW),
        point=point,
        component=point.provider if point else None,
        failure_group=execution.failure_group,
    )


def failed_step(execution: Execution) -> StepResult | None:
    """The step that decided against the last attempt; its failure group tells it from optional steps."""
    failing = execution.steps.filter(attempt=execution.attempt, state__in=NOT_PASSED)
    against = list(failing.select_related("point__provider", "point__consumer").order_by("phase", "position", "pk"))
    group = execution.failure_group
    same = [step for step in against if group and step.kind == group.kind and step.point_id == group.point_id]
    return next(iter(same or against), None)


def _failed_check(step: StepResult | None) -> Mapping[str, Any] | None:
    checks = step.checks if step else []
    return next((check for check in checks if not check.get("passed", True)), None)


def _title(execution: Execution, step: StepResult | None, check: Mapping[str, Any] | None) -> str:
    if step is None:
        return f"{execution.title}: {_first_line(execution.message)}".rstrip(": ")
    actual = _shown(check.get("actual")) if check else ""
    if check and check.get("label") and 0 < len(actual) <= SHORT and "\n" not in actual:
        return _("%(step)s: expected %(check)s, got %(actual)s") % {
            "step": step.name,
            "check": check["label"],
            "actual": actual,
        }
    return f"{step.name}: {_first_line(step.message or execution.message)}".rstrip(": ")


def _description(execution: Execution, step: StepResult | None, check: Mapping[str, Any] | None) -> str:
    parts = [_where(execution, step)]
    message = (step.message if step else "") or execution.message
    if message:
        parts.append("\n".join(f"> {line}" for line in message[:LONGEST].splitlines()))
    if check:
        label = str(check.get("label", ""))
        if label not in message:
            parts.append(_("Check: **%(label)s**") % {"label": label})
        parts.append(_quoted(_("Expected"), check.get("expected")))
        parts.append(_quoted(_("Actual"), check.get("actual")))
    if versions := execution.run.versions:
        named = ", ".join(f"{component} {version}" for component, version in sorted(versions.items()))
        parts.append(_("Versions: %(versions)s") % {"versions": named})
    return "\n\n".join(parts)


def _where(execution: Execution, step: StepResult | None) -> str:
    values = {
        "case": f"{execution.case.key} {execution.title}",
        "environment": execution.run.environment.name,
        "run": f"#{execution.run.number}",
        "step": step.name if step else "",
    }
    if step is None:
        return _("**%(case)s** did not pass in %(environment)s (run %(run)s).") % values
    sentence = _("**%(case)s** did not pass in %(environment)s (run %(run)s), at the step “%(step)s”.") % values
    return f"{sentence}\n\n{step.point}" if step.point else sentence


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _quoted(name: str, value: Any) -> str:
    """A short value in the line, a long one in a block of its own."""
    text = _shown(value)
    if len(text) <= SHORT and "\n" not in text and "`" not in text:
        return f"{name}: `{text}`"
    cut = text[:LONGEST] + (" …" if len(text) > LONGEST else "")
    fence = "```"
    while fence in cut:
        fence += "`"
    return f"{name}:\n\n{fence}\n{cut}\n{fence}"


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
