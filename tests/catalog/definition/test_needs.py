"""Retries, exclusive resources, and what a case needs of its worker."""

from typing import Any

import pytest

from apps.catalog.definition import Case, normalise, parse_yaml, restricted_kinds, to_yaml, validate

STEP = {"name": "Look", "kind": "http", "with": {"url": "http://127.0.0.1/"}}
COMMAND = {"name": "Call", "kind": "command", "with": {"argv": ["true"]}}


def case(**more: Any) -> dict[str, Any]:
    return {"title": "A case", "steps": [STEP], **more}


def test_retries_and_exclusive_are_kept_also_where_none_are_wanted() -> None:
    given = case(retries=0, exclusive=["stock-db", "mail"])

    assert validate(given) == []
    assert parse_yaml(to_yaml(given)) == normalise(given)
    assert (Case.of(normalise(given)).retries, Case.of(normalise(given)).exclusive) == (0, ["stock-db", "mail"])
    assert Case.of(normalise(case())).retries is None


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("retries", 6, "retries"),
        ("retries", -1, "retries"),
        ("retries", True, "retries"),
        ("retries", "2", "retries"),
        ("exclusive", "stock-db", "exclusive"),
        ("exclusive", ["stock db"], "exclusive[0]"),
        ("exclusive", [f"r{n}" for n in range(11)], "exclusive"),
    ],
)
def test_what_cannot_be_is_told_at_its_place(key: str, value: Any, path: str) -> None:
    assert [problem.path for problem in validate(case(**{key: value}))] == [path]


def test_the_kinds_that_need_an_allowed_worker_are_found_at_any_depth() -> None:
    inside = {"name": "Thrice", "kind": "repeat", "with": {"times": 3, "steps": [COMMAND]}}
    branch = {"name": "Race", "kind": "parallel", "with": {"branches": [{"steps": [STEP]}, {"steps": [inside]}]}}

    assert restricted_kinds(case()) == []
    assert restricted_kinds(case(teardown=[COMMAND])) == ["command"]
    assert restricted_kinds(case(steps=[branch])) == ["command"]
