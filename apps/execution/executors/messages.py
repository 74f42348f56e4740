"""Messages of brokers as values for checks, and which of them a step is about."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from apps.catalog.definition.expressions import ExpressionError, compile_path
from apps.execution.engine.operators import same
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.brokers.base import Message
from apps.execution.executors.json_values import to_json


def shown(message: Message) -> dict[str, Any]:
    """*message* as JSON; ``json`` is there when its body is JSON."""
    value: dict[str, Any] = {"id": message.id, "headers": message.headers, "body": to_json(message.body)}
    with suppress(ValueError, RecursionError):
        value["json"] = json.loads(message.body)
    return {**value, **message.extra}


def headers_of(message: Mapping[str, Any]) -> dict[str, str]:
    """Headers as texts, by their names in lower case."""
    return {name.lower(): as_text(value) for name, value in message["headers"].items()}


def as_text(value: Any) -> str:
    """A header's value as text: JSON, but a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Filter:
    """The ``where`` of a step: paths of the JSON body and names of headers, with the values that they must have.

    A list of values: any of them. Raises ``StepBlocked`` when a path cannot be read.
    """

    def __init__(self, where: Mapping[str, Any]) -> None:
        try:
            self._paths = [(compile_path(at), _several(value)) for at, value in where.items() if at.startswith("$")]
        except ExpressionError as error:
            raise StepBlocked(f"with.where: {error}") from None
        self._headers = [(name.lower(), _several(value)) for name, value in where.items() if not name.startswith("$")]

    def fits(self, message: Mapping[str, Any]) -> bool:
        """Whether *message*, as ``shown`` gives it, is one of them."""
        headers = headers_of(message)
        if not all(headers.get(name) in [as_text(value) for value in values] for name, values in self._headers):
            return False
        if not self._paths:
            return True
        if "json" not in message:
            return False
        return all(_found(path.find(message["json"]), values) for path, values in self._paths)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _found(found: list[Any], wanted: list[Any]) -> bool:
    """Whether one of *found* is one of *wanted*; a number may be written as text, since columns of data sets are."""
    return any(same(one, value) or as_text(one) == as_text(value) for one in found for value in wanted)
