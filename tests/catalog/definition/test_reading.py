"""Definitions are read from YAML with every problem named at its place, and written so that they read back."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.definition import (
    Case,
    DefinitionError,
    Problem,
    blank_case,
    find_kind,
    kinds,
    normalise,
    parse_yaml,
    points_of,
    to_yaml,
    validate,
    validate_step,
    variables_used,
    yaml_reader,
)

EXAMPLE = """\
title: An order is paid and mailed
priority: high
tags: [smoke, checkout]
points: [storefront-orders-create]
dataset: orders
timeout: 60
steps:
  - name: Place the order
    kind: http
    point: storefront-orders-create
    timeout: 5
    optional: false
    with: {method: POST, url: "{{ ORDERS_URL }}/orders", json: {sku: "{{ sku }}", quantity: "{{ quantity }}"}}
    expect:
      - {check: status, equals: 201}
      - {check: header, at: Content-Type, contains: json}
      - {check: json, at: "$.lines[*]", count: 1}
      - {check: json, schema: {type: object, required: [id]}}
      - {check: duration, below: 500}
    capture:
      order_id: $.id
      location: {from: header, at: Location}
    retry: {for: 5, every: 0.2}
  - name: It is stored
    kind: sql
    with: {url: "{{ ORDERS_DB }}", query: "SELECT 1 WHERE id = %s", params: ["{{ order_id }}"]}
teardown:
  - name: Remove
    kind: http
    point: orders-delete
    with: {method: DELETE, url: "{{ ORDERS_URL }}/{{ order_id }}?run={{ run_id }}&u={{ uuid() }}"}
