"""Expected beside measured, a row per player and figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.cast.expectation import shown
from runner.cast.expectations import expected
from runner.cast.measured import FIGURES
from runner.cast.part import parts_of
from runner.cast.rates import expected_rates, measured_rates
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.cast.expectation import Expectation
    from runner.cast.part import Part
    from testbed.figures import ModelFigures
    from testbed.records import Trial
    from testbed.scenario import Suite
    from testbed.store import Run

Pair = tuple["Expectation", object]
"""What a figure must be in one trial, and what was measured."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of one player, over all its trials."""

    player: str
    figure: str
    expected: str
    measured: str
    equal: bool


def cast_table(run: Run, suite: Suite) -> list[Row]:
    """Compare what every trial of a cast's run must be with what it was.

    A trial that was never made differs in every figure.
    """
    counted, _ = run.trials()
    trials = {trial.key: trial for trial in counted}
    played: dict[str, list[tuple[Part, Trial | None]]] = {}
    for part in parts_of(run.config, suite):
        key = (part.card.id, part.scenario.id, part.performance.repeat)
        played.setdefault(part.card.id, []).append((part, trials.get(key)))
    figures = {f.model: f for f in run_figures(run.view()).models}
    return [
        row
        for model, pairs in played.items()
        for row in (*_trial_rows(model, pairs), *_rate_rows(figures[model], pairs))
    ]


def _trial_rows(model: str, pairs: Sequence[tuple[Part, Trial | None]]) -> Iterator[Row]:
    figures: dict[str, list[Pair]] = {}
    for part, trial in pairs:
        for figure, wanted in expected(part).items():
            measured = FIGURES[figure](trial) if trial else None
            figures.setdefault(figure, []).append((wanted, measured))
    yield from (_row(model, figure, found) for figure, found in figures.items())


def _rate_rows(figures: ModelFigures, pairs: Sequence[tuple[Part, Trial | None]]) -> Iterator[Row]:
    """Compare the figures over all trials."""
    rates = expected_rates([part for part, _ in pairs])
    measured = measured_rates(figures)
    for name, wanted in rates.items():
        yield _row(figures.model, name, [(wanted, measured.get(name))])


def _row(model: str, figure: str, found: Sequence[Pair]) -> Row:
    return Row(
        player=model,
        figure=figure,
        expected=_joined([str(wanted) for wanted, _ in found]),
        measured=_joined([shown(measured) for _, measured in found]),
        equal=all(wanted.holds(measured) for wanted, measured in found),
    )


def _joined(texts: Sequence[str]) -> str:
    """Show what differs between trials, each once."""
    return " | ".join(dict.fromkeys(texts))
