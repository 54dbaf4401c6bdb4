"""One side of a comparison: a model over the scenarios that both sides planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.comparing.pooled import alone
from testbed.metrics import run_figures
from testbed.records import Verdict
from testbed.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from testbed.figures import CellFigures, ModelFigures, RunFigures
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


def tallies_of(view: RunView, model: str) -> dict[str, Tally]:
    """Count a model's valid trials at each scenario that has one, in the order of its plan."""
    valid = _valid(t for t in view.trials if t.model == model)
    return {
        s.id: Tally(passes=sum(t.verdict is Verdict.PASS for t in found), trials=len(found))
        for s in planned(view, model)
        if (found := valid.get(s.id))
    }


def halve(
    view: RunView, model: str, scenarios: Collection[str], figures: RunFigures | None = None
) -> Half:
    """Compute what a comparison needs of one model; raises `RunError` when the run has it not.

    `figures` are the view's, where they are known: they serve when none of its scenarios is left
    out, and are computed otherwise.
    """
    own = alone(view, model, scenarios)
    whole = len(own.scenarios) == len(view.scenarios)
    found = figures if figures and whole else run_figures(own)
    return Half(
        view=own,
        plan=planned(view, model),
        figures=next(one for one in found.models if one.model == model),
        cells={cell.scenario: cell for cell in found.cells if cell.model == model},
        valid=_valid(own.trials),
        tallies=tallies_of(own if whole else view, model),
    )


def _valid(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in sorted(trials, key=lambda t: t.repeat):
        if trial.verdict is not Verdict.UNGRADED:
            found.setdefault(trial.scenario, []).append(trial)
    return found