"""


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(DefinitionError) as caught:
        parse_yaml(text)
    return caught.value.problems


def test_example_of_the_documentation_becomes_canonical() -> None:
    case = parse_yaml(EXAMPLE)
    first = case["steps"][0]
    assert first["capture"]["order_id"] == {"from": "json", "at": "$.id"}
    assert "optional" not in first
    assert first["with"]["json"]["quantity"] == "{{ quantity }}"
    assert validate(case) == []
    assert normalise(case) == case
    json.dumps(case)


def test_written_yaml_reads_back_and_is_stable() -> None:
    case = parse_yaml(EXAMPLE)
    text = to_yaml(case)
    assert parse_yaml(text) == case
    assert to_yaml(parse_yaml(text)) == text
    assert text.startswith("title: An order is paid and mailed\npriority: high\n")


def test_what_a_case_needs_and_touches() -> None:
    case = parse_yaml(EXAMPLE)
    assert variables_used(case) == {"ORDERS_URL", "ORDERS_DB", "sku", "quantity"}
    assert points_of(case) == ["storefront-orders-create", "orders-delete"]


def test_typed_view_fills_in_defaults() -> None:
    case = Case.of(parse_yaml("title: t\nsteps: [{name: n, kind: http, with: {url: 'http://x'}}]"))
    assert (case.priority, case.timeout, case.teardown) == ("medium", 120.0, [])
    step = case.steps[0]
    assert (step.timeout, step.optional, step.retry, step.expect, step.has_person) == (30.0, False, None, [], False)


def replaced(old: str, new: str) -> str:
    assert old in EXAMPLE
    return EXAMPLE.replace(old, new, 1)


# what is changed in the example → where the problem is (line, path) and a word of the message
WRONG: list[tuple[str, str, int, str, str]] = [
    ("timeout: 60", "timeuot: 60", 6, "timeuot", "did you mean “timeout”"),
    ("timeout: 60", "timeout: soon", 6, "timeout", "seconds"),
    ("timeout: 60", "timeout: 0", 6, "timeout", "seconds"),
    ("timeout: 60", "timeout: true", 6, "timeout", "seconds"),
    ("priority: high", "priority: urgent", 2, "priority", "low, medium, high, critical"),
    ("priority: high", "title: again", 2, "title", "twice"),
    ("tags: [smoke, checkout]", "tags: smoke", 3, "tags", "must be a list"),
    ("tags: [smoke, checkout]", "tags: [smoke, 5]", 3, "tags[1]", "tag"),
    ("dataset: orders", "dataset: my orders", 5, "dataset", "short name"),
    ("title: An order is paid and mailed", "description: no title", 1, "", "“title” is missing"),
    ("title: An order is paid and mailed", "title: ''", 1, "title", "missing"),
    ("kind: http", "kind: htttp", 9, "steps[0].kind", "unknown step kind “htttp”"),
    ("    kind: http\n", "", 8, "steps[0]", "“kind” is missing"),
    ("    kind: http\n", "    kind: [http]\n", 9, "steps[0].kind", "unknown step kind"),
    ("name: Place the order", "name: 5", 8, "steps[0].name", "must be a text"),
    ("optional: false", "optional: maybe", 12, "steps[0].optional", "true or false"),
    ("method: POST", "method: SEND", 13, "steps[0].with.method", "one of GET"),
    ("method: POST, url:", "method: POST, uri:", 13, "steps[0].with.uri", "did you mean “url”"),
    ("method: POST,", "body: x,", 13, "steps[0].with.body", "only one of"),
    ('"{{ sku }}"', '"{{ sku "', 13, "steps[0].with.json.sku", "template"),
    ("check: status, equals: 201", "check: statuss, equals: 201", 15, "steps[0].expect[0].check", "can look at"),
    ("check: status, equals: 201", "check: status", 15, "steps[0].expect[0]", "exactly one operator"),
    ("equals: 201", "equals: 201, below: 300", 15, "steps[0].expect[0]", "exactly one operator"),
    ("equals: 201", "matches: '2..'", 15, "steps[0].expect[0].matches", "can be checked with"),
    ("equals: 201", "equal: 201", 15, "steps[0].expect[0].equal", "did you mean “equals”"),
    ("equals: 201", "equals: 201, not: no thanks", 15, "steps[0].expect[0].not", "true or false"),
    ("at: Content-Type, ", "", 16, "steps[0].expect[1]", "needs “at”"),
    ("$.lines[*]", "$.lines[", 17, "steps[0].expect[2].at", "cannot be read"),
    ("count: 1", "count: one", 17, "steps[0].expect[2].count", "whole number"),
    ("{type: object, required: [id]}", "{type: objekt}", 18, "steps[0].expect[3].schema", "cannot be read"),
    ("below: 500", "below: [500]", 19, "steps[0].expect[4].below", "number"),
    ("order_id: $.id", "order-id: $.id", 21, "steps[0].capture.order-id", "cannot be the name"),
    ("order_id: $.id", "run_id: $.id", 21, "steps[0].capture.run_id", "cannot be the name"),
    ("order_id: $.id", "order_id: '$.['", 21, "steps[0].capture.order_id.at", "cannot be read"),
    ("{from: header, at: Location}", "{from: cookie}", 22, "steps[0].capture.location.from", "can look at"),
    ("{for: 5, every: 0.2}", "{every: 0.2}", 23, "steps[0].retry", "for: 5"),
    ("{for: 5, every: 0.2}", "{for: -1}", 23, "steps[0].retry.for", "seconds"),
    ("teardown:", "tear_down:", 27, "tear_down", "did you mean “teardown”"),
    ("kind: http\n    point: orders-delete", "kind: manual\n    point: orders-delete", 28, "teardown[0]", "teardown"),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "words"), WRONG)
def test_problem_is_named_at_its_place(old: str, new: str, line: int, path: str, words: str) -> None:
    found = [problem for problem in problems_of(replaced(old, new)) if problem.path == path]
    assert found, problems_of(replaced(old, new))
    assert words in found[0].message
    assert found[0].line == line
    assert found[0].column > 0


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("- a list", 1, "mapping"),
        ("just text", 1, "mapping"),
        ("title: t", 1, "no steps"),
        ("title: t\nsteps: []", 2, "no steps"),
        ("title: t\nsteps: five", 2, "must be a list"),
        ("title: t\nsteps: [go]", 2, "a step is a mapping"),
        ("title: [a\nsteps: x", 2, "not valid YAML"),
        ("title: t\n\tsteps: x", 2, "not valid YAML"),
        ("title: t\n---\ntitle: u", 2, "not valid YAML"),
        ("title: *nobody\n", 1, "not valid YAML"),
        ("title: t\nsteps: !!python/object:os.system x", 2, "tag"),
        ("title: t\nsteps: !!binary aGk=", 2, "tag"),
        ("title: t\ntimeout: .nan\nsteps: x", 2, "no such number"),
        ("title: t\n? [a]\n: b", 1, "plain text"),
        ("title: t\x07\n", 1, "not valid YAML"),
        ("title: t\n~: x\n", 1, "key is empty"),
    ],
)
def test_what_is_no_case_is_refused_with_its_place(text: str, line: int, words: str) -> None:
    problem = problems_of(text)[0]
    assert words in problem.message
    assert problem.line == line


def test_all_problems_are_told_at_once_in_the_order_of_the_text() -> None:
    text = (
        replaced("priority: high", "priority: urgent")
        .replace("kind: sql", "kind: sqll")
        .replace("count: 1", "count: x")
    )
    lines = [problem.line for problem in problems_of(text)]
    assert lines == sorted(lines)
    assert len(lines) == 3


def test_texts_that_explode_are_refused_before_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small texts that stand for much: what counts is how many of their values are looked at."""
    looked_at = Counter[str]()
    count_calls(monkeypatch, yaml_reader._BoundedComposer, "compose_node", looked_at)
    count_calls(monkeypatch, yaml_reader._Reader, "data", looked_at)
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(5)
    )
    assert "too large" in problems_of(bomb)[0].message
    assert looked_at["data"] <= yaml_reader.MAX_NODES + 1
    assert looked_at["compose_node"] < 200
    looked_at.clear()
    assert "too large" in problems_of("title: " + "[" * 500 + "]" * 500)[0].message
    assert looked_at["compose_node"] <= yaml_reader.MAX_DEPTH + 10
    looked_at.clear()
    assert "too large" in problems_of("a: &a [*a]")[0].message
    assert looked_at["data"] <= yaml_reader.MAX_DEPTH + 10
    looked_at.clear()
    assert "longer than" in problems_of("x" * 1_000_000)[0].message
    assert not looked_at


