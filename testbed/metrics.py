"""Records -> figures, pure. A trial with verdict pass or fail is valid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from testbed.figures import (
    BestTrial,
    CellFigures,
    Counts,
    KindFigures,
    ModelFigures,
    PassRate,
    PreflightFigures,
    PromptFigures,
    RunFigures,
)
from testbed.mark_figures import agreement_figures, rater_figures
from testbed.measures import cost, measure, tool_calls
from testbed.quality_figures import own_test_figures, quality_figures
from testbed.records import Trial, Verdict
from testbed.stats import Tally, pass_all_k, pass_at_k
from testbed.sums import Mean, Share, Spread, Total, exact_sum, known
from testbed.tries import Tries, sorted_tries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from testbed.preflight import Preflight
    from testbed.view import ModelView, RunView, ScenarioView


def run_figures(view: RunView) -> RunFigures:
    """Compute every figure of a run.

    Raises `RunError` when a trial stands twice or was not planned: either would falsify rates.
    """
    tries = sorted_tries(view)
    return RunFigures(
        models=tuple(
            _model(m, [(s, tries[m.name, s.id]) for s in view.scenarios], view) for m in view.models
        ),
        cells=tuple(
            _cell(m.name, s.id, tries[m.name, s.id], follow_ups=view.follow_ups)
            for s in view.scenarios
            for m in view.models
        ),
        agreement=agreement_figures(Tries.together(list(tries.values()))),
    )


def _model(
    model: ModelView, row: Sequence[tuple[ScenarioView, Tries]], view: RunView
) -> ModelFigures:
    planned = [(s, tries) for s, tries in row if tries.planned]
    cells = [tries for _, tries in planned]
    together = Tries.together(cells)
    measures, rate = measure(together), _rate(cells)
    bugs = [tries.first for s, tries in planned if s.kind == "bug"]
    bests = [_best(c.valid) for c in cells]
    return ModelFigures(
        model=model.name,
        scripted=model.scripted or any(t.scripted for t in together.all),
        card=model.card,
        asked=model.asked,
        counts=_counts(together),
        single_prompt=_single_prompt(cells, view.follow_ups),
        pass_1=rate,
        pass_at=_by_k(cells, pass_at_k),
        pass_all=_by_k(cells, pass_all_k),
        best_of_k=Share.over([best.passed if best else None for best in bests]),
        bug_detection=Share.over([_passed(t) for t in bugs]),
        localisation=Share.over([t.localised if t else None for t in bugs]),
        adherence=Share.over([_adherent(c.first) for c in cells]),
        cost_per_scenario=Mean.over([_spent(c.valid).value for c in cells]),
        cost_per_point=_per_point(measures.cost.counted, rate),
        measures=measures,
        kinds=_kinds(row, view.follow_ups),
        quality=quality_figures(together, view.references),
        own_tests=own_test_figures(together),
        raters=rater_figures(together),
        prompts=_prompts(cells, view.follow_ups) if view.follow_ups else None,
        preflight=_preflight(model.preflights) if model.preflights else None,
    )


def _cell(model: str, scenario: str, tries: Tries, *, follow_ups: int) -> CellFigures:
    return CellFigures(
        model=model,
        scenario=scenario,
        counts=_counts(tries),
        passes=tries.passes,
        first_passed=None if follow_ups else _passed(tries.first),
        best=_best(tries.valid),
        measures=measure(tries),
    )


def _counts(tries: Tries) -> Counts:
    tried, valid = len({t.key for t in tries.all}), len(tries.valid)
    return Counts(
        planned=tries.planned,
        valid=valid,
        ungraded=tried - valid,
        not_run=tries.planned - tried,
    )


def _single_prompt(cells: Sequence[Tries], follow_ups: int) -> Share:
    """Count first trials; those of a run with follow-ups are another thing and stay unknown."""
    return Share.over([None if follow_ups else _passed(c.first) for c in cells])


def _passed(trial: Trial | None) -> bool | None:
    return None if trial is None else trial.verdict is Verdict.PASS


def _adherent(trial: Trial | None) -> bool | None:
    return None if trial is None or trial.violations is None else not trial.violations


def _rate(cells: Sequence[Tries]) -> PassRate:
    return PassRate.over([(c.passes, len(c.valid), c.planned) for c in cells])


def _tallies(cells: Sequence[Tries]) -> list[Tally]:
    return [Tally(passes=c.passes, trials=len(c.valid)) for c in cells if c.valid]


def _by_k(
    cells: Sequence[Tries], estimate: Callable[[Sequence[Tally], int], float | None]
) -> dict[int, float]:
    tallies = _tallies(cells)
    # Without any verdict on one scenario, no k is within what every scenario has.
    ks = range(1, min((len(c.valid) for c in cells), default=0) + 1)
    return {k: rate for k in ks if (rate := estimate(tallies, k)) is not None}


def _kinds(row: Sequence[tuple[ScenarioView, Tries]], follow_ups: int) -> dict[str, KindFigures]:
    """Group by kind; a kind that was not planned for this model keeps its place, without any."""
    groups: dict[str, list[Tries]] = {}
    for scenario, tries in row:
        groups.setdefault(scenario.kind, []).extend([tries] if tries.planned else [])
    return {kind: _kind(group, follow_ups) for kind, group in groups.items()}


def _kind(cells: Sequence[Tries], follow_ups: int) -> KindFigures:
    together = Tries.together(cells)
    return KindFigures(
        scenarios=len(cells),
        counts=_counts(together),
        single_prompt=_single_prompt(cells, follow_ups),
        pass_1=_rate(cells),
        tool_calls=tool_calls(together.valid),
        cost=cost(together),
    )


def _best(valid: Sequence[Trial]) -> BestTrial | None:
    """Choose the best trial; see `BestTrial` for what is best."""
    candidates = [_candidate(t, of=len(valid)) for t in valid]
    return min(candidates, key=_merit, default=None)


def _candidate(trial: Trial, *, of: int) -> BestTrial:
    return BestTrial(
        repeat=trial.repeat,
        passed=trial.verdict is Verdict.PASS,
        violations=None if trial.violations is None else len(trial.violations),
        unused=trial.unused,
        changed_lines=None if trial.patch is None else trial.patch.added + trial.patch.deleted,
        cost_usd=trial.cost_usd,
        of=of,
    )


def _merit(trial: BestTrial) -> tuple[float, ...]:
    worst = (trial.violations, trial.unused, trial.changed_lines, trial.cost_usd)
    return (
        not trial.passed,
        *(math.inf if figure is None else figure for figure in worst),
        trial.repeat,
    )


def _spent(valid: Sequence[Trial]) -> Total:
    return Total.over([t.cost_usd for t in valid])


def _per_point(spent: Total, rate: PassRate) -> Total | None:
    """Share the cost of the valid trials out among the percentage points of their pass@1."""
    estimate = rate.left_out
    return spent.divided(100 * estimate.value) if estimate and estimate.value else None


def _prompts(cells: Sequence[Tries], follow_ups: int) -> PromptFigures:
    """Count the prompts to the first pass; a trial without its prompts is unknown."""
    needed = [[_prompts_needed(t) for t in c.valid if t.prompts] for c in cells]
    planned = [c.planned for c in cells]
    flat = [prompts for cell in needed for prompts in cell]
    return PromptFigures(
        follow_ups=follow_ups,
        solved_by={n: _solved_by(needed, planned, n) for n in range(1, follow_ups + 2)},
        solved=Share.counted(len(known(flat)), len(flat), of=sum(planned)),
        prompts=Spread.over(known(flat)),
    )


def _prompts_needed(trial: Trial) -> int | None:
    passed = Verdict.PASS in trial.prompts
    return trial.prompts.index(Verdict.PASS) + 1 if passed else None


def _solved_by(
    needed: Sequence[Sequence[int | None]], planned: Sequence[int], prompts: int
) -> PassRate:
    return PassRate.over(
        [
            (sum(n is not None and n <= prompts for n in cell), len(cell), repeats)
            for cell, repeats in zip(needed, planned, strict=True)
        ]
    )


def _preflight(asked: Sequence[Preflight]) -> PreflightFigures:
    latest = asked[-1]
    return PreflightFigures(
        failed=tuple(probe.id for probe in latest.failed),
        outcomes={probe.id: probe.outcome.value for probe in latest.probes},
        details={probe.id: probe.detail for probe in latest.probes},
        served=latest.served_models,
        times=len(asked),
        requests=sum(one.requests for one in asked),
        seconds=exact_sum([one.seconds for one in asked]),
        cost=Total.over([one.cost_usd for one in asked]),
    )
