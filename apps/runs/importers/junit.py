"""JUnit XML, as all the tools write it that call it so: pytest, Surefire, jest, PHPUnit, googletest, gotestsum, bats, …

There is no standard, so what is read is what these tools agree on. Documents that declare entities are refused.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from apps.runs.importers.reports import Report, TestReport, UnreadableReport, Verdict

LARGEST = 20 * 1024 * 1024  # bytes
MOST = 20_000  # tests
_MESSAGE, _TEXT = 2_000, 20_000  # characters of a message, and of each output
_CUT = "…"
_LONGEST = 10_000_000.0  # seconds
_NOT_RUN = {"notrun", "suppressed", "skipped", "disabled"}  # googletest says so by attributes

_PLAIN_NUMBER = re.compile(r"\d{1,9}(\.\d{1,12})?([eE][+-]?\d{1,3})?")
_GROUPED_NUMBER = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d{1,12})?")
# What XML 1.0 has no place for. Some tools write it all the same: the colours of a terminal, for instance.
_FORBIDDEN = re.compile(
    rb"&#(?:x0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2\d|3[01]));|[\x00-\x08\x0b\x0c\x0e-\x1f]"
)


def read(content: bytes) -> Report:
    """The report in *content*. Raises ``UnreadableReport``."""
    if len(content) > LARGEST:
        raise UnreadableReport(f"it is larger than {LARGEST} bytes")
    root = _root(content)
    if _name(root) not in ("testsuites", "testsuite"):
        raise UnreadableReport(f"it begins with <{_name(root)}>, not with <testsuites> or <testsuite>")
    tests: list[TestReport] = []
    for suite in root.iter("{*}testsuite"):
        tests += _of_suite(suite)
        if len(tests) > MOST:
            raise UnreadableReport(f"it holds more than {MOST} tests")
    return Report(tests, _outside(root))


def _root(content: bytes) -> Any:
    try:
        return _parsed(content)
    except UnreadableReport:
        if b"\x00" in content[:4]:  # UTF-16 or UTF-32: its zeros are none of those that have no place
            raise
        cleaned = _FORBIDDEN.sub(b"", content)
        if cleaned == content:
            raise
        return _parsed(cleaned)


def _parsed(content: bytes) -> Any:
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableReport(f"it is no XML: {error.msg}") from None
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise UnreadableReport("it declares entities, which are not read")
    return root


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)


def _of_suite(suite: Any) -> list[TestReport]:
    """The tests that stand directly in *suite*."""
    cases = [child for child in suite if isinstance(child.tag, str) and _name(child) == "testcase"]
    tests = [_test(case, suite) for case in cases]
    declared = suite.get("tests", "")
    if declared.isdigit() and int(declared) < len(tests):
        return _merged(tests)  # reruns are written as cases of their own, which the suite does not count
    return tests


def _merged(tests: list[TestReport]) -> list[TestReport]:
    """One for each name: the last, unless an earlier one tells of a failure that the last does not."""
    found: dict[tuple[str, str], TestReport] = {}
    for test in tests:
        key = (test.suite, test.name)
        before = found.get(key)
        if before is None or test.verdict != "passed" or before.verdict == "passed":
            found[key] = test
    return list(found.values())


def _test(case: Any, suite: Any) -> TestReport:
    parts = {name: [child for child in case if isinstance(child.tag, str) and _name(child) == name] for name in _PARTS}
    verdict = _verdict(case, parts)
    told = parts["failure"] + parts["error"] if verdict in ("failed", "error") else parts["skipped"]
    message, details = _words(told)
    return TestReport(
        suite=_cut(case.get("classname") or suite.get("name") or "", 300),
        name=_cut(case.get("name") or "", 300),
        verdict=verdict,
        message=message,
        details=details,
        stdout=_cut("\n".join(_text(child) for child in parts["system-out"]), _TEXT),
        stderr=_cut("\n".join(_text(child) for child in parts["system-err"]), _TEXT),
        seconds=seconds(case.get("time", "")),
    )


_PARTS = ("failure", "error", "skipped", "system-out", "system-err")


def _verdict(case: Any, parts: dict[str, list[Any]]) -> Verdict:
    if parts["error"]:
        return "error"
    if parts["failure"]:
        return "failed"
    if parts["skipped"] or {case.get("status", ""), case.get("result", "")} & _NOT_RUN:
        return "skipped"
    return "passed"


def _words(told: list[Any]) -> tuple[str, str]:
    """Message and details of what *told* say, which may be several failures of one test."""
    details = "\n\n".join(filter(None, map(_text, told)))
    messages = [one.get("message") or _first_line(_text(one)) or one.get("type") or "" for one in told]
    return _cut("; ".join(dict.fromkeys(filter(None, messages))), _MESSAGE), _cut(details, _TEXT)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _text(element: Any) -> str:
    return "".join(_pieces(element)).strip()


def _pieces(element: Any) -> Iterator[str]:
    for piece in element.itertext():
        yield str(piece)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + _CUT


def seconds(text: str) -> float | None:
    """A duration as tools write it: ``0.021``, ``1,234.56``; None for whatever else there is."""
    text = text.strip()
    if _GROUPED_NUMBER.fullmatch(text):
        text = text.replace(",", "")
    elif not _PLAIN_NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) and value <= _LONGEST else None


def _outside(root: Any) -> int:
    """Errors that the report counts but that no test of it tells of: of suites without tests, and of the whole."""
    suites = list(root.iter("{*}testsuite"))
    empty = sum(_errors(suite) for suite in suites if suite.find(".//{*}testcase") is None)
    return empty + (max(0, _errors(root) - sum(map(_errors, suites))) if _name(root) == "testsuites" else 0)


def _errors(suite: Any) -> int:
    declared = suite.get("errors", "")
    return int(declared) if declared.isdigit() and len(declared) < 7 else 0
