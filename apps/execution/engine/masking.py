"""Takes the values of secrets out of everything that leaves the engine.

A secret is masked as it is, and in the forms in which it travels: Base64 (also in the middle of a longer
text, as in ``Authorization: Basic``), percent-encoded, escaped for JSON or HTML, the password inside a
secret URL, and each line of a secret of several lines.
"""

import base64
import html
import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, unquote, urlsplit

import orjson

MASK = "***"
CUT = "…"
"""Whoever cuts a text puts this there: what stands before may be the beginning of a secret, what stands behind its end,
and what stands between two of them a part of one."""
_CUT_BYTES = CUT.encode()
_MAX_CUTS = 100
SHORTEST = 4
"""Shorter secrets are masked only where they are a whole value: anywhere else they would match by chance."""
_SHORTEST_LINE = 12
_SHORTEST_BASE64 = 6


# Refuses what is not JSON, and characters that cannot be encoded stay to be found.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)
# Several times quicker, and writes texts alike; it takes more for JSON, which these options refuse.
_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


class _Prepared(NamedTuple):
    whole: frozenset[str]
    forms: tuple[str, ...]  # a longer form first: it may hold a shorter one
    escaped: tuple[str, ...]  # the same as they stand in JSON
    telltale: tuple[str, ...]  # one of these stands in any JSON that holds a form
    telltale_bytes: tuple[bytes, ...]
    has_short: bool


@lru_cache(256)
def _prepared(secrets: frozenset[str]) -> _Prepared:
    forms = sorted({form for secret in secrets for form in forms_of(secret)}, key=lambda form: (-len(form), form))
    smallest = [form for form in forms if not any(other in form for other in forms if other != form)]
    has_short = any(len(secret) < SHORTEST for secret in secrets)
    telltale = tuple(map(_escaped, smallest))
    in_bytes = tuple(form.encode(errors="surrogatepass") for form in telltale)
    return _Prepared(secrets, tuple(forms), tuple(map(_escaped, forms)), telltale, in_bytes, has_short)


def _escaped(form: str) -> str:
    return _JSON.encode(form)[1:-1]


class Masker:
    """Masks the *secrets* in texts and in JSON values. Grows with secrets that a case captures."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = _prepared(frozenset(filter(None, secrets)))

    def add(self, secret: str) -> None:
        """Mask this value, too."""
        if secret:
            self._known = _prepared(self._known.whole | {secret})

    def text(self, text: str) -> str:
        """*text* without secrets, nor a part of one where it was cut (``…``)."""
        if text in self._known.whole:
            return MASK
        for form in self._known.forms:
            if form in text:
                text = text.replace(form, MASK)
        if CUT in text and self._known.forms:
            parts = text.split(CUT, _MAX_CUTS)
            whole = [self._without_beginning(part) for part in parts[:-1]] + parts[-1:]
            text = CUT.join([whole[0], *(self._without_end(part) for part in whole[1:])])
        return text

    def _without_beginning(self, text: str) -> str:
        """*text* without the beginning of a secret at its end."""
        for form in self._known.forms:
            for length in range(min(len(form) - 1, len(text)), SHORTEST - 1, -1):
                if text.endswith(form[:length]):
                    return text[:-length] + MASK
        return text

    def _without_end(self, text: str) -> str:
        """*text* without the end of a secret at its beginning; nothing when it is a part of one."""
        for form in self._known.forms:
            if len(text) >= SHORTEST and text in form:
                return MASK
            for length in range(min(len(form) - 1, len(text)), SHORTEST - 1, -1):
                if text.startswith(form[-length:]):
                    return MASK + text[length:]
        return text

    def value(self, value: Any) -> Any:
        """The JSON *value* without secrets, and without what PostgreSQL's JSON cannot hold.

        Comes back as the same object when there was nothing to do.
        """
        if self._is_clean(value):
            return value
        try:
            text = _JSON.encode(value)
            text.encode()
        except (ValueError, TypeError):
            return self._walk(value)
        known = self._known
        if "\\u0000" in text or known.has_short or (known.forms and CUT in text):
            return self._walk(value)
        if not any(form in text for form in known.telltale):
            return value
        return self._in_json(text, value)

    def _is_clean(self, value: Any) -> bool:
        """Whether there is surely nothing to do, as far as that is quickly told."""
        known = self._known
        if known.has_short:
            return False
        try:
            written = orjson.dumps(value, option=_STRICT)
        except TypeError:
            return False
        # What is no number is written as null.
        if b"null" in written or b"\\u0000" in written or (known.forms and _CUT_BYTES in written):
            return False
        return not any(form in written for form in known.telltale_bytes)

    def _in_json(self, text: str, value: Any) -> Any:
        """*value*, whose JSON is *text*, masked there at once: much quicker than text by text."""
        for form in self._known.escaped:
            if form in text:
                text = text.replace(form, MASK)
        try:
            return json.loads(text)
        except ValueError:  # a form stood in a number, or in the punctuation of JSON
            return self._walk(value)

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return storable(self.text(value))
        if isinstance(value, Mapping):
            return {storable(self.text(str(key))): self._walk(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if isinstance(value, int | float):
            return MASK if self._holds_number(value) else value
        return storable(self.text(str(value)))

    def _holds_number(self, number: float) -> bool:
        text = str(number)
        return text in self._known.whole or (len(text) >= SHORTEST and any(form in text for form in self._known.forms))

    def content(self, content: bytes) -> bytes:
        """The file *content* without secrets, in UTF-8, UTF-16 or Latin-1."""
        wide = ("utf-16-le", "utf-16-be") if b"\0" in content else ()
        for form in self._known.forms:
            for encoding in ("utf-8", *wide, *(() if form.isascii() else ("latin-1",))):
                with suppress(UnicodeEncodeError):
                    content = content.replace(form.encode(encoding), MASK.encode(encoding))
        return content


def texts_in(value: Any) -> list[str]:
    """What to mask when *value* was captured as secret: itself, or each longer text and number inside it."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    if inner is None:
        return [] if value is None or isinstance(value, bool) else [str(value)]
    return [text for item in inner for text in texts_in(item) if len(text) >= SHORTEST]


