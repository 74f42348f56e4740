"""What import-linter cannot see: relations by string, and which modules of an app are public."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps as registry

ROOT = Path(__file__).parent.parent / "apps"
LAYERS = [
    "core",
    "accounts",
    "systems",
    "environments",
    "catalog",
    "runs",
    "execution",
    "defects",
    "insights",
    "api",
]
PUBLIC = {"models", "services", "access", "signals"}
# What else crosses an app's border: bases of API views and serializers, the format of a case, results, histograms.
ALSO_PUBLIC = {"systems": {"rest"}, "catalog": {"definition"}, "runs": {"results", "histogram", "importers", "api"}}
CODE = sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)


def level(app: str) -> int:
    return LAYERS.index(app)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.count(".") == 1:  # from apps.runs import services
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


def test_every_app_is_in_a_layer() -> None:
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} == set(LAYERS)


@pytest.mark.parametrize("app", LAYERS)
def test_relations_point_down_or_stay(app: str) -> None:
    if app not in {config.label for config in registry.get_app_configs()}:
        return
    wrong = [
        f"{model.__name__}.{field.name} → {field.related_model._meta.label}"
        for model in registry.get_app_config(app).get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if getattr(field, "remote_field", None)
        and not field.auto_created
        and field.related_model
        and field.related_model._meta.app_label in LAYERS
        and level(field.related_model._meta.app_label) > level(app)
    ]

    assert wrong == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_public_modules_of_other_apps_are_imported(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    wrong = []
    for name, line in imports(path):
        parts = name.split(".")
        if parts[0] != "apps" or len(parts) < 3 or parts[1] in {own, "core"} or own == "api":
            continue
        if parts[2] not in PUBLIC | ALSO_PUBLIC.get(parts[1], set()):
            wrong.append(f"line {line}: {name}")

    assert wrong == []


@pytest.mark.parametrize(
    "path",
    [path for path in CODE if {"executors", "engine", "definition", "importers"} & set(path.parts)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_engine_is_plain_python(path: Path) -> None:
    assert [name for name, _ in imports(path) if name.split(".")[0] in {"django", "celery", "rest_framework"}] == []
