"""How the fields, subjects and rules of a step kind are described, as data.

From these descriptions come the editor's form for the kind, the validation of definitions, and the
check of values after their templates have been rendered.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

FieldType = Literal[
    "text", "multiline", "code", "markdown", "choice", "integer", "number", "boolean", "objects",
    "list", "pairs", "json", "values", "object", "name", "items", "variables", "steps", "shared", "locator",
]  # fmt: skip
"""``list`` holds plain values, ``pairs`` maps names to plain values or lists of them, ``json`` is any
JSON value, ``values`` a list or a mapping, ``object`` has fields of its own, ``objects`` a list of such.
``name`` is the name of a variable, ``items`` a list of any values, ``variables`` maps names to any values,
``steps`` are steps, ``shared`` is the short name of a shared step, ``locator`` a place on a web page."""

SubjectValue = Literal["number", "text", "structured"]
At = Literal["", "name", "jsonpath", "regex", "xpath", "locator", "attribute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of ``with``. *alternatives* hold between the *fields* of an object, and *item* is the word for one of
    several objects. A *rare* choice is offered by its name instead of standing in every form."""

    name: str
    type: FieldType
    label: str
    help: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    placeholder: str = ""
    secret: bool = False
    fields: tuple["Field", ...] = ()
    alternatives: tuple["Choice", ...] = ()
    item: str = ""
    rare: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON for the editor."""
        return {
            "name": self.name,
            "type": self.type,
            "label": self.label,
            "help": self.help,
            "required": self.required,
            "default": self.default,
            "choices": list(self.choices),
            "placeholder": self.placeholder,
            "secret": self.secret,
            "fields": [inner.as_dict() for inner in self.fields],
            "item": self.item,
            "rare": self.rare,
            "choices_between": [choice.as_dict() for choice in self.alternatives],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something a check or a capture can look at; *at* says what ``at`` means for it."""

    name: str
    label: str
    value: SubjectValue
    at: At = ""
    at_required: bool = False
    operators: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON for the editor."""
        return {
            "name": self.name,
            "label": self.label,
            "value": self.value,
            "at": self.at,
            "at_required": self.at_required,
            "operators": list(self.operators),
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """Of the fields *names* at most one is given; exactly one when *required*."""

    names: tuple[str, ...]
    required: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON for the editor."""
        return {"names": list(self.names), "required": self.required}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A step kind.

    *implied* are checks that hold unless the step itself checks that subject. A *restricted* kind
    runs only on workers that allow it; a kind *by_person* is done by a person. A *group* has steps of its
    own, which the engine itself runs: it has no executor, exercises no seam and is not retried. The executor
    of a kind that *begins* is called before the first step of the case, too. Of a restricted kind that needs much
    of a machine, *width* bounds how many executions one process of a worker has in hand at once.
    The executor of a *live* kind looks by itself at what the checks are about (``StepRequest.wanted``).
    """

    name: str
    label: str
    summary: str
    icon: str
    fields: tuple[Field, ...]
    subjects: tuple[Subject, ...]
    main: str
    choices: tuple[Choice, ...] = ()
    implied: tuple[dict[str, Any], ...] = ()
    restricted: bool = False
    by_person: bool = False
    group: bool = False
    begins: bool = False
    width: int | None = None
    live: bool = False

    _subjects: dict[str, Subject] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_subjects", {subject.name: subject for subject in self.subjects})

    def subject(self, name: str) -> Subject | None:
        """The subject called *name*."""
        return self._subjects.get(name)

    def as_dict(self) -> dict[str, Any]:
        """JSON for the editor."""
        return {
            "name": self.name,
            "label": self.label,
            "summary": self.summary,
            "icon": self.icon,
            "fields": [one.as_dict() for one in self.fields],
            "subjects": [subject.as_dict() for subject in self.subjects],
            "main": self.main,
            "choices": [choice.as_dict() for choice in self.choices],
            "implied": [dict(check) for check in self.implied],
            "restricted": self.restricted,
            "by_person": self.by_person,
            "group": self.group,
        }
