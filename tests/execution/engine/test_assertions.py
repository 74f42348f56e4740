"""Checks and captures on values as executors give them."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from apps.catalog.definition import OPERATORS, find_kind
from apps.catalog.definition.expressions import ExpressionError, compile_path, compile_regex
from apps.catalog.definition.xpath import parse_markup
from apps.execution.engine.assertions import CaptureError, capture, describe, evaluate
from apps.execution.engine.model import CheckResult
from apps.execution.engine.operators import OPERATIONS, PHRASES
from apps.execution.executors.base import NotObserved, Observed

HTTP = find_kind("http")
SQL = find_kind("sql")
assert HTTP is not None
assert SQL is not None

BODY: dict[str, Any] = {
    "id": "o1",
    "total": 12.5,
    "count": 3,
    "paid": True,
    "note": None,
    "lines": [{"sku": "a", "price": 2}, {"sku": "b", "price": 4}],
    "empty": [],
    "at": "2026-01-02T03:04:05Z",
    "weird key": {"x": 1},
}


def check(**given: Any) -> CheckResult:
    observed = Observed(
        subjects={
            "status": 201,
            "header": {"content-type": "application/json", "content-length": "12"},
            "body": "order 42 is paid\norder 43 is new",
            "json": BODY,
            "duration": 12.3,
        }
    )
    negated = given.pop("negated", False)
    return evaluate(HTTP, {**given, **({"not": True} if negated else {})}, observed)


PASSING: list[dict[str, Any]] = [
    {"check": "status", "equals": 201},
    {"check": "status", "equals": 201.0},
    {"check": "status", "one_of": [200, 201]},
    {"check": "status", "below": 300},
    {"check": "header", "at": "Content-Type", "contains": "json"},
    {"check": "header", "at": "content-LENGTH", "equals": 12},
    {"check": "header", "at": "Content-Length", "at_least": 12},
    {"check": "header", "at": "X-None", "exists": False},
    {"check": "body", "contains": "paid"},
    {"check": "body", "matches": r"^order \d+"},
    {"check": "body", "at": r"order (\d+)", "equals": "42"},
    {"check": "body", "at": r"order (\d+)", "equals": 42},
    {"check": "body", "at": r"order \d+", "count": 2},
    {"check": "body", "at": "refund", "count": 0},
    {"check": "json", "at": "$.id", "equals": "o1"},
    {"check": "json", "at": "$['weird key'].x", "equals": 1},
    {"check": "json", "at": "$.lines[-1].sku", "equals": "b"},
    {"check": "json", "at": "$.lines[*].sku", "equals": ["a", "b"]},
    {"check": "json", "at": "$.lines[?@.price > 2].sku", "equals": "b"},
    {"check": "json", "at": "$.lines[?search(@.sku, '^a')].price", "equals": 2},
    {"check": "json", "at": "$.lines[*]", "count": 2},
    {"check": "json", "at": "$.lines[9]", "count": 0},
    {"check": "json", "at": "$..price", "count": 2},
    {"check": "json", "at": "$.lines", "contains": {"sku": "a"}},
    {"check": "json", "at": "$.lines[*].sku", "contains": ["b", "a"]},
    {"check": "json", "contains": {"id": "o1", "lines": BODY["lines"]}},
    {"check": "json", "contains": "total"},
    {"check": "json", "at": "$.note", "exists": True},
    {"check": "json", "at": "$.note", "type": "null"},
    {"check": "json", "at": "$.nothing", "exists": False},
    {"check": "json", "at": "$.nothing", "equals": 5, "negated": True},
    {"check": "json", "at": "$.empty", "exists": True},
    {"check": "json", "at": "$.count", "type": "integer"},
    {"check": "json", "at": "$.count", "type": "number"},
    {"check": "json", "at": "$.paid", "type": "boolean"},
    {"check": "json", "at": "$.paid", "equals": 1, "negated": True},
    {"check": "json", "at": "$.lines", "type": "array"},
    {"check": "json", "type": "object"},
    {"check": "json", "at": "$.total", "approx": {"value": 12, "within": 0.5}},
    {"check": "json", "at": "$.at", "above": "2026-01-02T03:04:04+00:00"},
    {"check": "json", "at": "$.at", "below": "2026-01-03"},
    {"check": "json", "at": "$.at", "approx": {"value": "2026-01-02T03:04:00Z", "within": 10}},
    {"check": "json", "at": "$.total", "matches": r"^12\.5$"},
    {"check": "json", "schema": {"type": "object", "required": ["id"]}},
    {"check": "json", "at": "$.lines", "schema": {"items": {"required": ["sku"]}, "minItems": 2}},
    {"check": "duration", "below": 500},
]

FAILING: list[tuple[dict[str, Any], str]] = [
    ({"check": "status", "equals": 200}, "status should be 200, but it is 201"),
    ({"check": "status", "equals": 201, "negated": True}, "should not be 201"),
    ({"check": "status", "equals": "201"}, "an integer, and not a string"),
    ({"check": "header", "at": "X-None", "equals": "a"}, "nothing was found at X-None"),
    ({"check": "header", "at": "Content-Type", "above": 3}, "a number or a time is needed"),
    ({"check": "json", "at": "$.nothing", "equals": 5}, "nothing was found at $.nothing"),
    ({"check": "json", "at": "$.paid", "equals": 1}, "it is true"),
    ({"check": "json", "at": "$.lines", "count": 2}, "end the path with [*]"),
    ({"check": "json", "at": "$.id", "type": "integer"}, "it is a string: “o1”"),
    ({"check": "json", "at": "$.id", "above": 3}, "a number or a time is needed"),
    ({"check": "json", "at": "$.paid", "at_least": 0}, "a number or a time is needed"),
    ({"check": "json", "at": "$.lines", "matches": "a"}, "a pattern needs a text"),
    ({"check": "json", "schema": {"properties": {"id": {"type": "integer"}}}}, "$.id"),
    ({"check": "json", "schema": {"$ref": "http://127.0.0.1:1/x.json"}}, ""),
    ({"check": "json", "schema": {"$ref": "file:///etc/passwd"}}, ""),
    ({"check": "json", "at": "$.[", "equals": 1}, ""),
    ({"check": "body", "matches": "("}, ""),
    ({"check": "cookies", "equals": 1}, "has no “cookies”"),
    ({"check": "json", "at": "$.nothing", "exists": True}, "there is nothing"),
    ({"check": "json", "at": "$.empty", "exists": False}, ""),
]


@pytest.mark.parametrize(
    "given", PASSING, ids=lambda given: describe({k: v for k, v in given.items() if k != "negated"})
)
def test_check_holds(given: dict[str, Any]) -> None:
    result = check(**given)
    assert result.passed, result.message
    assert result.message == ""


@pytest.mark.parametrize(("given", "words"), FAILING)
def test_check_fails_with_words_that_say_why(given: dict[str, Any], words: str) -> None:
    result = check(**given)
    assert not result.passed
    assert result.message
    assert words in result.message


def test_every_operator_has_a_meaning_and_a_phrase() -> None:
    assert set(OPERATIONS) == set(PHRASES) == set(OPERATORS)


def test_rows_are_counted_without_a_path() -> None:
    observed = Observed(subjects={"rows": [{"a": 1}, {"a": 2}], "row_count": 2})
    assert evaluate(SQL, {"check": "rows", "count": 2}, observed).passed
    assert not evaluate(SQL, {"check": "rows", "count": 1}, observed).passed
    assert evaluate(SQL, {"check": "rows", "exists": True}, observed).passed
    nothing = Observed(subjects={"rows": []})
    assert evaluate(SQL, {"check": "rows", "count": 0}, nothing).passed
    assert not evaluate(SQL, {"check": "rows", "exists": True}, nothing).passed


def test_difference_of_structures_shows_only_what_differs() -> None:
    expected = {"b": 1, "a": [1, 2, 3], "id": "o1"}
    observed = Observed(subjects={"json": {"a": [1, 9, 3], "id": "o1", "b": 1}})
    result = evaluate(HTTP, {"check": "json", "equals": expected}, observed)
    changed = [line for line in result.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-    2,", "+    9,"]


def test_difference_of_texts_is_by_line() -> None:
    observed = Observed(subjects={"body": "one\ntwo\nthree"})
    result = evaluate(HTTP, {"check": "body", "equals": "one\n2\nthree"}, observed)
    assert "-2" in result.diff.splitlines()
    assert "+two" in result.diff.splitlines()


def test_large_values_are_kept_in_part_and_quickly() -> None:
    rows = [{"n": number, "text": "x" * 100} for number in range(20_000)]
    observed = Observed(subjects={"json": rows, "body": "line\n" * 400_000})
    started = time.thread_time()
    for given in ({"check": "json", "equals": rows[:-1]}, {"check": "body", "equals": "line\n" * 399_000}):
        result = evaluate(HTTP, given, observed)
        assert not result.passed
        assert len(str(result.as_dict())) < 60_000
    assert time.thread_time() - started < 2


@pytest.mark.parametrize(
    "given",
    [
        {"check": "body", "matches": "(a+)+$"},
        {"check": "body", "at": "(a|aa)+$", "exists": True},
        {"check": "json", "at": "$[?search(@.v, '(a|aa)+$')]", "count": 1},
        {"check": "json", "at": "$[0].v", "schema": {"pattern": "^(a+)+$"}},
    ],
)
def test_pattern_that_backtracks_for_ever_ends_soon(given: dict[str, Any]) -> None:
    evil = "a" * 5000 + "!"
    observed = Observed(subjects={"body": evil, "json": [{"v": evil}]})
    result = evaluate(HTTP, given, observed)
    assert not result.passed
    assert ("should fit the schema" if "schema" in given else "did not end within") in result.message


@pytest.mark.parametrize(
    ("compile_it", "text"),
    [
        (compile_regex, "(?:a{1000}){1000}" * 20),
        (compile_regex, "((((a{99}){99}){99}){99}){99}"),
        (compile_regex, "(" * 1900 + ")" * 1900),
        (compile_regex, "a" * 10_000),
        (compile_path, "$[?" + "(" * 1900 + "@.a" + ")" * 1900 + "]"),
        (compile_path, "$[?" + "!" * 3000 + "@.a]"),
    ],
)
def test_expression_that_is_too_much_is_refused_at_once(compile_it: Callable[[str], Any], text: str) -> None:
    started = time.thread_time()
    with pytest.raises(ExpressionError):
        compile_it(text)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    "text", [r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"\d{4}-\d{2}", "[]({9999}]{3}", "a{,5}", "{x}"]
)
def test_ordinary_patterns_are_not_refused(text: str) -> None:
    compile_regex(text)


def test_subject_that_could_not_be_read_fails_the_check_also_when_negated() -> None:
    def unreadable() -> Any:
        raise NotObserved("the body is not JSON")

    observed = Observed(subjects={"json": unreadable})
    result = evaluate(HTTP, {"check": "json", "at": "$.a", "equals": 1, "not": True}, observed)
    assert not result.passed
    assert result.message == "the body is not JSON"


def test_capture_takes_one_value_or_a_list_and_never_nothing() -> None:
    observed = Observed(subjects={"json": BODY, "header": {"location": "/orders/1"}, "body": "id=7"})
    assert capture(HTTP, "x", {"from": "json", "at": "$.lines[*].sku"}, observed) == ["a", "b"]
    assert capture(HTTP, "x", {"from": "json", "at": "$.note"}, observed) is None
    assert capture(HTTP, "x", {"from": "header", "at": "Location"}, observed) == "/orders/1"
    assert capture(HTTP, "x", {"from": "body", "at": r"id=(\d)"}, observed) == "7"
    for source in ({"from": "json", "at": "$.nope"}, {"from": "json", "at": "$.lines[?@.sku == 'z']"}, {"from": "x"}):
        with pytest.raises(CaptureError, match="“x” cannot be captured"):
            capture(HTTP, "x", source, observed)


# -- groups of checks, markup ----------------------------------------------------------------------------------------

ONE = {"check": "status", "equals": 200}
OTHER = {"check": "status", "equals": 201}


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        ({"any": [OTHER, ONE]}, True),
        ({"any": [OTHER]}, False),
        ({"any": [OTHER], "not": True}, True),
        ({"any": [OTHER, ONE], "not": True}, False),
        ({"all": [ONE, OTHER]}, False),
        ({"all": [ONE, OTHER], "not": True}, True),
        ({"all": [ONE, {"any": [OTHER, {**OTHER, "not": True}]}]}, True),
    ],
)
def test_groups_hold_when_any_or_all_of_their_checks_do(check: dict[str, Any], passed: bool) -> None:
    assert evaluate(HTTP, check, Observed(subjects={"status": 200})).passed is passed


def test_a_group_that_does_not_hold_says_what_each_check_found() -> None:
    given = {"any": [OTHER, {"check": "json", "at": "$.a", "equals": 1}]}
    result = evaluate(HTTP, given, Observed(subjects={"status": 200, "json": {"a": 2}}))
    assert result.label == "any of (status equals 201; json $.a equals 1)"
    assert result.message == (
        "none of 2 checks holds: status should be 201, but it is 200; json $.a should be 1, but it is 2"
    )
    assert result.expected == ["status equals 201", "json $.a equals 1"]


def markup(text: str, *, is_html: bool = False) -> Observed:
    return Observed(subjects={"xml": lambda: parse_markup(text, is_html=is_html)})


ORDERS = '<o xmlns="urn:x" xmlns:p="urn:p"><line n="2">MUG</line><line n="1">PEN</line><p:total>12.5</p:total></o>'


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        ({"at": "//default:line", "count": 2}, True),
        ({"at": "//default:line", "same_items": ["PEN", "MUG"]}, True),
        ({"at": "//default:line[@n='1']", "equals": "PEN"}, True),
        ({"at": "//p:total", "equals": 12.5}, True),
        ({"at": "count(//default:line)", "above": 2}, False),
        ({"at": "//missing", "exists": False}, True),
    ],
)
def test_xml_is_looked_at_by_xpath(check: dict[str, Any], passed: bool) -> None:
    assert evaluate(HTTP, {"check": "xml", **check}, markup(ORDERS)).passed is passed


def test_html_is_looked_at_as_browsers_read_it() -> None:
    page = markup("<title>Shop</title><p>one<p>two", is_html=True)
    assert evaluate(HTTP, {"check": "xml", "at": "//p", "equals": ["one", "two"]}, page).passed


def test_a_path_with_an_unknown_prefix_says_so() -> None:
    result = evaluate(HTTP, {"check": "xml", "at": "//x:y", "exists": True}, markup("<a/>"))
    assert "Undefined namespace prefix" in result.message


@pytest.mark.parametrize("text", ["", "<a>", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'])
def test_what_is_no_document_or_declares_entities_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_markup(text, is_html=False)


def lines_of(expected: Any, actual: Any, operator: str = "equals") -> list[str]:
    observed = Observed(subjects={"json": actual})
    return evaluate(HTTP, {"check": "json", operator: expected}, observed).diff.splitlines()


def test_difference_is_shown_wherever_it_is() -> None:
    rows = [{"n": number} for number in range(5_000)]
    changed = [*rows[:4_000], {"n": -1}, *rows[4_001:]]
    lines = lines_of(rows, changed)
    assert '-    "n": 4000' in lines
    assert '+    "n": -1' in lines
    assert lines[2].startswith("@@ -12000,")  # where it stands in the whole value
    deep = lines_of({"a": {"y": 1, "x": [{"b": 1, "a": 2}]}}, {"a": {"x": [{"a": 2, "b": 9}], "y": 1}})
    assert [line for line in deep[2:] if line[:1] in "+-"] == ['-        "b": 1', '+        "b": 9']


def test_difference_of_long_lines_shows_what_stands_around_it() -> None:
    long = "x" * 2_000
    (one, other) = lines_of(f"{long}A and more", f"{long}B and more")[3:]
    assert one.startswith("-…xxx")
    assert one.endswith("xA and more")
    assert other.endswith("xB and more")
    lines = lines_of(f"first\n{long}A\n-- last", f"first\n{long}B\n++ last")
    assert [line[:2] for line in lines[3:]] == [" f", "-…", "--", "+…", "++"]
    assert lines[4].endswith("xA")
    observed = Observed(subjects={"json": f"{long}B"})
    message = evaluate(HTTP, {"check": "json", "equals": f"{long}A"}, observed).message
    assert "xA”" in message
    assert "xB”" in message


def test_difference_of_members_shows_only_those_that_were_asked_for() -> None:
    lines = lines_of({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}, "d": 4}, "contains")
    assert [line for line in lines[2:] if line[:1] in "+-"] == ['-    "b": 1', '+    "b": 2']


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"approx": {"value": 12, "within": 0.1}}, "should be within 0.1 of 12, but 12.5 is 0.5 away"),
        ({"not": True, "exists": True}, "should not be there"),
        ({"exists": False}, "should not be there"),
        ({"not": True, "exists": False}, None),
    ],
)
def test_messages_are_sentences(given: dict[str, Any], words: str | None) -> None:
    result = evaluate(HTTP, {"check": "json", "at": "$.total", **given}, Observed(subjects={"json": {"total": 12.5}}))
    assert words in result.message if words else result.passed


def test_times_are_compared_as_headers_and_databases_write_them() -> None:
    observed = Observed(subjects={"header": {"date": "Sat, 28 Nov 2026 17:00:00 GMT"}})
    within = {"check": "header", "at": "Date", "approx": {"value": "2026-11-28T18:00:04+01:00", "within": 5}}
    assert evaluate(HTTP, within, observed).passed
    later = {**within, "approx": {"value": "2026-11-28T17:01:00Z", "within": 5}}
    assert "is 60 s away" in evaluate(HTTP, later, observed).message
    assert evaluate(HTTP, {**later, "not": True}, observed).passed


def test_groups_that_should_not_hold_say_what_does() -> None:
    observed = Observed(subjects={"status": 200})
    one, other = {"check": "status", "equals": 200}, {"check": "status", "equals": 500}
    assert evaluate(HTTP, {"all": [one, other], "not": True}, observed).passed
    assert "all of these should not hold" in evaluate(HTTP, {"all": [one], "not": True}, observed).message
    assert "one of these should not hold" in evaluate(HTTP, {"any": [one, other], "not": True}, observed).message


@pytest.mark.parametrize("operator", list(OPERATORS))
def test_every_operator_can_be_turned_round(operator: str) -> None:
    value = {"n": 1, "text": "abc", "list": [1, 2], "at": "2026-01-01T00:00:00Z"}
    holds: dict[str, tuple[str, Any]] = {
        "equals": ("$.n", 1), "contains": ("$.text", "b"), "matches": ("$.text", "^a"), "type": ("$.n", "integer"),
        "count": ("$.list[*]", 2), "above": ("$.n", 0), "below": ("$.n", 2), "at_least": ("$.n", 1),
        "at_most": ("$.n", 1), "approx": ("$.at", {"value": "2026-01-01T00:00:01Z", "within": 2}),
        "exists": ("$.n", True), "one_of": ("$.n", [1]), "same_items": ("$.list", [2, 1]),
        "in_order": ("$.list", [1, 2]), "schema": ("$.n", {"type": "integer"}),
    }  # fmt: skip
    at, expected = holds[operator]
    observed = Observed(subjects={"json": value})
    check = {"check": "json", "at": at, operator: expected}
    assert evaluate(HTTP, check, observed).passed
    turned = evaluate(HTTP, {**check, "not": True}, observed)
    assert not turned.passed
    assert " not " in turned.message
