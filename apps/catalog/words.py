"""A step in words, for people who read cases: what it does, what it checks, what it keeps."""

import json
import shlex
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from math import isinf
from typing import Any

from django.utils.translation import gettext as _

from apps.catalog.definition import OPERATORS, Branch, Case, Field, Kind, Step, find_kind
from apps.catalog.definition.canonical import DEFAULT_STEP_TIMEOUT, group_of, subjects_of

_ONE_LINE = 90  # characters
_MARKS = {"check", "at", "not"}


@dataclass(frozen=True, slots=True)
class Param:
    """One field of a step's ``with``; *block* when its text needs lines of its own."""

    label: str
    text: str
    block: bool
    markdown: bool = False


@dataclass(frozen=True, slots=True)
class CheckWords:
    """``Status`` / ``Body as JSON $.total`` – ``is of type`` – ``integer``."""

    subject: str
    at: str
    negated: bool
    operator: str
    value: str
    block: bool


@dataclass(frozen=True, slots=True)
class CaptureWords:
    """A value kept for later steps."""

    name: str
    subject: str
    at: str
    secret: bool


@dataclass(frozen=True, slots=True)
class StepWords:
    """Everything that a page says of a step."""

    number: int
    step: Step
    label: str
    icon: str
    headline: str
    headline_is_all: bool  # what it says is not repeated in params
    params: list[Param]
    checks: list[CheckWords]
    implied: list[CheckWords]
    captures: list[CaptureWords]
    known: bool
    until: list[CheckWords]
    inside: "list[BranchWords]"

    @property
    def limit(self) -> str:
        """Seconds that a try may take; "" for the usual limit, or none."""
        usual = self.step.timeout == DEFAULT_STEP_TIMEOUT or isinf(self.step.timeout)
        return "" if usual else f"{self.step.timeout:g}"

    @property
    def retry(self) -> tuple[str, str] | None:
        """Seconds that the step is retried for, and between two tries."""
        retry = self.step.retry
        return (f"{retry.for_s:g}", f"{retry.every_s:g}") if retry else None


@dataclass(frozen=True, slots=True)
class BranchWords:
    """Steps inside a step; *name* says which branch, "" where there is only one."""

    name: str
    steps: list[StepWords]


def steps_in_words(definition: Mapping[str, Any]) -> dict[str, list[StepWords]]:
    """The steps and the teardown of a canonical definition."""
    case = Case.of(definition)
    return {
        phase: [_step(number, step) for number, step in enumerate(steps, 1)] for phase, steps in case.phases.items()
    }


def _step(number: int, step: Step) -> StepWords:
    kind = find_kind(step.kind)
    headline, told = _headline(step, kind)
    fields = [field for field in kind.fields if field.name not in ("steps", "branches")] if kind else []
    checked = subjects_of(step.expect)
    implied = [check for check in (kind.implied if kind else ()) if check["check"] not in checked]
    return StepWords(
        number=number,
        step=step,
        label=_(kind.label) if kind else step.kind,
        icon=kind.icon if kind else "help",
        headline=headline,
        headline_is_all=bool(told),
        params=_params(fields, step.params, told),
        checks=[_check(check, kind) for check in step.expect],
        implied=[_check(check, kind) for check in implied],
        captures=[_capture(name, source, kind) for name, source in step.capture.items()],
        known=kind is not None,
        until=[_check(check, kind) for check in step.retry.until] if step.retry else [],
        inside=[_branch(branch) for branch in step.branches],
    )


def _branch(branch: Branch) -> BranchWords:
    copies = _("%(count)s copies") % {"count": branch.count} if branch.count is not None else ""
    steps = [_step(index, step) for index, step in enumerate(branch.steps, 1)]
    return BranchWords(" · ".join(word for word in (branch.name, copies) if word), steps)


def _headline(step: Step, kind: Kind | None) -> tuple[str, set[str]]:
    """The line that says most, and the fields that it says in full."""
    given = step.params
    if step.kind == "http":
        method = given.get("method", "POST" if "graphql" in given else "GET")
        return f"{method} {given.get('url', '')}", {"method", "url"}
    if step.kind == "grpc":
        return f"{given.get('target', '')} · {given.get('method', '')}", {"target", "method"}
    if step.kind == "redis" and isinstance(given.get("stream"), Mapping):
        return _("Stream %(key)s") % {"key": given["stream"].get("key", "")}, set()
    for name in ("command", "argv"):
        if isinstance(given.get(name), list):
            return shlex.join(str(part) for part in given[name]), {name}
    fields = [field for field in (kind.fields if kind else ()) if isinstance(given.get(field.name), str)]
    fields.sort(key=lambda field: (field.secret, field.type == "text"))  # a query says more than an address
    text = given[fields[0].name].strip() if fields else ""
    all_said = fields and fields[0].type != "markdown" and first_line(text) == text
    return first_line(text), {fields[0].name} if all_said else set()


def first_line(text: str) -> str:
    """The first line of *text*, cut, with … when there is more."""
    line, *rest = text.splitlines() or [""]
    return f"{line[:_ONE_LINE]}…" if rest or len(line) > _ONE_LINE else line


def _params(fields: Iterable[Field], given: Mapping[str, Any], told: Set[str]) -> list[Param]:
    """The fields that are given, those of an object one by one."""
    params: list[Param] = []
    for field in fields:
        if field.name not in given or field.name in told:
            continue
        value = given[field.name]
        if field.type == "object" and isinstance(value, Mapping):
            params += _params(field.fields, value, frozenset())
        else:
            params.append(_param(field, value))
    return params


def _param(field: Field, value: Any) -> Param:
    text = _text(value)
    block = "\n" in text or len(text) > _ONE_LINE
    return Param(_(field.label), text, block, markdown=field.type == "markdown")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping) and value and not any(isinstance(one, dict | list) for one in value.values()):
        return "\n".join(f"{name}: {_value(one)}" for name, one in value.items())
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return shlex.join(str(one) for one in value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def _value(value: Any) -> str:
    """A value on one line: texts as they are, unless they could be taken for something else."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _check(check: Mapping[str, Any], kind: Kind | None) -> CheckWords:
    if group := group_of(check):
        word = _("any of") if group == "any" else _("all of")
        parts = [_one_line(_check(one, kind)) for one in check[group]]
        return CheckWords("", "", bool(check.get("not")), word, "\n".join(parts), True)
    name = next((key for key in check if key not in _MARKS), "")
    value = check.get(name)
    operator = OPERATORS.get(name)
    negated = bool(check.get("not"))
    text, word = _value(value), _(operator.label) if operator else name
    if name == "exists" and isinstance(value, bool):
        word, text, negated = (_("exists"), "", False) if value != negated else (_("does not exist"), "", False)
    elif name == "approx" and isinstance(value, Mapping):
        text = f"{_value(value.get('value'))} ± {_value(value.get('within'))}"
    elif isinstance(value, dict | list) and len(text) > _ONE_LINE:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    return CheckWords(_subject(check.get("check", ""), kind), check.get("at", ""), negated, word, text, "\n" in text)


def _one_line(words: CheckWords) -> str:
    parts = (words.subject, words.at, _("not") if words.negated else "", words.operator, words.value)
    return " ".join(part for part in parts if part)


def _capture(name: str, source: Mapping[str, Any], kind: Kind | None) -> CaptureWords:
    return CaptureWords(name, _subject(source.get("from", ""), kind), source.get("at", ""), bool(source.get("secret")))


def _subject(name: str, kind: Kind | None) -> str:
    subject = kind.subject(name) if kind else None
    return _(subject.label) if subject else name
