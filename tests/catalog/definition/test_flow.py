"""The flow of a case: reading, refusing and writing conditions, groups and shared steps."""

from typing import Any

import pytest

from apps.catalog.definition import (
    Case,
    DefinitionError,
    Shared,
    calls_of,
    normalise,
    parse_shared_yaml,
    parse_yaml,
    points_of,
    shared_to_yaml,
    steps_of,
    to_yaml,
    validate,
    variables_used,
)

FLOW = """\
title: Flow
setup:
  - name: Make
    kind: http
    with: {url: "{{ SHOP }}/make"}
    capture: {made: $.id}
steps:
  - name: Work out
    kind: set
    with:
      values: {total: "{{ price * 2 }}", plain: [1, {a: null}]}
  - name: Pause
    kind: wait
    when: "{{ total > made }}"
    with: {seconds: 0.5}
  - name: Each
    kind: repeat
    timeout: 20
    with:
      each: "{{ skus }}"
      as: sku
      steps:
        - name: Look
          kind: http
          point: shop-look
          with: {url: "{{ SHOP }}/{{ sku }}/{{ loop.index }}"}
          capture: {seen: $.id}
          retry:
            for: 3
            until:
              - {check: json, at: $.state, equals: done}
  - name: Race
    kind: parallel
    with:
      branches:
        - name: Buyer
          count: 3
          steps:
            - {name: Buy, kind: http, with: {url: "{{ SHOP }}/{{ seen }}"}, capture: {code: $.code}}
        - steps:
            - {name: Sell, kind: call, with: {step: sell, arguments: {what: "{{ thing }}"}}}
    expect:
      - {check: values, at: "$.code[?@ == 201]", count: 1}
teardown:
  - name: Tidy
    kind: http
    with: {url: "{{ code }}"}
"""

SHARED = """\
title: Sell
parameters:
  what:
  price: 3
  who: {default: "{{ USER }}", description: Who sells}
steps:
  - {name: Sell, kind: http, with: {url: "{{ SHOP }}/{{ what }}/{{ price }}/{{ who }}"}, capture: {sold: $.id}}
"""


def test_a_case_with_every_kind_of_flow_reads_back_from_its_yaml() -> None:
    read = parse_yaml(FLOW)
    assert parse_yaml(to_yaml(read)) == read
    assert normalise(read) == read
    assert read["steps"][1]["when"] == "total > made"
    assert read["steps"][2]["with"]["steps"][0]["retry"] == {
        "for": 3, "every": 0.5, "until": [{"check": "json", "at": "$.state", "equals": "done"}],
    }  # fmt: skip


def test_what_a_case_takes_from_outside_follows_its_flow() -> None:
    read = parse_yaml(FLOW)
    assert variables_used(read) == {"SHOP", "price", "skus", "thing"}
    assert points_of(read) == ["shop-look"]
    assert calls_of(read) == [("steps[3].with.branches[1].steps[0].with.step", "sell")]
    assert [path for path, _step in steps_of(read)][3:] == [
        "steps[2]", "steps[2].with.steps[0]", "steps[3]", "steps[3].with.branches[0].steps[0]",
        "steps[3].with.branches[1].steps[0]", "teardown[0]",
    ]  # fmt: skip


def test_a_group_names_the_seam_of_its_own_checks() -> None:
    read = parse_yaml(FLOW.replace("kind: parallel", "kind: parallel\n    point: shop-race"))
    assert points_of(read) == ["shop-look", "shop-race"]
    assert Case.of(read).steps[3].point == "shop-race"
    assert parse_yaml(to_yaml(read)) == read


def test_the_typed_view_has_the_steps_inside() -> None:
    case = Case.of(parse_yaml(FLOW))
    race = case.steps[3]
    assert race.is_group
    assert race.timeout == float("inf")
    assert [(branch.name, branch.count, len(branch.steps)) for branch in race.branches] == [
        ("Buyer", 3, 1),
        ("", None, 1),
    ]
    assert list(race.makes) == [("code", False)]
    assert case.steps[2].timeout == 20


