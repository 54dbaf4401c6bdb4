"""The whole site in a real browser: hostile runs execute nothing, and every made link leads on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reports.site.build import SiteOptions, build_site

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from testbed.store import Run
    from tests.reports.site.conftest import Maker

pytestmark = pytest.mark.browser

MARKS: Final = (
    "() => [window.pwned, document.querySelectorAll('[onerror],[onload],img[src=x]').length]"
)
HOSTILE: Final = (
    "\"'><img src=x onerror=window.pwned=1></script><script>window.pwned=2</script>"
    "<svg onload=window.pwned=3></svg></template></textarea></title>{{ 7*7 }}\x1b[31m\u202e"
)


@pytest.fixture
def hostile(make_run: Maker) -> Run:
    foreign = make_run.saying(
        text=HOSTILE,
        name=HOSTILE,
        arguments=HOSTILE,
        diff=f"diff --git a/{HOSTILE} b/{HOSTILE}\n@@ -1 +1 @@ {HOSTILE}\n-{HOSTILE}\n+{HOSTILE}\n",
        file=HOSTILE,
        test=HOSTILE,
        output=HOSTILE,
        served=(HOSTILE,),
        headers={HOSTILE: HOSTILE},
    )
    return make_run("r1", {"m": {"alpha": "+-"}, "n": {"alpha": "-?"}}, foreign=foreign)


def watched(browser: Browser) -> tuple[Page, list[str]]:
    """Open a tab; the list receives every complaint, dialog and request for another place."""
    page, events = browser.new_page(), list[str]()
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("dialog", lambda dialog: events.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:"))
            else events.append(f"request: {request.url}")
        ),
    )
    return page, events


@pytest.mark.parametrize("single", [False, True], ids=["folder", "single file"])
def test_nothing_that_a_model_wrote_is_executed(
    browser: Browser,
    hostile: Run,
    tmp_path: Path,
    single: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    build_site([hostile], tmp_path / "s", options=SiteOptions(single_file=single))
    tab, events = watched(browser)

    for path in sorted((tmp_path / "s").rglob("*.html")):
        tab.goto(path.as_uri())
        for button in tab.get_by_role("button", name="Side by side").all():
            if button.is_visible():
                button.click()
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        assert tab.evaluate(MARKS) == [None, 0], path.name
    tab.wait_for_timeout(200)
    tab.close()

    assert events == []


@pytest.mark.parametrize("single", [False, True], ids=["folder", "single file"])
@pytest.mark.parametrize("shown", ["failed", "all"])
def test_every_link_that_the_script_makes_leads_to_a_page(
    browser: Browser,
    make_run: Maker,
    tmp_path: Path,
    shown: str,
    single: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    results = {
        "Vendor/Model-1.5:x": {"alpha_b": "+-", "with-a-name-that-is-longer-than-sixty": "?+"},
        "n": {"alpha_b": "-.", "with-a-name-that-is-longer-than-sixty": "++"},
    }
    run = make_run("r1", results)
    options = SiteOptions.model_validate({"trials": shown, "single_file": single})
    build_site([run], tmp_path / "s", options=options)
    tab, events = watched(browser)
    tab.goto((tmp_path / "s" / "index.html").as_uri())
    rows = tab.locator("#rows tr")
    addresses = rows.locator("a[href]").evaluate_all(
        "all => all.map((a) => a.getAttribute('href'))"
    )

    assert rows.count() == 7
    assert len(addresses) == (7 if shown == "all" else 3)
    if single:
        ids = tab.eval_on_selector_all("article[id]", "all => all.map((one) => `#${one.id}`)")
        assert set(addresses) <= set(ids)
    else:
        assert all((tmp_path / "s" / one).is_file() for one in addresses)
    assert events == []
    tab.close()


def test_a_single_file_shows_one_page_at_a_time(
    browser: Browser, make_run: Maker, tmp_path: Path
) -> None:
    run = make_run("r1", {"m": {"alpha": "+-"}, "n": {"alpha": "-+"}})
    build_site([run], tmp_path / "s", options=SiteOptions(single_file=True))
    tab, _ = watched(browser)
    tab.goto((tmp_path / "s" / "index.html").as_uri())
    heading = tab.locator("h1:visible")

    assert (heading.count(), heading.inner_text()) == (1, "Scoreboard")
    tab.locator("#rows a").first.click()
    assert (heading.count(), "alpha" in heading.inner_text()) == (1, True)
    tab.keyboard.press("ArrowRight")
    assert heading.count() == 1
    tab.get_by_role("link", name="Scoreboard").first.click()
    assert heading.inner_text() == "Scoreboard"
    tab.close()
