from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

pytestmark = pytest.mark.browser

GOLDEN = Path(__file__).parent.parent / "golden"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = ["scoreboard.html", "rich.html", "hostile.html"]
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
CONTRAST = """
() => {
  const channel = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const paper = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const worst = [...document.querySelectorAll("p,a,th,td,caption,dt,dd,summary,small,li,h1,h2")]
    .map((node) => {
      const [a, b] = [light(parse(getComputedStyle(node).color)), light(paper(node))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
  return Math.min(...worst);
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a real Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()


def opened(
    browser: Browser, name: str, *, scheme: Scheme = "light", size: str = "desktop"
) -> tuple[Page, list[str]]:
    """Open a golden page; the list receives every complaint and every request."""
    width, height = SIZES[size]
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    page, events = context.new_page(), list[str]()
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("dialog", lambda dialog: events.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: events.append(f"request: {request.url}"))
    page.goto((GOLDEN / name).as_uri())
    return page, events


@pytest.mark.parametrize("name", PAGES)
def test_the_page_runs_nothing_and_asks_for_nothing(browser: Browser, name: str) -> None:
    page, events = opened(browser, name)
    for summary in page.locator("summary").all():
        summary.click()

    assert events == [f"request: {(GOLDEN / name).as_uri()}"]
    assert page.locator("script, img, iframe").count() == 0
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", SIZES)
def test_only_tables_scroll_sideways(browser: Browser, name: str, size: str) -> None:
    page, _ = opened(browser, name, size=size)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


@pytest.mark.parametrize("name", ["scoreboard.html", "rich.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_on_its_ground(browser: Browser, scheme: Scheme, name: str) -> None:
    page, _ = opened(browser, name, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
    assert page.evaluate(CONTRAST) >= 4.5
    page.context.close()


def test_the_style_is_let_through_by_the_policy(browser: Browser) -> None:
    page, _ = opened(browser, "scoreboard.html")
    bar = page.locator("svg.bar").nth(1)

    assert bar.locator(".as-fail").evaluate("e => getComputedStyle(e).fill") != "rgb(0, 0, 0)"
    box, track = bar.locator(".as-fail").bounding_box(), bar.locator(".track").bounding_box()
    assert box is not None
    assert track is not None
    assert box["width"] / track["width"] == pytest.approx(2 / 3, abs=0.01)
    page.context.close()


def test_a_cell_opens_to_its_trials_by_keyboard(browser: Browser) -> None:
    page, _ = opened(browser, "scoreboard.html")
    cell = page.locator("details").nth(1)
    cell.locator("summary").focus()
    page.keyboard.press("Enter")

    assert cell.locator("li").nth(2).inner_text().startswith("3: fail")
    link = cell.get_by_role("link", name="patch.diff").first
    assert link.is_visible()
    assert link.evaluate("a => a.href").endswith(
        "/golden/trials/moonbeam-2/cursor-paging/1/patch.diff"
    )
    page.context.close()


def test_no_hostile_link_leaves_the_folder_of_the_page(browser: Browser) -> None:
    page, _ = opened(browser, "hostile.html")
    links = page.eval_on_selector_all("a", "all => all.map((a) => a.href)")

    assert len(links) > 8
    assert all(link.startswith(f"{GOLDEN.as_uri()}/") for link in links)
    page.context.close()


def test_a_heading_leads_to_its_definition(browser: Browser) -> None:
    page, _ = opened(browser, "scoreboard.html", size="phone")
    page.get_by_role("link", name="adherence").click()

    assert page.url.endswith("#def-adherence")
    assert page.locator("#def-adherence").is_visible()
    page.context.close()
