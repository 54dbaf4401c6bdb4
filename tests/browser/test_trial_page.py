"""The page of a trial in a real browser: quiet, readable, usable by keys and without scripts."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
from markupsafe import Markup

from reports.site.links import Target, trial_target
from reports.site.page import Page as SitePage
from reports.site.page import framed
from tests.browser.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

pytestmark = pytest.mark.browser

GOLDEN: Final = Path(__file__).parent.parent / "golden"
SIZES: Final = {"desktop": (1280, 900), "phone": (390, 844)}
KEY: Final = ("moonbeam-2", "docx-upload", 2)
NEIGHBOURS: Final = [trial_target((*KEY[:2], repeat)) for repeat in (1, 3)]
PICTURES: Final = {
    "a.png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg==",
    "b.webp": "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write both pages as they were looked at, their neighbours and the pictures."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("trials", "pictures"):
        (folder / name).mkdir()
    for name, picture in PICTURES.items():
        (folder / "pictures" / name).write_bytes(b64decode(picture))
    for name in ("trial", "trial-hostile"):
        body = Markup((GOLDEN / f"{name}.html").read_text(encoding="utf-8"))  # noqa: S704  (our own)
        page = SitePage(
            target=Target(name, f"trials/{name}.html"),
            title=name,
            body=body,
            styles=("base.css", "trial.css", "gallery.css"),
            scripts=("trial.js",),
        )
        (folder / page.target.path).write_text(framed(page), encoding="utf-8")
    for target in NEIGHBOURS:
        (folder / target.path).write_text(f"<title>{target.id}</title>", encoding="utf-8")
    return folder


def opened(
    browser: Browser,
    file: Path,
    *,
    scheme: Scheme = "light",
    size: str = "desktop",
    scripts: bool = True,
) -> tuple[Page, list[str]]:
    """Open a page; the list receives every complaint and every request."""
    width, height = SIZES[size]
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        java_script_enabled=scripts,
    )
    page, events = context.new_page(), list[str]()
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("dialog", lambda dialog: events.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: events.append(f"request: {request.url}"))
    page.goto(file.as_uri())
    return page, events


@pytest.mark.parametrize("name", ["trial", "trial-hostile"])
def test_the_page_says_nothing_and_asks_for_nothing_but_its_pictures(
    browser: Browser, site: Path, name: str
) -> None:
    file = site / "trials" / f"{name}.html"
    page, events = opened(browser, file)
    for summary in page.locator("summary").all():
        summary.click()
    page.locator("img").last.scroll_into_view_if_needed()
    until(page, "[...document.images].every((image) => image.naturalWidth === 1)")

    own = [file, *(site / "pictures" / name for name in PICTURES)]
    assert events == [f"request: {one.as_uri()}" for one in own]
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["trial", "trial-hostile"])
def test_axe_finds_no_fault(browser: Browser, site: Path, name: str, scheme: Scheme) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, _ = opened(browser, site / "trials" / f"{name}.html", scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    found = Axe().run(page)

    assert [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]] == []
    page.context.close()


@pytest.mark.parametrize("name", ["trial", "trial-hostile"])
@pytest.mark.parametrize("size", SIZES)
def test_only_tables_scroll_sideways(browser: Browser, site: Path, name: str, size: str) -> None:
    page, _ = opened(browser, site / "trials" / f"{name}.html", size=size)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


@pytest.mark.parametrize(("key", "neighbour"), [("ArrowLeft", 0), ("ArrowRight", 1)])
def test_an_arrow_key_leads_to_the_next_trial(
    browser: Browser, site: Path, key: str, neighbour: int
) -> None:
    page, _ = opened(browser, site / "trials" / "trial.html")
    page.keyboard.press(key)
    page.wait_for_url(f"**/{NEIGHBOURS[neighbour].path}")

    assert page.title() == NEIGHBOURS[neighbour].id
    page.context.close()


def test_an_arrow_key_scrolls_a_table_that_has_the_focus(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site / "trials" / "trial.html", size="phone")
    table = page.get_by_role("region", name="Turns: tokens, cost and times")
    table.focus()
    for _ in range(20):  # a key is lost while a busy machine has not drawn the page yet
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(100)
        if table.evaluate("e => e.scrollLeft > 0"):
            break

    assert table.evaluate("e => e.scrollLeft") > 0
    assert page.url.endswith("/trial.html")
    page.context.close()


def test_a_key_with_a_modifier_is_left_to_the_browser(browser: Browser, site: Path) -> None:
    page, events = opened(browser, site / "trials" / "trial.html")
    for keys in ("Shift+ArrowRight", "Control+ArrowRight", "Meta+ArrowRight"):
        page.keyboard.press(keys)
    page.wait_for_timeout(100)

    assert [event for event in events if NEIGHBOURS[1].path in event] == []
    page.context.close()


def test_all_tool_calls_open_and_close_at_once(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site / "trials" / "trial.html")
    page.get_by_role("button", name="Expand all tool calls").click()
    calls = page.locator("details.call")

    assert calls.count() == 5
    assert page.locator("details.call[open]").count() == 5
    page.get_by_role("button", name="Collapse all tool calls").press("Enter")
    assert page.locator("details.call[open]").count() == 0
    page.context.close()


def test_a_command_is_copied(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site / "trials" / "trial.html")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the command").first.click()
    page.get_by_role("button", name="Copied").wait_for()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "testbed run -m moonbeam-2 -s docx-upload -n 1"
    page.context.close()


def test_without_scripts_everything_can_be_read(browser: Browser, site: Path) -> None:
    page, events = opened(browser, site / "trials" / "trial.html", scripts=False)

    assert page.get_by_role("button", name="Expand all").count() == 0
    call = page.locator("details.call").first
    call.locator("summary").focus()
    page.keyboard.press("Enter")
    assert call.locator("pre").first.is_visible()
    page.get_by_role("link", name="3", exact=True).click()
    assert page.url.endswith("#turn-3")
    assert not [event for event in events if event.startswith(("console", "error"))]
    page.context.close()


def test_a_finding_stands_below_its_line(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site / "trials" / "trial.html")
    rows = page.locator("details.file").first.locator("tr")
    texts = [text.strip() for text in rows.all_inner_texts()]
    at = next(n for n, text in enumerate(texts) if "never used" in text)

    assert texts[at - 1].endswith("const extra = 1;")
    page.context.close()


def test_bars_of_one_turn_follow_each_other_on_the_axis(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site / "trials" / "trial.html")
    chart = page.locator(".turns tbody tr").first.get_by_role("img")
    edges = chart.locator("rect").evaluate_all("all => all.map((r) => r.getBoundingClientRect().x)")

    assert edges == sorted(edges)
    assert len(edges) == 6
    told = chart.get_attribute("aria-label") or ""
    assert "waiting before the next try 3.00 s" in told
    page.context.close()
