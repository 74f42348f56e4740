"""Bodies and cursors that nobody sends by accident: refused with a reason, never a crash."""

import base64
import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.core.json_reading import DEEPEST, read_json

DEEP = "[" * 100_000
HOSTILE = {
    "deep and open": DEEP,
    "deep": DEEP + "]" * 100_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep enough to break what reads on": '{"name": ' + "[" * 500 + "]" * 500 + "}",
    "half a character": '{"name": "\\ud800"}',
    "half a character as a key": '{"\\udfff": 1}',
    "no JSON number": '{"name": NaN}',
    "not UTF-8": b'{"name": "\xff"}',
}


@pytest.fixture
def client(admin: User) -> Client:
    found = Client(raise_request_exception=False)
    found.force_login(admin)
    return found


def send(client: Client, body: str | bytes, url: str = "/api/v1/tokens/") -> Any:
    return client.generic("POST", url, body, content_type="application/json")


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_the_api_refuses_what_it_cannot_hold(client: Client, body: str | bytes) -> None:
    answer = send(client, body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert "Not valid JSON" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["cases/convert/", "cases/try-step/"])
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_pages_scripts_are_refused_alike(client: Client, system: Any, path: str, body: str | bytes) -> None:
    answer = send(client, body, f"/s/{system.slug}/{path}")

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:integhub:invalid-json"


@pytest.mark.parametrize("way", ["session", "token"])
def test_a_body_has_a_largest_size(client: Client, admin: User, settings: Any, way: str) -> None:
    if way == "token":
        client = Client(headers={"Authorization": f"Bearer {create_token(admin, 'CI')[1]}"})
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000

    answer = send(client, json.dumps({"name": "x" * 1_000}))

    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("position", ["p=x", "p=%00", "p=" + "9" * 40, "p=1.5", "o=5&p=-", "r=1&p=²"])
def test_a_cursor_that_was_tampered_with_is_not_found(client: Client, position: str) -> None:
    cursor = base64.b64encode(position.encode()).decode()

    answer = client.get("/api/v1/tokens/", {"cursor": cursor})

    assert answer.status_code == 404


def test_ordinary_json_is_read_whole() -> None:
    assert read_json('{"a": ["\\ud83d\\ude00 \\u00e9", 1e3, null]}') == {"a": ["😀 é", 1000.0, None]}
    assert read_json("[" * DEEPEST + "]" * DEEPEST)
