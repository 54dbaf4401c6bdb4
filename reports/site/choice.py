"""Which trials get a page of their own, and which two are shown side by side."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from testbed.records import Verdict
from testbed.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.site.board import Board
    from reports.site.manifest import TrialsShown
    from testbed.records import Trial


def in_reading_order(board: Board) -> list[Trial]:
    """Order the trials by scenario as planned, then model as ranked, then repeat."""
    scenarios = {s.id: place for place, s in enumerate(board.view.scenarios)}
    models = {m.model: place for place, m in enumerate(board.models)}
    return sorted(
        board.view.trials, key=lambda t: (scenarios[t.scenario], models[t.model], t.repeat)
    )


def chosen_trials(board: Board, shown: TrialsShown) -> list[Trial]:
    """Choose the trials with a page of their own, in reading order.

    `failed` are those that did not pass, ungraded ones included; `changed` are those of scenarios
    that models pass at different rates, and of cells that differ from the model's run before.
    """
    trials = in_reading_order(board)
    if shown == "failed":
        return [t for t in trials if t.verdict is not Verdict.PASS]
    if shown == "changed":
        apart, moved = _apart(board), _moved(board)
        return [t for t in trials if t.scenario in apart or t.key[:2] in moved]
    return trials if shown == "all" else []


def chosen_pairs(board: Board, shown: TrialsShown) -> list[tuple[Trial, Trial]]:
    """Pair, at each scenario, the baseline's first trial with that of every other model.

    See `first_of` for which one that is.
    """
    if shown == "none" or board.contest is None:
        return []
    cells: dict[tuple[str, str], list[Trial]] = {}
    for trial in in_reading_order(board):
        cells.setdefault(trial.key[:2], []).append(trial)
    first = {cell: first_of(trials) for cell, trials in cells.items()}
    baseline = board.contest.baseline
    return [
        (first[baseline, scenario], trial)
        for (model, scenario), trial in first.items()
        if model != baseline and (baseline, scenario) in first
    ]


def first_of(trials: Sequence[Trial]) -> Trial:
    """Choose, of at least one, the lowest number that has a verdict, else the lowest of all."""
    return min(trials, key=lambda t: (t.verdict is Verdict.UNGRADED, t.repeat))


def _apart(board: Board) -> set[str]:
    """Name the scenarios that models pass at different rates."""
    rates: dict[str, set[float]] = {}
    for cell in board.figures.cells:
        if cell.counts.valid:
            rate = Tally(passes=cell.passes, trials=cell.counts.valid).rate
            rates.setdefault(cell.scenario, set()).add(rate)
    return {scenario for scenario, found in rates.items() if len(found) > 1}


def _moved(board: Board) -> set[tuple[str, str]]:
    """Name the cells that a model passes at another rate than in its run before."""
    shown = {m.name: m.run_id or board.view.run_id for m in board.view.models}
    return {
        (now.model, scenario)
        for before, now in pairwise(board.history)
        if before.model == now.model and now.run_id == shown[now.model]
        for scenario in _differing(before.tallies, now.tallies)
    }


def _differing(before: Mapping[str, Tally], now: Mapping[str, Tally]) -> set[str]:
    return {s for s, tally in now.items() if s in before and tally.rate != before[s].rate}