def test_a_shared_step_reads_back_from_its_yaml() -> None:
    read = parse_shared_yaml(SHARED)
    assert parse_shared_yaml(shared_to_yaml(read)) == read
    assert read["parameters"] == {
        "what": {}, "price": {"default": 3}, "who": {"default": "{{ USER }}", "description": "Who sells"},
    }  # fmt: skip
    assert variables_used(read) == {"SHOP"}
    assert Shared.of(read).steps[0].name == "Sell"


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "words"),
    [
        ('"{{ total > made }}"', '"total >"', 14, "steps[1].when", "cannot be read"),
        ('"{{ total > made }}"', '"{% if a %}"', 14, "steps[1].when", "one expression without braces"),
        ('"{{ total > made }}"', "3", 14, "steps[1].when", "is an expression"),
        ("{seconds: 0.5}", "{second: 0.5}", 15, "steps[1].with.second", "did you mean “seconds”"),
        ("as: sku", "as: 2sku", 21, "steps[2].with.as", "cannot be the name of a variable"),
        ("as: sku", "as: loop", 21, "steps[2].with.as", "cannot be the name of a variable"),
        ("as: sku", "times: 3", 20, "steps[2].with.each", "only one of times, each"),
        ('each: "{{ skus }}"', "each: []", 20, "steps[2].with.each", "a list with something in it"),
        ("point: shop-look", "pint: shop-look", 25, "steps[2].with.steps[0].pint", "did you mean “point”"),
        ("timeout: 20", "retry: {for: 2}", 18, "steps[2].retry", "has no “retry”"),
        ("until:", "unless:", 30, "steps[2].with.steps[0].retry.unless", "unknown key"),
        ("{check: json, at: $.state, equals: done}", "{check: jason, equals: 1}", 31,
         "steps[2].with.steps[0].retry.until[0].check", "can look at"),
        ("count: 3", "count: 0", 37, "steps[3].with.branches[0].count", "from 1 to 200"),
        ("count: 3", "copies: 3", 37, "steps[3].with.branches[0].copies", "unknown key"),
        ("step: sell", "step: se ll", 41, "steps[3].with.branches[1].steps[0].with.step", "is not a short name"),
        ("{total:", "{to-tal:", 11, "steps[0].with.values.to-tal", "cannot be the name of a variable"),
        ('"{{ price * 2 }}"', '"{{ rand_int(1) }}"', 11, "steps[0].with.values.total", "did you mean “random_int”"),
        ('"{{ total > made }}"', '"uid() == 3"', 14, "steps[1].when", "did you mean “uuid”"),
        ("{check: json, at: $.state, equals: done}", "{any: [], nt: 1}", 31,
         "steps[2].with.steps[0].retry.until[0].any", "a list with something in it"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_flow_is_told_at_its_line(old: str, new: str, line: int, path: str, words: str) -> None:
    assert old in FLOW
    with pytest.raises(DefinitionError) as caught:
        parse_yaml(FLOW.replace(old, new))
    found = [(problem.line, problem.path) for problem in caught.value.problems if words in problem.message]
    assert found == [(line, path)], [problem.message for problem in caught.value.problems]


def test_a_person_cannot_do_a_step_inside_another() -> None:
    manual = {"name": "Look", "kind": "manual", "with": {"instructions": "Look"}}
    case = {"title": "t", "steps": [{"name": "r", "kind": "repeat", "with": {"times": 2, "steps": [manual]}}]}
    assert [(p.path, p.message) for p in validate(case)] == [
        ("steps[0].with.steps[0]", "a manual step cannot stand inside another step")
    ]


def test_steps_cannot_be_nested_without_end() -> None:
    step: dict[str, Any] = {"name": "s", "kind": "wait", "with": {"seconds": 1}}
    for _ in range(6):
        step = {"name": "r", "kind": "repeat", "with": {"times": 1, "steps": [step]}}
    assert "at most 4 deep" in validate({"title": "t", "steps": [step]})[0].message


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("  price: 3", "  pri ce: 3", 4, "cannot be the name of a variable"),
        ("description: Who sells", "hint: Who sells", 5, "unknown key “hint”"),
        ("title: Sell", "title: ''", 1, "“title” is missing"),
        ("kind: http, with: {url:", "kind: manual, with: {instructions:", 7, "cannot stand inside another step"),
    ],
)
def test_what_is_wrong_in_a_shared_step_is_told_at_its_line(old: str, new: str, line: int, words: str) -> None:
    assert old in SHARED
    with pytest.raises(DefinitionError) as caught:
        parse_shared_yaml(SHARED.replace(old, new))
    assert [problem.line for problem in caught.value.problems if words in problem.message] == [line]
