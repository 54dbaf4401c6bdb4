"""The index in a real browser: quiet, restored by its address, usable by keys, without scripts."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import axe_playwright_python
import pytest

from reports import words
from reports.site.gather import board_of
from reports.site.index import index_page
from reports.site.links import HOME, Links, scenario_target, trial_target
from reports.site.page import framed
from testbed.records import (
    Ending,
    Failure,
    Funnel,
    Latency,
    Origin,
    Trial,
    Usage,
    Verdict,
)
from testbed.view import ModelView, RunView, ScenarioView
from tests.browser.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]

pytestmark = pytest.mark.browser

SIZES: Final = {"desktop": (1280, 900), "phone": (390, 844)}
AXE: Final = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
SCENARIOS: Final = (
    ("cursor-paging", "Paging skips a candidate", "bug", "medium"),
    ("docx-upload", "Uploads of .docx are refused", "bug", "easy"),
    ("interview-slots", "Offer free interview slots", "feature", "hard"),
    ("split-pipeline", "Split the <b>pipeline</b>", "refactor", "hard"),
)
PASSES: Final = {
    "moonbeam-2": ("++-", "+++", "---", "-?+"),
    "halyard<4>": ("+++", "+++", "-+-", "---"),
    "oracle": ("+++", "+++", "+++", "+++"),
}
VERDICTS: Final = {"+": Verdict.PASS, "-": Verdict.FAIL, "?": Verdict.UNGRADED}


def trial(model: str, scenario: Sequence[str], mark: str, repeat: int) -> Trial:
    """Make up a trial whose numbers depend on its names only."""
    size = len(scenario[0]) + 3 * repeat + len(model)
    return Trial(
        model=model,
        scripted=model == "oracle",
        scenario=scenario[0],
        kind=scenario[2],
        repeat=repeat,
        attempt=1,
        ending=Ending.INFRA_ERROR if mark == "?" else Ending.FINISHED,
        verdict=VERDICTS[mark],
        failure=Failure(origin=Origin.MODEL_API, detail="503") if mark == "?" else None,
        started_at="2026-11-22T13:55:10+00:00",
        phases={"total": 14.0 * size, "waiting": 1.0},
        turns=size,
        requests=size,
        rate_limited=0,
        usage=Usage(fresh_input=900 * size, cache_read=0, cache_write=0, output=310 * size),
        cost_usd=None if model == "oracle" else 0.0021 * size,
        funnel=Funnel(stages={"effective": size, "parsed": 1}, causes={"unknown_tool": 1}),
        latencies=(Latency(response_s=2.0, ttft_s=0.5, ttfo_s=0.6, output_tokens_per_s=80.0),),
        patch=None,
        violations=None if mark == "?" else (),
        unused=None if mark == "?" else size % 3,
    )


def view(repeats: int = 3) -> RunView:
    return RunView(
        run_id="2026-11-22-1355-a7f3",
        created="2026-11-22T13:55:02+00:00",
        models=tuple(ModelView(name=name, scripted=name == "oracle") for name in PASSES),
        scenarios=tuple(
            ScenarioView(id=i, title=t, kind=k, difficulty=d) for i, t, k, d in SCENARIOS
        ),
        repeats=repeats,
        trials=[
            trial(model, scenario, mark, repeat)
            for model, marks in PASSES.items()
            for scenario, row in zip(SCENARIOS, marks, strict=True)
            for repeat, mark in enumerate(row[:repeats], 1)
        ],
        conditions={"engine": "docker"},
    )


def large() -> RunView:
    """Make up 10,000 trials."""
    scenarios = [(f"scenario-{n:02}", f"Task {n}", "bug", "easy") for n in range(50)]
    models = [f"model-{n:02}" for n in range(20)]
    marks = "+-+"
    return RunView(
        run_id="large",
        created="2026-11-22T13:55:02+00:00",
        models=tuple(ModelView(name=name, scripted=False) for name in models),
        scenarios=tuple(
            ScenarioView(id=i, title=t, kind=k, difficulty=d) for i, t, k, d in scenarios
        ),
        repeats=10,
        trials=[
            trial(model, scenario, marks[(n + m * repeat) % 3], repeat)
            for (m, model), (n, scenario), repeat in product(
                enumerate(models), enumerate(scenarios), range(1, 11)
            )
        ],
        conditions={"engine": "docker"},
    )


def write(folder: Path, shown: RunView) -> Path:
    """Write the index, and a stub of each page that it links to."""
    board = board_of([shown])
    targets = [
        *(scenario_target(s.id) for s in shown.scenarios),
        *(trial_target(t.key) for t in shown.trials),
    ]
    page = index_page(board, Links(HOME, frozenset({HOME.id, *(t.id for t in targets)})))
    for target in targets[:100]:
        (folder / target.path).parent.mkdir(exist_ok=True)
        (folder / target.path).write_text(f"<title>{target.id}</title>", encoding="utf-8")
    (folder / HOME.path).write_text(framed(page), encoding="utf-8")
    return folder / HOME.path


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("site"), view())


def opened(
    browser: Browser,
    file: Path,
    *,
    scheme: Scheme = "light",
    size: str = "desktop",
    scripts: bool = True,
    state: str = "",
) -> tuple[Page, list[str]]:
    """Open the index; the list receives every complaint and every request."""
    width, height = SIZES[size]
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        java_script_enabled=scripts,
        permissions=["clipboard-read", "clipboard-write"],
    )
    page, events = context.new_page(), list[str]()
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("request", lambda request: events.append(f"request: {request.url}"))
    page.goto(file.as_uri() + state)
    return page, events


def visible(page: Page, selector: str) -> list[str]:
    return [one.inner_text() for one in page.locator(selector).all() if one.is_visible()]


def search(page: Page, text: str) -> str:
    """Type into the search box and give what was found."""
    page.locator("#search").fill(text)
    return page.locator("output").inner_text()


def scenarios(page: Page) -> list[str]:
    return visible(page, "#heat-table tbody th a")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_index_is_quiet_and_accessible(
    browser: Browser, index: Path, scheme: Scheme, size: str
) -> None:
    page, events = opened(browser, index, scheme=scheme, size=size)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    until(page, "document.querySelectorAll('#rows tr').length === 36")
    requests = [event for event in events if not event.startswith("request: data:")]

    assert requests == [f"request: {index.as_uri()}"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((r) => r.violations)")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    page.context.close()


def test_without_scripts_the_tables_and_links_are_there(browser: Browser, index: Path) -> None:
    page, events = opened(browser, index, scripts=False)

    assert events == [f"request: {index.as_uri()}"]
    assert not page.locator("#find").is_visible()
    assert "Without JavaScript" in page.locator("main").inner_text()
    assert page.locator("#heat-table td a").count() == 12
    page.locator("#heat-table td a").first.click()
    assert page.url.startswith((index.parent / "scenarios").as_uri())
    page.context.close()


@pytest.mark.parametrize(
    ("text", "trials"),
    [
        ("m:moonbeam", 12),
        ("m:moonbeam s:fail", 5),
        ("s:ungraded", 1),
        ("c:bugfix", 18),
        ("c:bug !m:oracle", 12),
        ("d:hard", 18),
        ("s:flaky", 9),
        ("m:halyard<4> !flaky", 9),
        ("PAGING", 9),
        ("!s:pass d:easy", 0),
        ("<b>", 9),
        ("", 36),
    ],
)
def test_tokens_of_the_search_box_filter_the_trials(
    browser: Browser, index: Path, text: str, trials: int
) -> None:
    page, events = opened(browser, index)

    assert search(page, text).startswith(f"{trials} of 36 trials")
    assert page.locator("#rows tr").count() == trials
    assert [event for event in events if not event.startswith("request")] == []
    page.context.close()


def test_the_heat_map_shows_the_scenarios_of_the_trials_found(
    browser: Browser, index: Path
) -> None:
    page, _ = opened(browser, index)
    search(page, "s:fail c:bug")
    assert scenarios(page) == ["cursor-paging"]

    search(page, "")
    page.get_by_label("only where they differ").check()
    assert scenarios(page) == ["cursor-paging", "interview-slots", "split-pipeline"]
    page.context.close()


def test_the_address_restores_the_view(browser: Browser, index: Path) -> None:
    page, _ = opened(browser, index)
    search(page, "m:moonbeam s:fail")
    page.get_by_label("only where they differ").check()
    page.locator("#trials-table th button").nth(5).click()
    page.locator("#trials-table th button").nth(5).click()
    page.locator("#results-table th button").nth(1).click()
    page.locator("#fold-endings summary").click()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    address = page.evaluate("navigator.clipboard.readText()")
    before = [visible(page, part) for part in ("#rows tr", "#heat-table tr", "#results-table tr")]
    page.context.close()

    again, events = opened(browser, index, state=f"#{address.partition('#')[2]}")
    assert again.locator("#search").input_value() == "m:moonbeam s:fail"
    assert before == [
        visible(again, part) for part in ("#rows tr", "#heat-table tr", "#results-table tr")
    ]
    assert again.locator("#fold-endings table").is_visible()
    assert again.locator("#trials-table th[aria-sort=descending]").inner_text() == "cost"
    assert again.locator("#results-table th[aria-sort=ascending] button").inner_text() == "pass@1"
    assert [event for event in events if not event.startswith("request")] == []
    again.context.close()


def test_anchors_still_lead_to_their_elements(browser: Browser, index: Path) -> None:
    page, _ = opened(browser, index, state="#conditions")
    assert page.locator("#conditions").is_visible()
    assert page.evaluate("scrollY") > 0

    page.locator("a.what[href='#def-pass-1']").first.click()
    assert page.url.endswith("#def-pass-1")
    assert page.locator("#def-pass-1").is_visible()
    page.context.close()


def test_headings_sort_up_down_and_back(browser: Browser, index: Path) -> None:
    page, _ = opened(browser, index)
    names = "#results-table tbody th"
    order = visible(page, names)
    button = page.locator("#results-table th button").filter(has_text="cost per trial")

    button.click()
    assert "oracle" in visible(page, names)[-1]
    rising = visible(page, names)[:2]
    button.click()
    assert visible(page, names) == [*reversed(rising), order[0]]
    page.locator("#results-table th button").first.click()
    assert visible(page, names) == order

    page.locator("#heat-table th button").filter(has_text="moonbeam-2").click()
    assert scenarios(page)[0] == "interview-slots"
    page.context.close()


def test_the_list_prints_numbers_as_the_tables_do(browser: Browser, index: Path) -> None:
    page, _ = opened(browser, index)
    search(page, "m:moonbeam cursor")
    first, second = page.locator("#rows tr").first.locator("td, th").all_inner_texts(), None
    search(page, "s:ungraded")
    second = page.locator("#rows tr").first.locator("td, th").all_inner_texts()

    assert first == [
        *("cursor-paging", "moonbeam-2", "1", "pass", "finished"),
        *("$0.0546", "6 min 04 s", "26", "2", "0"),
    ]
    assert second[3:5] == ["ungraded", "infra error"]
    assert second[-2:] == [words.UNKNOWN, words.UNKNOWN]
    page.context.close()


def test_every_trial_is_linked_to_its_page(browser: Browser, index: Path) -> None:
    page, _ = opened(browser, index)
    links = page.eval_on_selector_all("#rows a", "all => all.map((a) => a.href)")

    assert sorted(links) == sorted(
        (index.parent / trial_target(t.key).path).as_uri() for t in view().trials
    )
    page.context.close()


def test_keys_search_move_and_open(browser: Browser, index: Path) -> None:
    page, _ = opened(browser, index)
    page.keyboard.press("/")
    page.keyboard.type("m:moonbeam")
    assert page.locator("#search").input_value() == "m:moonbeam"
    assert page.locator("#search-help").is_visible()

    page.locator("#heat-table tbody td a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.closest('td').cellIndex") == 2
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 2

    page.locator("#rows a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trials/moonbeam-2-cursor-paging-2-*.html")
    page.context.close()


def test_ten_thousand_trials_are_listed_as_they_are_scrolled_to(
    browser: Browser, tmp_path: Path
) -> None:
    page, events = opened(browser, write(tmp_path, large()))

    assert page.locator("output").inner_text() == "10,000 of 10,000 trials, 50 of 50 scenarios"
    assert page.locator("#rows tr").count() == 100
    page.locator("#list").evaluate("list => { list.scrollTop = list.scrollHeight }")
    until(page, "document.querySelectorAll('#rows tr').length === 200")
    assert search(page, "m:model-07 scenario-1").startswith("100 of 10,000 trials, 10 of 50")
    assert len([event for event in events if not event.startswith("request: data:")]) == 1
    page.context.close()
