"""The template tags of the design system."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.template import RequestContext
from django.utils import timezone, translation

from apps.core.states import MARKS, State
from apps.core.templatetags import ui


@pytest.mark.parametrize("state", State.values)
def test_a_state_is_never_colour_alone(state: str) -> None:
    mark = ui.state_mark(state)

    assert "<svg" in mark and str(State(state).label) in mark
    assert f"mark-{MARKS[state].tone}" in mark


def test_an_unknown_state_is_drawn_as_unknown() -> None:
    assert "mark-unknown" in ui.state_mark("") and "Unknown" in ui.state_mark("never-heard-of")


def test_an_icon_alone_is_named() -> None:
    assert 'aria-label="Failed"' in ui.state_icon("failed")


def test_a_history_strip_shows_the_last_twenty_and_says_them() -> None:
    strip = ui.history_strip("F" + "P" * 20)

    assert strip.count("bar-passed") == 20
    assert "bar-failed" not in strip
    assert "20 Passed" in strip


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (0.24, "0.2 ms"),
        (184, "184 ms"),
        (2_400, "2.4 s"),
        (59_960, "1 m 0 s"),
        (134_000, "2 m 14 s"),
        (3_780_000, "1 h 3 m"),
    ],
)
def test_durations_are_humane(milliseconds: float | None, text: str) -> None:
    assert ui.humane(milliseconds) == text


def test_durations_are_written_as_the_language_does() -> None:
    with translation.override("es"):
        assert ui.humane(2_400) == "2,4 s"


def test_a_time_is_relative_with_the_exact_time_on_hover() -> None:
    time = ui.ago(timezone.now() - timedelta(hours=2, minutes=5))

    assert re.search(r'<time datetime="[^"]+" title="[^"]+"[^>]*>2\xa0hours ago</time>', time)


def test_markdown_loses_what_could_run() -> None:
    html = ui.markdown_html('**bold** <script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror="y">')

    assert "<strong>bold</strong>" in html
    assert not re.search(r"<script|<img|href=.javascript", html)


def test_a_query_keeps_what_it_does_not_change(rf: Any) -> None:
    request = rf.get("/runs/?state=failed&page=3&tag=a&tag=b")
    context = RequestContext(request, {"request": request})

    assert ui.with_query(context, page=4) == "?state=failed&tag=a&tag=b&page=4"
    assert ui.with_query(context, page=None, state="") == "?tag=a&tag=b"


def test_going_back_never_leaves_the_site(rf: Any) -> None:
    request = rf.get("/", headers={"host": "testserver"})

    assert ui.same_site("http://testserver/runs/", request) == "http://testserver/runs/"
    assert ui.same_site("https://evil.example/", request) == "/"
    assert ui.same_site(None, request) == "/"
