"""Markdown that people write: formatted, harmless, and bounded in what it costs."""

from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline

from apps.core import markdown
from apps.core.validation import LONGEST_TEXT

Count = Callable[[], int]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Count:
    """How often the parser looked ahead so far."""
    counted = []
    real = ParserInline.skipToken

    def look(self: ParserInline, state: StateInline) -> None:
        counted.append(state.pos)
        real(self, state)

    monkeypatch.setattr(ParserInline, "skipToken", look)
    markdown._rendered.cache_clear()
    return lambda: len(counted)


@pytest.mark.parametrize("piece", ["[", "![", "[a][", "a[a][", "|*[", "[[a](b"])
def test_brackets_without_end_cost_no_more_than_a_long_text(looks: Count, piece: str) -> None:
    text = (piece * LONGEST_TEXT)[: LONGEST_TEXT - 9] + "<b>x</b>"
    html = markdown.render(text)
    assert looks() <= markdown.MOST_LOOKS
    assert "too many brackets" in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "code-wrap" in html


def test_these_brackets_would_cost_much_more_without_a_bound(looks: Count) -> None:
    MarkdownIt("commonmark").render("[" * (LONGEST_TEXT - 1))
    assert looks() > 10 * markdown.MOST_LOOKS


def test_a_text_full_of_links_lists_and_tables_is_formatted(looks: Count) -> None:
    line = "- [ ] see [the *order* of **{n}**](https://shop.test/orders/{n}) and `list[{n}]`, [sic]\n"
    rows = "\n| a | b |\n|---|---|\n" + "".join(f"| [{n}](/x) | {n} |\n" for n in range(100))
    text = "".join(line.format(n=n) for n in range(180)) + rows
    assert len(text) < LONGEST_TEXT
    html = markdown.render(text)
    assert "code-wrap" not in html
    assert html.count("<a ") == 280
    assert html.count("<td>") == 200
    assert looks() < markdown.MOST_LOOKS / 4


def test_a_text_that_is_shown_again_is_not_parsed_again(looks: Count) -> None:
    first = markdown.render("[one](/a) and [two](/b)")
    once = looks()
    assert once > 0
    assert markdown.render("[one](/a) and [two](/b)") == first
    assert looks() == once


def test_what_is_longer_than_people_may_write_is_shown_as_it_is(looks: Count) -> None:
    html = markdown.render("**a** " * LONGEST_TEXT)
    assert "<strong>" not in html
    assert "**a**" in html
    assert "too long" in html