def storable(text: str) -> str:
    """*text* without what PostgreSQL cannot hold: NUL and half characters."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode(errors="surrogatepass").decode("utf-8", errors="replace")
    return text


@lru_cache(1024)
def forms_of(secret: str) -> frozenset[str]:
    """The texts that give *secret* away; none when it is too short to be told from chance."""
    found: set[str] = set()
    for part in _parts(secret):
        if len(part) >= SHORTEST:
            found |= {part, *_escapes(part), *_encodings(part)}
    return frozenset(form for form in found if len(form) >= SHORTEST)


def _parts(secret: str) -> set[str]:
    """*secret*, what is left of it without surrounding space, its lines, and the password in its URL."""
    parts = {secret, secret.strip()}
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        parts |= {line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----")}
    if "://" in secret:
        parts |= _passwords(secret)
    return parts


def _passwords(url: str) -> set[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()


# What stands unescaped in a URL, besides letters, digits and -._~: by whoever escapes each part, JavaScript's
# encodeURIComponent and encodeURI, our own http steps, and browsers in a path and in a query.
_SAFE = (
    "",
    "/",
    "!*'()",
    ";,/?:@&=+$!*'()#",
    "!#$%&'()*+,/:;=?@[]",
    "!$%&'()*+,/:;=@[\\]|",
    "!$%&()*+,/:;=?@[\\]^`{|}",
)


def _escapes(text: str) -> set[str]:
    percent = {*(quote(text, safe=safe) for safe in _SAFE), quote_plus(text)}
    escaped = {
        text,
        *percent,
        *(_lower_percent(form) for form in percent),
        *_json_escapes(text),
        repr(text)[1:-1],
        html.escape(text),
        html.escape(text, quote=False),
        html.escape(text).replace("&#x27;", "&#39;"),
        html.escape(text).replace("&#x27;", "&apos;"),
        html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;").replace("+", "&#43;"),  # Go
    }
    return escaped | {_references(form, number) for form in escaped if not form.isascii() for number in _REFERENCES}


_REFERENCES = ("&#{};", "&#x{:x};", "&#x{:X};")


def _references(text: str, form: str) -> str:
    """*text* as it stands in XML that is ASCII."""
    return "".join(one if one.isascii() else form.format(ord(one)) for one in text)


# What writers of JSON escape besides what they must, and how; each is the default of a widespread one.
_JSON_EXTRA = (
    ("/", "\\/"),  # PHP
    ("<>&", "\\u{:04x}"),  # Go, Rails
    ("<>&='", "\\u{:04x}"),  # Gson
    ("<>&'+`", "\\u{:04X}"),  # .NET, which also writes its quotes so
)


def _json_escapes(text: str) -> set[str]:
    """*text* as it stands in JSON, whoever wrote it."""
    plain = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    found = set(plain)
    for characters, form in _JSON_EXTRA:
        table = str.maketrans({one: form.format(ord(one)) for one in characters})
        found |= {written.translate(table) for written in plain}
        found |= {written.replace('\\"', "\\u0022").translate(table) for written in plain}
    return found


def _lower_percent(text: str) -> str:
    """*text* with its percent codes in lower case."""
    first, *others = text.split("%")
    return "%".join([first, *(code[:2].lower() + code[2:] for code in others)])


def _encodings(text: str) -> set[str]:
    """Base64 forms of *text*: by itself, and the part that stays the same inside a longer text."""
    raw = text.encode(errors="surrogatepass")
    found = {base64.b64encode(raw).decode(), raw.hex(), raw.hex().upper()}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        start = (before * 8 + 5) // 6  # characters that also depend on what stands before
        end = (before + len(raw)) * 8 // 6  # and on what stands behind
        if end - start >= _SHORTEST_BASE64:
            found.add(encoded[start:end])
    return found | {form.translate(_URL_SAFE) for form in found}


_URL_SAFE = str.maketrans("+/", "-_")