def count_calls(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, calls: Counter[str]) -> None:
    """Count in *calls* how often the method *name* is called."""
    original = getattr(owner, name)

    def counting(*given: Any) -> Any:
        calls[name] += 1
        return original(*given)

    monkeypatch.setattr(owner, name, counting)


def test_reading_stops_at_what_is_too_much() -> None:
    assert [one.message for one in problems_of("title: x\n" * 16_000)] == ["the text is too large or nested too deeply"]
    assert "too large" in problems_of("steps: " + "{a: " * 100_000)[0].message


def test_aliases_and_merges_work() -> None:
    text = """
title: t
steps:
  - &first {name: n, kind: http, with: {url: 'http://x'}}
  - {<<: *first, name: other}
"""
    assert [step["name"] for step in parse_yaml(text)["steps"]] == ["n", "other"]


def test_dates_and_words_stay_what_was_written() -> None:
    body = "{d: 2026-01-02, y: yes, n: 012, z: 0o7}"
    text = f"title: t\nsteps: [{{name: n, kind: http, with: {{url: 'http://x', json: {body}}}}}]"
    assert parse_yaml(text)["steps"][0]["with"]["json"] == {"d": "2026-01-02", "y": "yes", "n": 12, "z": 7}


def test_json_null_body_and_defaults_are_told_apart() -> None:
    text = "title: t\nsteps: [{name: n, kind: http, with: {url: 'http://x', json: null, verify: true, method: GET}}]"
    assert parse_yaml(text)["steps"][0]["with"] == {"url": "http://x", "json": None}


def test_data_that_is_no_case_never_raises() -> None:
    for value in (
        None,
        5,
        [],
        "x",
        {"steps": {}},
        {"title": 1, "steps": [None]},
        {1: 2},
        {"title": "t", "steps": [{1: 2}]},
    ):
        assert validate(value)
    assert validate_step({"name": "n", "kind": "sql", "with": {"query": "SELECT 1"}})[0].path == "with"
    assert validate_step({"name": "n", "kind": "manual", "with": {"instructions": "x"}}) == []


def test_blank_case_tells_what_is_still_missing() -> None:
    assert {problem.path for problem in validate(blank_case())} == {"title", "steps[0].name", "steps[0].with.url"}


def test_kinds_describe_themselves_for_the_editor() -> None:
    assert {"http", "sql", "redis", "grpc", "command", "manual"} <= {kind.name for kind in kinds()}
    for kind in kinds():
        described = json.loads(json.dumps(kind.as_dict()))
        assert described["label"]
        assert kind.subject(kind.main) is not None
        for subject in kind.subjects:
            assert subject.operators
        for check in kind.implied:
            assert kind.subject(check["check"]) is not None
    assert find_kind("nope") is None
    restricted = [kind.name for kind in kinds() if kind.restricted]
    assert "command" in restricted


def test_problems_can_be_translated() -> None:
    problem = problems_of(replaced("kind: http", "kind: htttp"))[0]
    assert problem.text.format(**problem.params) == problem.message
    assert "{name}" in problem.text


# -- any definition reads back ------------------------------------------------------------------------

ODD_TEXTS = [
    '', ' ', 'a\nb', 'a\n\nb\n', ' leading', 'trailing ', '\n', 'a\n ', 'tab\there', 'yes', 'null',
    '~', '1', '1.0', '1e3', '0x1F', '2026-01-02', '12:30:45', '- x', '# no', 'a: b', "'q'", '"d"',
    '|', '>', '@x', '`x', '%x', '&x', '*x', '!x', '{{ a }}', 'a\r\nb', '\x85', '\u2028', '\xa0',
    '\xe9', '\U0001f600', '\ufeff', '---', '...', 'a #b', '<<', '=', '[', '{',
]  # fmt: skip
texts = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
).filter(lambda text: "{{" not in text and "{%" not in text and "{#" not in text)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


@settings(max_examples=300, deadline=None)
@given(values, texts)
def test_any_value_comes_back_from_yaml_as_it_was(value: Any, text: str) -> None:
    step = {"name": "n", "kind": "http", "with": {"url": "http://x", "json": value}}
    case = normalise({"title": "t", "description": text, "steps": [step]})
    back = parse_yaml(to_yaml(case))
    assert back == case
    assert json.dumps(back) == json.dumps(case)
