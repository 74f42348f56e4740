"""The URL map as data: every route with its parameters and what it says about access."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^)]*\))*\)")
WORD = re.compile(r"[\w-]+")
HTTP_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """One address of the product."""

    name: str
    path: str
    view: Any

    @property
    def access(self) -> Any:
        """``"public"``, ``"signed in"``, ``"api"``, a Role, or None when the view does not say."""
        found = getattr(self.view, "access", None)
        return found if found is not None else getattr(getattr(self.view, "cls", None), "access", None)

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Each parameter with the word that stands before it in the path: ``("runs", "number")``."""
        found, before, start = [], "", 0
        for match in PARAMETER.finditer(self.path):
            words = WORD.findall(self.path[start : match.start()])
            before, start = (words[-1] if words else before), match.end()
            found.append((before, match.group(1) or match.group(2)))
        return found

    @property
    def methods(self) -> list[str]:
        """Methods that an API view answers; pages refuse for themselves, so all are tried."""
        actions = getattr(self.view, "actions", None)
        if actions:
            allowed = set(self.view.cls.http_method_names) & set(actions)
            return [method for method in HTTP_METHODS if method in allowed]
        return ["get"] if self.access == "api" else list(HTTP_METHODS)

    def __str__(self) -> str:
        return self.name


def routes() -> list[Route]:
    """Every route of the product."""
    return list(_walk(get_resolver(), "", ""))


def _walk(resolver: Any, prefix: str, space: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern).lstrip("^").removesuffix("$")
        if isinstance(entry, URLResolver):
            yield from _walk(entry, path, f"{space}{entry.namespace}:" if entry.namespace else space)
        elif isinstance(entry, URLPattern):
            yield Route(f"{space}{entry.name}", path, entry.callback)
