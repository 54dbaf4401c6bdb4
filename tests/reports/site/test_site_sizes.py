"""The index of ten thousand trials, and all scripts, stay as small as was promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.crowd import write_crowd
from reports.site.gather import board_of
from reports.site.index import index_page
from reports.site.links import HOME, Links, scenario_target, trial_target
from reports.site.page import REPORTS, framed

if TYPE_CHECKING:
    from pathlib import Path


def test_an_index_of_ten_thousand_trials_is_below_half_a_megabyte(tmp_path: Path) -> None:
    view = write_crowd(tmp_path).view()
    targets = [HOME, *(scenario_target(s.id) for s in view.scenarios)]
    targets += [trial_target(t.key) for t in view.trials]
    page = framed(index_page(board_of([view]), Links(HOME, frozenset(t.id for t in targets))))

    assert len(view.trials) == 10_000
    assert len(page.encode()) < 500_000


def test_all_own_scripts_together_are_below_ten_kilobytes() -> None:
    scripts = list((REPORTS / "assets").glob("*.js"))

    assert scripts
    assert sum(script.stat().st_size for script in scripts) < 10_240
