"""The pages of a scenario and of two trials in a real browser, and diffs in two columns."""

from __future__ import annotations

import re
import shutil
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
from markupsafe import Markup, escape

from reports.site.links import Target
from reports.site.page import Page as SitePage
from reports.site.page import framed
from reports.site.vendor import SCRIPT, SPLIT_SCRIPTS, SPLIT_STYLES, vendored_files
from tests.browser.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

pytestmark = pytest.mark.browser

GOLDEN: Final = Path(__file__).parent.parent / "golden"
SIZES: Final = {"desktop": (1280, 900), "phone": (390, 844)}
KINDS: Final = {
    *("table", "caption", "colgroup", "col", "thead", "tbody", "tr", "th", "td"),
    *("span", "ins", "del"),
}
"""All that two columns are made of."""
PAGES: Final = ("scenario", "pair")
PICTURE: Final = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
BAD: Final = "</script></template><script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE: Final = f"""diff --git a/{BAD} b/{BAD}
index 1111111..2222222 100644
--- a/{BAD}
+++ b/{BAD}
@@ -1,4 +1,4 @@ {BAD}
 context {BAD}
-before {BAD} old
+after {BAD} new &amp; &lt;b&gt; <ins>x</ins></ins></del>
---- a line that looks like a header
++++ another
 \\ No newline at end of file is a sentence here
