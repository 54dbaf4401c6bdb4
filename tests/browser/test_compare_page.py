from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from markupsafe import Markup

from reports.site.links import Target
from reports.site.page import Page as SitePage
from reports.site.page import framed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

pytestmark = pytest.mark.browser

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = ["worked", "doubtful", "equal", "hostile"]
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame the golden bodies in today's style."""
    folder = tmp_path_factory.mktemp("compare")
    for name in NAMES:
        body = Markup((GOLDEN / f"versus-{name}.html").read_text(encoding="utf-8"))  # noqa: S704  (rendered by us, escaped)
        page = SitePage(
            target=Target(name, f"{name}.html"),
            title=name,
            body=body,
            styles=("base.css", "compare.css"),
        )
        (folder / f"{name}.html").write_text(framed(page), encoding="utf-8")
    return folder


def opened(
    browser: Browser, path: Path, *, scheme: Scheme = "light", size: str = "desktop"
) -> tuple[Page, list[str]]:
    """Open a page; the list receives every complaint and every request."""
    width, height = SIZES[size]
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    page, events = context.new_page(), list[str]()
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("dialog", lambda dialog: events.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: events.append(f"request: {request.url}"))
    page.goto(path.as_uri())
    return page, events


@pytest.mark.parametrize("name", NAMES)
def test_a_comparison_runs_nothing_and_asks_for_nothing(
    browser: Browser, pages: Path, name: str
) -> None:
    path = pages / f"{name}.html"
    page, events = opened(browser, path)

    assert events == [f"request: {path.as_uri()}"]
    assert page.locator("script, img, iframe").count() == 0
    page.context.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES)
def test_only_tables_of_a_comparison_scroll_sideways(
    browser: Browser, pages: Path, name: str, size: str
) -> None:
    page, _ = opened(browser, pages / f"{name}.html", size=size)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


@pytest.mark.parametrize("name", ["worked", "doubtful", "hostile"])
@pytest.mark.parametrize(
    ("size", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light")]
)
def test_axe_finds_nothing_against_a_comparison(
    browser: Browser, pages: Path, name: str, scheme: Scheme, size: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, _ = opened(browser, pages / f"{name}.html", scheme=scheme, size=size)
    found = Axe().run(page)

    assert [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]] == []
    page.context.close()


def test_the_pooled_whisker_lies_right_of_the_zero_line_when_the_candidate_is_better(
    browser: Browser, pages: Path
) -> None:
    page, _ = opened(browser, pages / "worked.html")
    last = page.locator(".scenarios tr.all td.plot")
    even, whisker = (
        last.locator(f"> svg > line.{name}").first.bounding_box() for name in ("even", "whisker")
    )

    assert even is not None
    assert whisker is not None
    assert whisker["x"] > even["x"]
    assert whisker["width"] > 50
    page.context.close()


def test_the_dots_of_all_rows_share_one_scale(browser: Browser, pages: Path) -> None:
    page, _ = opened(browser, pages / "worked.html", size="phone")
    lines = page.locator(".scenarios td.plot > svg > line.even").all()
    places = {round(box["x"], 1) for line in lines if (box := line.bounding_box())}

    assert len(lines) == 11
    assert len(places) == 1
    page.context.close()


def test_an_inconclusive_verdict_is_not_coloured_as_better(browser: Browser, pages: Path) -> None:
    colours = set()
    for name in ("worked", "doubtful"):
        page, _ = opened(browser, pages / f"{name}.html")
        colours.add(page.locator(".outcome").evaluate("e => getComputedStyle(e).color"))
        page.context.close()

    assert len(colours) == 2


def test_a_table_of_a_comparison_scrolls_by_keyboard(browser: Browser, pages: Path) -> None:
    page, _ = opened(browser, pages / "worked.html", size="phone")
    region = page.locator(".figures .scroll")
    region.focus()
    for _ in range(20):  # a key is lost while a busy machine has not drawn the page yet
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(100)
        if region.evaluate("e => e.scrollLeft > 0"):
            break

    assert region.evaluate("e => e.scrollLeft") > 0
    page.context.close()


def test_a_printed_comparison_shows_whole_tables(browser: Browser, pages: Path) -> None:
    page, _ = opened(browser, pages / "worked.html")
    page.emulate_media(media="print")

    assert page.locator(".scroll").first.evaluate("e => getComputedStyle(e).overflow") == "visible"
    page.context.close()
