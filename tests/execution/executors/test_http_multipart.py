"""Forms with files."""

import base64
import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from apps.catalog.definition import validate_step
from apps.execution.engine.model import State, StepOutcome
from tests.execution.engine.running import run_step
from tests.execution.executors.servers.http import HttpServer

PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"


def send(server: HttpServer, parts: list[dict[str, Any]], **more: Any) -> StepOutcome:
    return run_step("http", {"method": "POST", "url": f"{server.url}/parts", "multipart": parts}, **more)


def test_fields_and_files_arrive_as_they_were_given(http_server: HttpServer) -> None:
    outcome = send(
        http_server,
        [
            {"name": "note", "value": "Grüße\n{{ who }}"},
            {"name": "order", "json": {"sku": "A-1", "quantity": "{{ quantity }}"}},
            {
                "name": "photo",
                "base64": base64.b64encode(PICTURE).decode(),
                "filename": 'a "b".png',
                "type": "image/png",
            },
            {"name": "photo", "value": "a,b\n1,2\n", "filename": "rows.csv"},
        ],
        row={"who": "Ann", "quantity": 3},
    )
    assert outcome.state is State.PASSED, outcome.message
    parts = json.loads(outcome.response["body"])
    assert [(part["name"], part["filename"], part["type"]) for part in parts] == [
        ("note", None, None),
        ("order", None, "application/json"),
        ("photo", "a %22b%22.png", "image/png"),
        ("photo", "rows.csv", "application/octet-stream"),
    ]
    contents = [base64.b64decode(part["content"]) for part in parts]
    assert contents[0].decode() == "Grüße\nAnn"
    assert json.loads(contents[1]) == {"sku": "A-1", "quantity": 3}
    assert contents[2] == PICTURE
    assert contents[3] == b"a,b\n1,2\n"


def test_the_request_is_shown_readably(http_server: HttpServer) -> None:
    picture = {"name": "photo", "base64": base64.b64encode(PICTURE).decode(), "filename": "a.png"}
    shown = send(http_server, [{"name": "who", "value": "Ann"}, picture]).request
    assert "Ann" in shown["body"]
    assert f"({len(PICTURE)} bytes)" in shown["body"]
    content_type = shown["headers"]["Content-Type"]
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\n\n{shown['body']}".encode())
    assert len(list(message.iter_parts())) == 2  # type: ignore[attr-defined]


def test_a_redirect_sends_the_form_again(http_server: HttpServer) -> None:
    url = f"{http_server.url}/again"
    step = {"method": "POST", "url": url, "multipart": [{"name": "a", "value": "1"}], "follow_redirects": True}
    assert "“a”" not in run_step("http", step).message
    assert json.loads(run_step("http", step).response["body"])[0]["name"] == "a"


def test_what_is_not_base64_blocks_and_says_where(http_server: HttpServer) -> None:
    outcome = send(http_server, [{"name": "a", "value": "1"}, {"name": "b", "base64": "{{ bad }}"}], row={"bad": "%%"})
    assert outcome.state is State.BLOCKED
    assert "multipart[1].base64" in outcome.message


def test_a_part_is_one_thing_and_has_a_name() -> None:
    parts = [{"name": "a", "value": "1", "json": {}}, {"value": "1"}, {"name": "c"}, {"name": "d", "valu": "1"}, "e"]
    step = {"name": "s", "kind": "http", "with": {"url": "http://s", "multipart": parts}}
    assert sorted(problem.path for problem in validate_step(step)) == [
        "with.multipart[0].json",
        "with.multipart[1]",
        "with.multipart[2]",
        "with.multipart[3]",
        "with.multipart[3].valu",
        "with.multipart[4]",
    ]
