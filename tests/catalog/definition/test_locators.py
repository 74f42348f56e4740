"""Locators: what they say, and what is wrong in them."""

import pytest

from apps.catalog.definition import validate
from apps.catalog.definition.expressions import ExpressionError
from apps.catalog.definition.locators import Part, parse_attribute, parse_locator


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('role=button "Buy now"', [Part("role", "button", "Buy now", True)]),
        ("role=button Buy", [Part("role", "button", "Buy")]),
        ("role = heading", [Part("role", "heading")]),
        ("label=E-mail", [Part("label", "E-mail")]),
        (r'text="say \"hi\" >> there"', [Part("text", 'say "hi" >> there', exact=True)]),
        (
            ".cart >> role=link Remove >> nth=-1",
            [Part("css", ".cart"), Part("role", "link", "Remove"), Part("nth", "-1")],
        ),
        ("a[href='x=1']", [Part("css", "a[href='x=1']")]),
        ("css=ul > li", [Part("css", "ul > li")]),
        ("frame=iframe.card >> test_id=n", [Part("frame", "iframe.card"), Part("test_id", "n")]),
    ],
)
def test_a_locator_is_its_parts(text: str, parts: list[Part]) -> None:
    assert list(parse_locator(text)) == parts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("a >> ", "empty"),
        ("label=", "empty"),
        ("role=12", "not a role"),
        ("nth=first", "not a number"),
        ("xpath=//a", "not known"),
        ("x" * 3_000, "longer"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why):
        parse_locator(text)


def test_an_attribute_stands_behind_its_place() -> None:
    assert parse_attribute("role=link Help @ href") == ((Part("role", "link", "Help"),), "href")
    assert parse_attribute('a[href="mailto:x@y"]@data-id') == ((Part("css", 'a[href="mailto:x@y"]'),), "data-id")
    with pytest.raises(ExpressionError, match="LOCATOR @ NAME"):
        parse_attribute("role=link Help")


def test_a_case_with_wrong_actions_says_where() -> None:
    actions = [{"click": "xpath=//a"}, {"click": "a", "open": "/"}, {"fill": {"at": "label=A"}}, {"dance": 1}, {}]
    step = {
        "name": "s",
        "kind": "browser",
        "with": {"actions": actions},
        "expect": [{"check": "visible", "equals": True}],
    }
    found = {problem.path for problem in validate({"title": "t", "steps": [step]})}
    assert {
        "steps[0].with.actions[0].click",
        "steps[0].with.actions[1].click",
        "steps[0].with.actions[2].fill",
        "steps[0].with.actions[3].dance",
        "steps[0].with.actions[4]",
        "steps[0].expect[0]",
    } <= found
