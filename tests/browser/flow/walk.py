"""Somebody at a browser, who looks at every page on the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from tests.browser.conftest import HEIGHT, WIDTHS
from tests.browser.flow.stage import Stage

Look = Callable[[Page, str], None]

RECORD = """selector => {
    window.seen = [];
    const note = () => {
        const text = document.querySelector(selector)?.textContent.trim();
        if (text && text !== window.seen.at(-1)) window.seen.push(text);
    };
    note();
    new MutationObserver(note).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""


@dataclass
class Walk:
    """A page of the stage's server; *shown* are the names of the screenshots taken."""

    stage: Stage
    page: Page
    shoot: Look
    axe: Callable[[Page], None]
    shown: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the shop, e.g. ``runs/``."""
        self.page.goto(f"/s/shop/{path}")
        return self.page

    def look(self, name: str) -> None:
        """Four screenshots of the page (two widths, two themes), and no serious accessibility violation on any."""
        expect(self.page.locator(".htmx-request")).to_have_count(0)
        self.page.evaluate("scrollTo(0, 0)")  # what sticks to the top would cover the middle
        self.shoot(self.page, f"flow-{len(self.shown) + 1:02}-{name}")
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": HEIGHT[width]})
            self.axe(self.page)
        self.page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT[WIDTHS[0]]})
        self.shown.append(name)

    def confirm(self, answer: str) -> None:
        """Answer the dialog that asks before something is done."""
        self.page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()

    def record(self, selector: str) -> None:
        """From now on keep every text that the element shows; a reload of the page would lose the record."""
        self.page.evaluate(RECORD, selector)

    def recorded(self) -> list[str]:
        """The texts since :meth:`record`, each once in a row."""
        texts: list[str] = self.page.evaluate("window.seen ?? ['the page was loaded again']")
        return texts

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A part of the walk; when it fails, the report says where and what the processes wrote."""
        try:
            yield
        except BaseException as error:
            error.add_note(f"In “{title}”, at {self.page.url}\n{self.stage.log_text()[-6000:]}")
            raise
