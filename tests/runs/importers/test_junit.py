"""JUnit reports as real tools wrote them, and such as were made to harm."""

from pathlib import Path

import pytest

from apps.runs.importers import junit
from apps.runs.importers.reports import Report, UnreadableReport

SAMPLES = Path(__file__).parent / "samples"
# Tests, passed, failed, errors, skipped; as the tools themselves say on the console.
EXPECTED = {
    "pytest-xunit2": (41, 21, 13, 3, 4),
    "jest-junit": (20, 9, 10, 0, 1),  # the two cases that stand for a suite which did not load are one
    "mocha-junit": (16, 6, 7, 0, 3),
    "gtest": (12, 5, 5, 0, 2),  # a disabled test is no pass
    "surefire2-ShipTest": (14, 7, 4, 1, 2),
    "phpunit-junit": (17, 6, 3, 4, 4),
    "gotestsum-junit": (21, 15, 5, 0, 1),
    "pytest-rerunfailures": (6, 5, 1, 0, 0),  # 13 elements: reruns are written as if they were tests
    "newman-junit": (5, 3, 2, 0, 0),
    "bats-junit-ansi": (9, 3, 4, 0, 2),  # not well-formed: it holds the colours of a terminal
    "hostile/empty-testsuite": (0, 0, 0, 0, 0),
    "hostile/utf16le-bom": (2, 1, 1, 0, 0),
    "hostile/odd-times": (16, 16, 0, 0, 0),
}


def sample(name: str) -> Report:
    return junit.read((SAMPLES / f"{name}.xml").read_bytes())


@pytest.mark.parametrize("name", EXPECTED)
def test_as_many_tests_as_the_tool_says(name: str) -> None:
    counts = sample(name).counts()
    found = (sum(counts.values()), counts["passed"], counts["failed"], counts["error"], counts["skipped"])
    assert found == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("hostile/billion-laughs", "entit"),
        ("hostile/xxe-file", "declares entities"),
        ("hostile/truncated-mid-tag", "no XML"),
    ],
)
def test_what_is_broken_or_made_to_harm_is_refused(name: str, why: str) -> None:
    with pytest.raises(UnreadableReport, match=why):
        sample(name)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no XML"),
        (b"<html><testsuite/></html>", "begins with <html>"),
        (b"\xff\xfe\x00", "no XML"),
        (b"<testsuite>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</testsuite>", "no XML"),
        (b"<testsuite>" + b"<testcase/>" * (junit.MOST + 1) + b"</testsuite>", "more than"),
        (b" " * (junit.LARGEST + 1), "larger than"),
    ],
    ids=["empty", "html", "half a mark", "deep", "many", "large"],
)
def test_other_files_are_refused(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableReport, match=why):
        junit.read(content)


def test_names_and_words_come_out_as_they_were_written() -> None:
    assert [test.name for test in sample("hostile/utf16le-bom").tests] == ["naïve café 🚀", "Größe"]
    by_name = {test.name: test for test in sample("pytest-rerunfailures").tests}
    assert by_name["test_never"].verdict == "failed"
    assert by_name["test_never"].message == "AssertionError: always broken\nassert False"
    assert "flaky/test_flaky.py:19" in by_name["test_never"].details
    drops = next(test for test in sample("gtest").tests if test.name == "Drops")
    assert "Kran fällt 🏗 <&> ]]>" in drops.details
    assert '"a"' in drops.message


def test_long_texts_are_cut() -> None:
    assert all(
        len(text) <= limit + 1
        for test in sample("mocha-junit").tests
        for text, limit in ((test.message, 2_000), (test.details, 20_000), (test.stdout, 20_000))
    )
    assert any(test.message.endswith("…") for test in sample("mocha-junit").tests)


def test_times_are_believed_only_where_they_can_be() -> None:
    assert [test.seconds for test in sample("hostile/odd-times").tests] == [
        *(1234.56, None, None, None, None, None, None, None, None, None, None, None, 0.00001, None, 1.5, None),
    ]


def test_errors_that_belong_to_no_test_are_counted() -> None:
    assert sample("gotestsum-junit").errors_outside == 1
    assert sample("newman-junit").errors_outside == 2
    assert sample("pytest-xunit2").errors_outside == 0


def test_a_failure_is_not_lost_among_reruns() -> None:
    cases = '<testcase name="a"><failure/></testcase><testcase name="a"/><testcase name="b"/>'
    suite = junit.read(f'<testsuite tests="2">{cases}</testsuite>'.encode())
    assert [(test.name, test.verdict) for test in suite.tests] == [("a", "failed"), ("b", "passed")]
