"""Records -> figures, pure.

A trial with verdict pass or fail is valid. Tries that infrastructure spoiled stay out of every
figure about the model's work, but their money, requests and waiting were spent: those of
`Cost.all_tries` and `Waits` are over every try.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from testbed.errors import RunError
from testbed.figures import (
    CellFigures,
    Cost,
    Counts,
    Mean,
    Measures,
    ModelFigures,
    PassRate,
    RunFigures,
    Share,
    Spread,
    Times,
    Tokens,
    ToolCalls,
    Total,
    Unused,
    Waits,
)
from testbed.records import Trial, Usage, Verdict
from testbed.stats import (
    Tally,
    estimate_rate,
    pass_all_k,
    pass_at_k,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Key = tuple[str, str, int]
"""Model, scenario, repeat."""


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """One row of a run."""

    name: str
    scripted: bool
    card: str = ""
    """Label of the model card, e.g. its served id and the date of its prices."""


@dataclass(frozen=True, kw_only=True)
class ScenarioView:
    """One scenario of a run."""

    id: str
    title: str
    kind: str
    difficulty: str


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run as it was planned and as it happened."""

    run_id: str
    created: str
    """UTC, ISO 8601."""
    models: tuple[ModelView, ...]
    scenarios: tuple[ScenarioView, ...]
    repeats: int
    trials: Sequence[Trial]
    """One per key: its latest valid try, or its latest try when none is valid."""
    spoiled: Sequence[Trial] = ()
    """Every other try."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """Digests, versions and the engine: what has to be alike for two runs to be compared."""
    files: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    """POSIX paths of each trial's files, relative to the scoreboard's folder."""


@dataclass(frozen=True, kw_only=True)
class _Tries:
    """The tries of one model, on one scenario or on several."""

    planned: int
    trials: Sequence[Trial]
    spoiled: Sequence[Trial]
    valid: Sequence[Trial]

    @property
    def all(self) -> tuple[Trial, ...]:
        return (*self.trials, *self.spoiled)

    @property
    def passes(self) -> int:
        return sum(t.verdict is Verdict.PASS for t in self.valid)

    @property
    def first(self) -> Trial | None:
        """The first valid trial by repeat index."""
        return min(self.valid, key=lambda t: t.repeat, default=None)


def run_figures(view: RunView) -> RunFigures:
    """Compute every figure of a run.

    Raises `RunError` when a trial stands twice or was not planned: either would falsify rates.
    """
    _demand_sound(view)
    groups = _groups(view)
    return RunFigures(
        models=tuple(
            _model(m, [groups[m.name, s.id] for s in view.scenarios], view) for m in view.models
        ),
        cells=tuple(
            _cell(m.name, s.id, groups[m.name, s.id]) for s in view.scenarios for m in view.models
        ),
    )


def _demand_sound(view: RunView) -> None:
    planned = {(m.name, s.id) for m in view.models for s in view.scenarios}
    for trial in (*view.trials, *view.spoiled):
        if trial.key[:2] not in planned or not 1 <= trial.repeat <= view.repeats:
            raise RunError(
                f"run {view.run_id}: trial {trial.key} was not planned",
                next_step="Restore the run's plan, or report its trials as a run of their own",
            )
    for key, times in Counter(t.key for t in view.trials).items():
        if times > 1:
            raise RunError(
                f"run {view.run_id}: trial {key} stands {times} times",
                next_step="Count one try of each trial and give the others as spoiled",
            )


def _groups(view: RunView) -> dict[tuple[str, str], _Tries]:
    """Sort the tries by model and scenario; each cell of the plan gets its group."""
    trials, spoiled = defaultdict(list), defaultdict(list)
    for trial in view.trials:
        trials[trial.key[:2]].append(trial)
    for trial in view.spoiled:
        spoiled[trial.key[:2]].append(trial)
    cells = [(m.name, s.id) for m in view.models for s in view.scenarios]
    return {cell: _tries(view.repeats, trials[cell], spoiled[cell]) for cell in cells}


def _tries(planned: int, trials: Sequence[Trial], spoiled: Sequence[Trial]) -> _Tries:
    valid = [t for t in trials if t.verdict is not Verdict.UNGRADED]
    return _Tries(planned=planned, trials=trials, spoiled=spoiled, valid=valid)


def _model(model: ModelView, cells: Sequence[_Tries], view: RunView) -> ModelFigures:
    together = _tries(
        sum(c.planned for c in cells),
        [t for c in cells for t in c.trials],
        [t for c in cells for t in c.spoiled],
    )
    bugs = [c.first for c, s in zip(cells, view.scenarios, strict=True) if s.kind == "bug"]
    firsts = [c.first for c in cells]
    tallies = [Tally(passes=c.passes, trials=len(c.valid)) for c in cells if c.valid]
    ks = range(1, min((t.trials for t in tallies), default=0) + 1)
    return ModelFigures(
        model=model.name,
        scripted=model.scripted or any(t.scripted for t in together.all),
        card=model.card,
        counts=_counts(together),
        single_prompt=Share.over([_passed(t) for t in firsts]),
        pass_1=PassRate.between(
            estimate_rate(tallies),
            estimate_rate([Tally(passes=c.passes, trials=c.planned) for c in cells]),
        ),
        pass_at={k: rate for k in ks if (rate := pass_at_k(tallies, k)) is not None},
        pass_all={k: rate for k in ks if (rate := pass_all_k(tallies, k)) is not None},
        bug_detection=Share.over([_passed(t) for t in bugs]),
        localisation=Share.over([t.localised if t else None for t in bugs]),
        adherence=Share.over([_adherent(t) for t in firsts]),
        measures=_measures(together),
    )


def _cell(model: str, scenario: str, tries: _Tries) -> CellFigures:
    return CellFigures(
        model=model,
        scenario=scenario,
        counts=_counts(tries),
        passes=tries.passes,
        first_passed=_passed(tries.first),
        measures=_measures(tries),
    )


def _counts(tries: _Tries) -> Counts:
    tried = len({t.key for t in tries.all})
    return Counts(
        planned=tries.planned,
        valid=len(tries.valid),
        ungraded=tried - len(tries.valid),
        not_run=tries.planned - tried,
    )


def _passed(trial: Trial | None) -> bool | None:
    return None if trial is None else trial.verdict is Verdict.PASS


def _adherent(trial: Trial | None) -> bool | None:
    return None if trial is None or trial.violations is None else not trial.violations


def _measures(tries: _Tries) -> Measures:
    return Measures(
        tool_calls=ToolCalls.over([t.funnel for t in tries.valid]),
        unused=_unused(tries.valid),
        tokens=_tokens([t.usage for t in tries.valid]),
        cost=_cost(tries),
        times=_times(tries.valid),
        waits=_waits(tries.all),
        endings=_ranked(t.ending for t in tries.trials),
        verdicts=_ranked(t.verdict for t in tries.trials),
        spoiled_by=_ranked(
            t.failure.origin if t.failure else "not_stated"
            for t in tries.all
            if t.verdict is Verdict.UNGRADED
        ),
    )


def _unused(trials: Sequence[Trial]) -> Unused:
    counts = [t.unused for t in trials]
    return Unused(
        total=Total.over(counts),
        per_trial=Mean.over(counts),
        trials_with=Share.over([None if c is None else c > 0 for c in counts]),
    )


def _tokens(usages: Sequence[Usage | None]) -> Tokens:
    reports = [usage or Usage() for usage in usages]
    return Tokens(
        fresh_input=Total.over([u.fresh_input for u in reports]),
        cache_read=Total.over([u.cache_read for u in reports]),
        cache_write=Total.over([u.cache_write for u in reports]),
        output=Total.over([u.output for u in reports]),
        reasoning=Total.over([u.reasoning for u in reports]),
    )


def _cost(tries: _Tries) -> Cost:
    costs = [t.cost_usd for t in tries.valid]
    counted = Total.over(costs)
    return Cost(
        counted=counted,
        all_tries=Total.over([t.cost_usd for t in tries.all]),
        per_trial=Mean.over(costs),
        per_solved=counted.divided(tries.passes) if tries.passes else None,
    )


def _times(trials: Sequence[Trial]) -> Times:
    replies = [reply for trial in trials for reply in trial.latencies]
    return Times(
        response=Spread.over([r.response_s for r in replies]),
        ttft=Spread.over([r.ttft_s for r in replies]),
        ttfo=Spread.over([r.ttfo_s for r in replies]),
        output_speed=Spread.over([r.output_tokens_per_s for r in replies]),
        wall=Spread.over([t.phases.get("total") for t in trials]),
    )


def _waits(tries: Sequence[Trial]) -> Waits:
    requests, limited = sum(t.requests for t in tries), sum(t.rate_limited for t in tries)
    both = [t.phases for t in tries if {"waiting", "total"} <= t.phases.keys()]
    wall = sum(p["total"] for p in both)
    return Waits(
        requests=requests,
        rate_limited=limited,
        per_100_requests=100 * limited / requests if requests else None,
        seconds=Total.over([t.phases.get("waiting") for t in tries]),
        share_of_wall=sum(p["waiting"] for p in both) / wall if wall else None,
    )


def _ranked(words: Iterable[str]) -> dict[str, int]:
    """Count the words, most frequent first, then by name."""
    return dict(sorted(Counter(map(str, words)).items(), key=lambda item: (-item[1], item[0])))
