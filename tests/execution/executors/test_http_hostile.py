"""HTTP steps against servers and addresses that nobody sane would make: told as they are, never a crash."""

import pytest

from apps.execution.engine.model import State
from apps.execution.executors.http_messages import text_of
from tests.execution.engine.running import run_step


@pytest.mark.parametrize(
    "charset",
    ["punycode", "PUNYCODE", "idna", "undefined", "unicode_escape", "raw-unicode-escape", "zlib", "rot13", "nonsense"],
)
def test_what_is_no_charset_is_read_as_utf_8(charset: str) -> None:
    """Punycode takes minutes for a few megabytes; others fail in ways of their own."""
    assert text_of(r"naïve \u0041 a-b".encode(), f"text/plain; charset={charset}") == r"naïve \u0041 a-b"
    assert (
        text_of(b"\xff-\x80", f"text/plain; charset={charset}") == "\N{REPLACEMENT CHARACTER}-\N{REPLACEMENT CHARACTER}"
    )


def test_real_charsets_are_kept() -> None:
    assert text_of("Grüße".encode("latin-1"), 'text/plain; charset="ISO-8859-1"') == "Grüße"
    assert text_of("Grüße".encode("utf-16"), "text/plain; charset=utf-16") == "Grüße"


@pytest.mark.parametrize("url", ["http://localhost:99999/", "http://localhost:-1/", "http://localhost:1x/"])
def test_a_port_that_cannot_be_is_told_with_the_url(url: str) -> None:
    outcome = run_step("http", {"url": url})

    assert outcome.state is State.BLOCKED
    assert outcome.message.startswith(f"the URL “{url}” cannot be used")


def test_a_url_with_nul_is_told() -> None:
    outcome = run_step("http", {"url": "http://localhost/{{ rest }}"}, row={"rest": "a\0b"})

    assert outcome.state is State.BLOCKED
    assert outcome.message.startswith("the request cannot be sent")
