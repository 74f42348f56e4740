"""How requests, responses, differences and times of a step are laid out."""

import json
from typing import Any

import pytest

from apps.runs.pages.bodies import body, diff_lines
from apps.runs.pages.exchange import as_curl, side
from apps.runs.pages.waterfall import phases


def test_json_nested_too_deeply_to_draw_is_shown_as_it_is() -> None:
    deep = "[" * 100_000 + "]" * 100_000

    found = body(deep)

    assert found is not None
    assert not found.is_json
    assert found.cut


def test_json_is_indented_and_cut_at_a_line() -> None:
    found = body(json.dumps({"numbers": list(range(5_000))}))

    assert found is not None
    assert found.text.startswith('{\n  "numbers": [\n    0,')
    assert found.text.endswith(",")
    assert len(found.text) <= 6_000 < found.size


def test_a_request_becomes_a_curl_command_that_a_shell_understands() -> None:
    request = {"method": "POST", "url": "http://x/?a=1&b=2", "headers": {"X-Key": "***"}, "body": "it's"}

    assert as_curl(request) == ("curl --request POST 'http://x/?a=1&b=2' --header 'X-Key: ***' --data-raw 'it'\"'\"'s'")
    assert as_curl({"query": "SELECT 1"}) == ""
    signed_in = {"method": "GET", "url": "http://x/", "cookies": "session=a b"}
    assert as_curl(signed_in) == "curl --request GET http://x/ --cookie 'session=a b'"


@pytest.mark.parametrize(
    ("record", "headline", "blocks"),
    [
        ({"status": 201, "reason": "Created", "body": "x"}, "201 Created", ["body"]),
        ({"query": "SELECT 1", "params": [1, 2]}, "", ["query", "params"]),
        ({"argv": ["echo", "a b"]}, "echo 'a b'", []),
        (
            {"target": "h:1", "method": "shop.Inventory/Reserve", "message": {"sku": "M"}},
            "h:1 · shop.Inventory/Reserve",
            ["message"],
        ),
        ({"exit_code": 1, "stdout": "", "stderr": "boom"}, "", ["stderr"]),
        ({"something_new": {"of": "a plug-in"}}, "", ["something_new"]),
        ({}, "", []),
    ],
)
def test_every_kind_of_request_and_response_is_laid_out(record: Any, headline: str, blocks: list[str]) -> None:
    found = side(record)

    assert found.headline == headline
    assert [block.name for block in found.blocks] == blocks
    assert bool(found) is bool(record)


def test_the_waterfall_puts_the_phases_one_after_the_other() -> None:
    found = phases({"dns": 10, "connect": 20, "tls": 0, "first_byte": 60, "transfer": 10, "total": 100})

    assert [(phase.name, phase.x, phase.width) for phase in found] == [
        ("dns", 0, 100),
        ("connect", 100, 200),
        ("first_byte", 300, 600),
        ("transfer", 900, 100),
    ]
    assert [phase.name for phase in phases({"connect": 5, "total": 20})] == ["connect", "answer"]
    assert phases({"total": 20}) == []


def test_a_diff_is_read_without_its_headers() -> None:
    assert [(line.kind, line.text) for line in diff_lines("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z")] == [
        ("del", "x"),
        ("ins", "y"),
        ("same", "z"),
    ]
