"""The scoreboard of 20 models x 50 scenarios x 10 repeats: how soon it is read, built and shown.

The browser's figures need Chromium; without it they are left out.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.crowd import write_crowd
from bench.figures import Figure, show
from reports.site.build import SiteOptions, build_site
from reports.site.gather import board_of
from reports.site.index import index_page
from reports.site.links import HOME, Links
from reports.site.page import framed

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.store import Run

ROUNDS: Final = 5
CHROMIUM: Final = ("chromium", "chromium-browser", "chrome")
SWITCHES: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
READY: Final = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000"
FILTER: Final = """(query) => {
  const box = document.querySelector("input[type=search]"), began = performance.now();
  box.value = query;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - began;
}"""
QUERIES: Final = ("m:model-07 s:fail", "c:bug !flaky", "scenario-3", "")


def main() -> bool:
    """Measure all of it; return whether the budgets are held."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        run = write_crowd(runs)
        figures = [*_read(run), *_build(run, runs / "site"), *_open(runs / "site" / "index.html")]
    return show("Scoreboard of 10,000 trials", figures)


def _read(run: Run) -> list[Figure]:
    best = min(_timed(run.view) for _ in range(ROUNDS))
    return [Figure(f"reading the run, best of {ROUNDS}", best, "s", at_most=0.5)]


def _build(run: Run, site: Path) -> list[Figure]:
    view = run.view()

    def index() -> None:
        framed(index_page(board_of([view]), Links(HOME, frozenset())))

    page = site / "index.html"
    took = _timed(index)
    whole = _timed(lambda: build_site([run], site, options=SiteOptions(trials="none")))
    size = sum(path.stat().st_size for path in site.rglob("*")) / 1e6
    return [
        Figure("figures, comparisons and index", took, "s", at_most=10),
        Figure("every page but the trials', and downloads", whole, "s"),
        Figure("index", page.stat().st_size / 1000, "kB", at_most=500),
        Figure("the site", size, "MB"),
    ]


def _open(page: Path) -> list[Figure]:
    """Open the index from disk, and search it."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        ready = []
        for _ in range(ROUNDS):
            tab.goto(page.as_uri())
            ready.append(float(tab.evaluate(READY)))
        filtered = [float(tab.evaluate(FILTER, query)) for _ in range(ROUNDS) for query in QUERIES]
        browser.close()
    return [
        Figure("ready in the browser", median(ready), "s", at_most=0.5),
        Figure("a search, median", median(filtered), "ms", at_most=50),
        Figure("a search, slowest", max(filtered), "ms"),
    ]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(not main())