\\ No newline at end of file
diff --git a/old b/new{BAD}
similarity index 90%
rename from old
rename to new{BAD}
diff --git a/x.png b/x.png
Binary files a/{BAD} and b/x.png differ
diff --cc {BAD}
@@@ -1,1 -1,1 +1,1 @@@ {BAD}
++{BAD}
"""


def diff_body(patch: str) -> Markup:
    """Wrap a diff as `templates/sidebyside.html` does."""
    box = Markup('<div data-diff="../{}"><template>{}</template><div>{}</div></div>')
    return Markup("<main><h1>Diff</h1>{}</main>").format(
        box.format(SCRIPT, escape(patch), escape("as it was"))
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the pages as they were looked at, a hostile diff, pictures and the vendored script."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("pages", "pictures", "assets"):
        (folder / name).mkdir()
    for place, source in vendored_files().items():
        shutil.copy(source, folder / place)
    for text in ((GOLDEN / f"{name}.html").read_text(encoding="utf-8") for name in PAGES):
        for place in re.findall(r'src="\.\./(pictures/[^"]+)"', text):
            (folder / place).write_bytes(PICTURE)
    bodies = {
        name: Markup((GOLDEN / f"{name}.html").read_text(encoding="utf-8"))  # noqa: S704  (our own)
        for name in PAGES
    }
    bodies["hostile"] = diff_body(HOSTILE)
    for name, body in bodies.items():
        page = SitePage(
            target=Target(name, f"pages/{name}.html"),
            title=name,
            body=body,
            styles=("base.css", "trial.css", "scenario.css", "gallery.css", *SPLIT_STYLES),
            scripts=SPLIT_SCRIPTS,
            vendored=True,
        )
        (folder / page.target.path).write_text(framed(page), encoding="utf-8")
    return folder


def opened(
    browser: Browser,
    site: Path,
    name: str,
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
    page.on("request", lambda request: events.append(request.url))
    page.goto((site / "pages" / f"{name}.html").as_uri())
    return page, events


def unfolded(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")


def split(page: Page) -> None:
    """Press every button, and wait for what it shows."""
    unfolded(page)
    for button in page.get_by_role("button", name="Side by side").all():
        button.click()
        page.locator("[data-diff] > .splits").first.wait_for()


@pytest.mark.parametrize("name", PAGES)
def test_the_page_asks_for_nothing_but_its_pictures_and_the_sites_own_script(
    browser: Browser, site: Path, name: str
) -> None:
    page, events = opened(browser, site, name)
    split(page)
    for picture in page.locator("img").all():
        picture.scroll_into_view_if_needed()
    own = {site / "pages" / f"{name}.html", site / SCRIPT}
    shown = {file for file in (site / "pictures").iterdir() if f"/{file.name}" in page.content()}

    assert len(shown) >= 3
    assert set(events) == {file.as_uri() for file in own | shown}
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_until_it_is_asked_to(browser: Browser, site: Path, name: str) -> None:
    page, events = opened(browser, site, name)
    tour = page.locator("details.play").first
    tour.scroll_into_view_if_needed()
    before = list(events)
    tour.locator("summary").press("Enter")
    until(page, "document.querySelector('details.play img').complete")

    assert not [event for event in before if event.endswith(".webp")]
    assert len([event for event in events if event.endswith(".webp")]) == 1
    assert tour.locator("summary").inner_text().startswith("Stop the tour")
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_the_script_is_asked_for_only_when_it_is_wanted(
    browser: Browser, site: Path, name: str
) -> None:
    page, events = opened(browser, site, name)

    assert (site / SCRIPT).as_uri() not in events
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_fault(browser: Browser, site: Path, name: str, scheme: Scheme) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, _ = opened(browser, site, name, scheme=scheme)
    unfolded(page)
    found = Axe().run(page)
    split(page)
    again = Axe().run(page)

    for seen in (found, again):
        faults = [(v["id"], v["nodes"][0]["html"]) for v in seen.response["violations"]]
        assert faults == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", SIZES)
def test_only_tables_scroll_sideways(browser: Browser, site: Path, name: str, size: str) -> None:
    page, _ = opened(browser, site, name, size=size)
    unfolded(page)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


def test_a_diff_turns_into_two_columns_and_back_by_keyboard(browser: Browser, site: Path) -> None:
    page, events = opened(browser, site, "scenario")
    page.locator("details.seed > summary").press("Enter")
    button = page.get_by_role("button", name="Side by side")
    static = page.locator("[data-diff] > div").first
    assert button.get_attribute("aria-pressed") == "false"
    button.press("Enter")
    table = page.locator("table.split").first
    table.wait_for()

    assert button.get_attribute("aria-pressed") == "true"
    assert static.is_hidden()
    assert table.locator("caption").inner_text() == "lib/upload.ts"
    assert table.locator("del").all_inner_texts() == ['docx", ".']
    assert table.locator("td.line.del + td").inner_text().startswith('-  return [".docx", ".pdf"]')
    button.press("Space")
    assert static.is_visible()
    assert table.is_hidden()
    assert [event for event in events if event.startswith(("console", "error"))] == []
    page.context.close()


def test_lines_that_belong_together_stand_in_one_row(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site, "scenario")
    split(page)
    before, after = (
        f"return [{endings}].some((end) => name.endsWith(end));"
        for endings in ('".docx", ".pdf"', '".pdf"')
    )
    rows = page.locator("table.split").first.locator("tbody tr").all_inner_texts()

    assert [" ".join(row.split()) for row in rows] == [
        "@@ -1,3 +1,3 @@",
        "1 export function accepts(name: string) { 1 export function accepts(name: string) {",
        f"2 - {before} 2 + {after}",
        "3 } 3 }",
    ]
    page.context.close()


def test_a_hostile_diff_stays_text_in_two_columns(browser: Browser, site: Path) -> None:
    page, events = opened(browser, site, "hostile")
    split(page)
    page.wait_for_timeout(200)
    texts = page.locator(".splits").inner_text()

    assert page.locator("script").count() == 2
    assert page.locator("img, .splits script, .splits b, .splits a").count() == 0
    kinds = page.locator(".splits *").evaluate_all(
        "all => [...new Set(all.map((e) => e.localName))]"
    )
    assert set(kinds) <= KINDS
    assert [event for event in events if not event.startswith("file:")] == []
    for line in (
        f"@@ -1,4 +1,4 @@ {BAD}",
        f"after {BAD} new &amp; &lt;b&gt; <ins>x</ins></ins></del>",
        "--- a line that looks like a header",
        f"old → new{BAD}",
    ):
        assert line in texts
    assert "No newline at end of file is a sentence here" in texts.replace("\xa0", " ")
    page.context.close()


def test_a_diff_that_cannot_be_read_stays_as_it_was(browser: Browser, site: Path) -> None:
    page, events = opened(browser, site, "scenario")
    unfolded(page)
    page.evaluate("document.querySelector('[data-diff] template').content.textContent = '--- '")
    page.get_by_role("button", name="Side by side").click()
    page.get_by_role("button", name="No side-by-side view").wait_for()

    assert page.locator("[data-diff] > div").first.is_visible()
    assert [event for event in events if event.startswith(("console", "error"))] == []
    page.context.close()


def test_a_site_without_the_script_keeps_the_diff_as_it_was(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site, "scenario")
    unfolded(page)
    page.evaluate("document.querySelector('[data-diff]').dataset.diff = '../assets/none.js'")
    page.get_by_role("button", name="Side by side").click()
    page.get_by_role("button", name="No side-by-side view").wait_for()

    assert page.locator("[data-diff] > div").first.is_visible()
    page.context.close()


def test_two_columns_are_not_offered_on_a_phone(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site, "scenario", size="phone")
    unfolded(page)

    assert page.get_by_role("button", name="Side by side").count() == 0
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_everything_can_be_read(browser: Browser, site: Path, name: str) -> None:
    page, events = opened(browser, site, name, scripts=False)
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()

    assert page.get_by_role("button").count() == 0
    assert page.locator("main h2").count() >= 5
    assert not [event for event in events if event.startswith(("console", "error"))]
    page.context.close()


def test_the_diffs_of_two_trials_stand_beside_each_other_and_one_may_take_the_whole_width(
    browser: Browser, site: Path
) -> None:
    page, _ = opened(browser, site, "pair")
    columns = page.locator(".diffs > div")

    def width(number: int) -> float:
        box = columns.nth(number).bounding_box()
        assert box is not None
        return box["width"]

    half = width(0)
    assert half == pytest.approx(width(1), abs=1)
    page.get_by_role("button", name="Side by side").first.click()
    page.locator(".splits").wait_for()
    assert width(0) > 1.9 * half
    page.context.close()


def test_a_very_large_diff_is_shown_in_time(browser: Browser, site: Path) -> None:
    page, _ = opened(browser, site, "hostile")
    lines = "".join(f"-old {n} a\\n+new {n} b\\n" for n in range(3000))
    long = f"-{'x ' * 50_000}\\n+{'y ' * 50_000}\\n"
    patch = f"diff --git a/f b/f\\n--- a/f\\n+++ b/f\\n@@ -1,3001 +1,3001 @@\\n{lines}{long}"
    page.evaluate(f"document.querySelector('template').content.textContent = '{patch}'")
    split(page)

    assert page.locator(".splits tbody tr").count() == 3002
    page.context.close()
