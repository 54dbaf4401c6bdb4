"""One side of a comparison: a model over the scenarios that both sides planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.metrics import run_figures
from testbed.pooled import alone
from testbed.records import Verdict
from testbed.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from testbed.figures import CellFigures, ModelFigures
    from testbed.records import Trial
    from testbed.view import RunView, ScenarioView


@dataclass(frozen=True, kw_only=True)
class Half:
    """One side, on the scenarios that both planned; what it did on others is in `tallies` alone."""

    view: RunView
    """The model alone, on these scenarios."""
    plan: tuple[ScenarioView, ...]
    """Every scenario that was planned for it."""
    figures: ModelFigures
    cells: Mapping[str, CellFigures]
    """Scenario -> the model's figures on it."""
    valid: Mapping[str, Sequence[Trial]]
    """Scenario -> its trials with a verdict, by repeat; without one it has no key."""
    tallies: Mapping[str, Tally]
    """Scenario of its plan -> passes of valid trials; without one it has no key."""

    @property
    def runs(self) -> tuple[str, ...]:
        """List the runs that its trials come from."""
        return tuple((self.view.models[0].run_id or self.view.run_id).split(","))


def planned(view: RunView, model: str) -> tuple[ScenarioView, ...]:
    """List the scenarios that were planned for a model."""
    return tuple(s for s in view.scenarios if view.repeats_of(model, s.id))


def halve(view: RunView, model: str, scenarios: Collection[str]) -> Half:
    """Compute what a comparison needs of one model; raises `RunError` when the run has it not."""
    own = alone(view, model, scenarios)
    figures = run_figures(own)
    return Half(
        view=own,
        plan=planned(view, model),
        figures=figures.models[0],
        cells={cell.scenario: cell for cell in figures.cells},
        valid=_valid(own.trials),
        tallies={scenario: _tally(t) for scenario, t in _valid(alone(view, model).trials).items()},
    )


def _valid(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in sorted(trials, key=lambda t: t.repeat):
        if trial.verdict is not Verdict.UNGRADED:
            found.setdefault(trial.scenario, []).append(trial)
    return found


def _tally(trials: Sequence[Trial]) -> Tally:
    return Tally(passes=sum(t.verdict is Verdict.PASS for t in trials), trials=len(trials))
