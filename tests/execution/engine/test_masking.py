"""No secret leaves the engine, in whatever form it travels."""

import base64
import html
import json
import re
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.execution.engine.masking import MASK, Masker, storable, texts_in

SECRET = 's3cr3t/+"\\&=ü key'
FORMS = {
    "plain": lambda s: s,
    "json": lambda s: json.dumps(s),
    "json unicode": lambda s: json.dumps(s, ensure_ascii=False),
    "percent": lambda s: quote(s, safe=""),
    "percent lower": lambda s: re.sub("%..", lambda code: code[0].lower(), quote(s, safe="")),
    "form": quote_plus,
    "a whole url": lambda s: quote(s, safe="!#$%&'()*+,/:;=?@[]~"),
    "encodeURI": lambda s: quote(s, safe=";,/?:@&=+$-_.!~*'()#"),
    "path of a browser": lambda s: quote(s, safe="!$%&'()*+,/:;=@[\\]|~"),
    "query of a browser": lambda s: quote(s, safe="!$%&()*+,/:;=?@[\\]^`{|}~"),
    "html": html.escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "basic auth": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "base64 inside": lambda s: base64.b64encode(f'{{"k": "{s}", "n": 1}}'.encode()).decode(),
    "userinfo": lambda s: f"https://user:{quote(s, safe='')}@host/path",
    "hex": lambda s: s.encode().hex(),
    "repr": repr,
    "xml in ascii": lambda s: html.escape(s, quote=False).encode("ascii", "xmlcharrefreplace").decode(),
    "xml in ascii, hex": lambda s: "".join(one if one.isascii() else f"&#x{ord(one):X};" for one in html.escape(s)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_masked_everywhere(form: str) -> None:
    text = FORMS[form](SECRET)
    masker = Masker([SECRET])
    value = {"deep": [{"text": f"before {text} after"}], f"key {text}": 1}
    masked = json.dumps(masker.value(value), ensure_ascii=False)
    core = text.strip("\"'=")
    assert core[4:-4] not in masked
    assert MASK in masked
    assert MASK in masker.text(text)


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_any_secret_is_gone_from_any_text(secret: str, before: str, behind: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in secret + before + behind) or secret in MASK:
        return
    masked = Masker([secret]).value({"a": [before + secret + behind], "b": secret})
    rest = (before + behind).replace(secret, "")
    if secret not in before + MASK + behind and secret not in rest:
        assert secret not in masked["a"][0]
    assert masked["b"] == MASK


@given(st.binary(min_size=6, max_size=30), st.binary(max_size=12), st.binary(max_size=12))
def test_base64_of_a_longer_text_does_not_give_the_secret_away(raw: bytes, before: bytes, behind: bytes) -> None:
    secret = raw.hex()
    encoded = base64.b64encode(before + secret.encode() + behind).decode()
    masked = Masker([secret]).text(encoded)
    for offset in range(4):
        rest = masked[offset:]
        rest = rest[: len(rest) // 4 * 4]
        try:
            assert secret.encode() not in base64.b64decode(rest)
        except ValueError:
            continue


def test_password_inside_a_secret_url_is_masked_by_itself() -> None:
    masker = Masker(["postgresql://app:p%40ssw0rd!@db:5432/orders"])
    assert masker.text("password p@ssw0rd! was refused") == "password *** was refused"
    assert masker.text("p%40ssw0rd!") == MASK
    assert masker.text("postgresql://app:p%40ssw0rd!@db:5432/orders") == MASK
    assert masker.text("host db and user app") == "host db and user app"


def test_each_line_of_a_key_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n"
    masked = Masker([key]).text("  MIIEvQIBADANBgkqhkiG9w0B\n> AQEFAASCBKcwggSjAgEAAoIB")
    assert "MIIE" not in masked
    assert "AQEF" not in masked


def test_short_secrets_are_masked_only_where_they_are_the_whole_value() -> None:
    masker = Masker(["ab", "7", ""])
    value = {"pin": "ab", "text": "a cabin", "n": 7, "m": 77, "list": ["7"], "": ""}
    assert masker.value(value) == {"pin": MASK, "text": "a cabin", "n": MASK, "m": 77, "list": [MASK], "": ""}


def test_numbers_that_are_a_secret_are_masked() -> None:
    assert Masker(["48151623"]).value({"pin": 48151623, "n": 4}) == {"pin": MASK, "n": 4}


def test_longer_secret_wins_over_one_inside_it() -> None:
    assert Masker(["hunter", "hunter2-extra"]).text("hunter2-extra hunter!") == "*** ***!"


@pytest.mark.parametrize("length", range(4, 15))
def test_beginning_of_a_secret_before_a_cut_is_masked(length: int) -> None:
    secret = "hunter2-hunter2"
    assert Masker([secret]).value({"a": "body " + secret[:length] + "…"}) == {"a": "body ***…"}
    assert Masker([secret]).value("body " + secret[:length] + "… (9000 characters)") == "body ***… (9000 characters)"


def test_secret_learned_later_is_masked_from_then_on() -> None:
    masker = Masker(["first-secret"])
    other = Masker(["first-secret"])
    masker.add("second-secret")
    assert masker.text("first-secret second-secret") == "*** ***"
    assert other.text("second-secret") == "second-secret"


def test_value_without_secrets_is_the_same_object() -> None:
    value = {"a": ["x", 1, None, True, 2.5]}
    assert Masker(["hunter2"]).value(value) is value


def test_what_json_of_a_database_cannot_hold_is_replaced() -> None:
    value: dict[str, Any] = {
        "nul": "a\0b",
        "half": "\ud83d!",
        "inf": float("inf"),
        "nan": float("nan"),
        "ok": "\U0001f600",
    }
    masked = Masker().value(value)
    assert masked["nul"] == "a\N{REPLACEMENT CHARACTER}b"
    assert masked["inf"] == "inf"
    assert masked["ok"] == "\U0001f600"
    json.dumps(masked, allow_nan=False, ensure_ascii=False).encode()
    assert storable("plain") == "plain"


def test_large_bodies_are_masked_quickly() -> None:
    secrets = [f"secret-number-{number}-of-many" for number in range(20)]
    body = json.dumps([{"n": number, "text": "nothing to see"} for number in range(40_000)]) + secrets[7]
    assert len(body) > 1_500_000
    masker = Masker(secrets)
    started = time.thread_time()
    masked = masker.value({"response": {"body": body}})
    assert time.thread_time() - started < 0.5
    assert masked["response"]["body"].endswith(MASK)


def test_files_are_masked() -> None:
    assert Masker(["hunter2-x"]).content(b"\x00hunter2-x\xff") == b"\x00***\xff"
    for encoding in ("utf-8", "utf-16", "utf-16-be", "latin-1"):
        content = Masker(["hünter2-x"]).content("<out>hünter2-x</out>".encode(encoding))
        assert content.decode(encoding) == "<out>***</out>"


@pytest.mark.parametrize(
    "written",
    [
        r"a\/b+c<d>&e='f'\"g",  # PHP
        r"a/b+c\u003cd\u003e\u0026e='f'\"g",  # Go
        r"a/b+c\u003cd\u003e\u0026e\u003d\u0027f\u0027\"g",  # Gson
        r"a/b\u002Bc\u003Cd\u003E\u0026e=\u0027f\u0027\u0022g",  # .NET
        "a/b&#43;c&lt;d&gt;&amp;e=&#39;f&#39;&#34;g",  # html/template of Go
        "a/b+c&lt;d&gt;&amp;e=&#39;f&#39;&quot;g",
        "a/b+c&lt;d&gt;&amp;e=&apos;f&apos;&quot;g",
    ],
)
def test_a_secret_is_masked_however_the_other_side_escapes_it(written: str) -> None:
    masker = Masker(["a/b+c<d>&e='f'\"g"])

    assert masker.text(f'{{"key": "{written}"}}') == f'{{"key": "{MASK}"}}'
    assert masker.value({"body": written}) == {"body": MASK}


def test_every_text_in_a_secret_object_is_a_secret() -> None:
    answer = {"token": "tok-1234", "more": [{"pin": 987654, "n": 1, "ok": True, "none": None}], "empty": ""}

    assert texts_in(answer) == ["tok-1234", "987654"]
    assert texts_in("abc") == ["abc"]
    assert texts_in(True) == []


def test_parts_of_secrets_beside_a_cut_are_masked() -> None:
    masker = Masker(["topsecret-value-of-the-token"])
    assert masker.text("-…value-of-the-token and more") == "-…*** and more"
    assert masker.text("-…secret-value…\n+…another…") == "-…***…\n+…another…"
    assert masker.text("begin topsecret-val…") == "begin ***…"
    assert masker.text("plain … text") == "plain … text"
