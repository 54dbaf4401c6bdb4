"""Records -> a comparison of two models, or a contest of several against one baseline. Pure."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from testbed.comparing.comparison import Contest, Outcome
from testbed.comparing.halves import halve, planned
from testbed.comparing.paired import difference_over_tasks, holm
from testbed.comparing.pairing import compared
from testbed.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.comparing.comparison import Comparison
    from testbed.comparing.halves import Half
    from testbed.figures import ModelFigures, RunFigures
    from testbed.stats import Interval
    from testbed.view import RunView

MARGIN: Final = 0.10
"""What a candidate may be worse by and still pass for "not worse"."""
LEVEL: Final = 0.05
NONE: Final[Mapping[str, RunFigures]] = MappingProxyType({})


def compare(
    a: RunView, b: RunView, *, model_a: str, model_b: str, margin: float = MARGIN
) -> Comparison:
    """Compare a candidate, `model_b` in `b`, with a baseline, `model_a` in `a`.

    Conditions that differ are listed, not refused: see `likeness.demand_alike`. Raises
    `RunError` when a run has no such model, when a model is compared with itself in one run, and
    when runs with different numbers of follow-ups meet: those are never mixed.
    """
    shared = _shared((a, model_a), (b, model_b))
    return compared(halve(a, model_a, shared), halve(b, model_b, shared), margin)


def contest(view: RunView, baseline: str, *, margin: float = MARGIN) -> Contest:
    """Compare every other model of one run with the baseline; see `contest_between`.

    Several runs seen as one no longer know which run a condition is of: give each model's own.
    """
    return contest_between({m.name: view for m in view.models}, baseline, margin=margin)


def contest_between(
    views: Mapping[str, RunView],
    baseline: str,
    *,
    margin: float = MARGIN,
    figures: Mapping[str, RunFigures] = NONE,
) -> Contest:
    """Compare each model, in its own view, with the baseline.

    `figures` are those of a model's view, where they are known: what is computed once is not
    computed again.

    `better` and `worse` need the interval and, with several candidates, Holm's p below 0.05.
    Models stand in the order of `standing`. The first has rank 1; each next one shares the rank of
    the model above it when its paired interval against the top model of that rank holds 0 or is
    unknown, else its place in the order is its rank. A model without a pass rate never shares the
    rank of one that has it. Raises as `compare` does.
    """
    if baseline not in views:
        raise RunError(
            f"no model `{baseline}` to compare with", next_step=f"There are: {', '.join(views)}"
        )
    cast = _Cast(views, figures)
    order = sorted(views, key=lambda model: standing(cast.whole(model).figures))
    found = [compared(*cast.pair(baseline, model), margin) for model in order if model != baseline]
    return Contest(
        baseline=baseline,
        comparisons=tuple(_corrected(found) if len(found) > 1 else found),
        ranks=_ranks(cast, order),
    )


def standing(model: ModelFigures) -> tuple[float, float, str]:
    """Order models by pass@1, then single-prompt success, then name; unknown rates last."""
    estimate, first = model.pass_1.left_out, model.single_prompt.rate
    return (
        -estimate.value if estimate else 1.0,
        1.0 if first is None else -first,
        model.model,
    )


class _Cast:
    """The models of a contest; what is computed of one is kept for its next rival."""

    def __init__(self, views: Mapping[str, RunView], figures: Mapping[str, RunFigures]) -> None:
        self._views = views
        self._figures = figures
        self._halves: dict[tuple[str, frozenset[str]], Half] = {}

    def whole(self, model: str) -> Half:
        view = self._views[model]
        return self._half(model, frozenset(s.id for s in planned(view, model)))

    def pair(self, a: str, b: str) -> tuple[Half, Half]:
        shared = _shared((self._views[a], a), (self._views[b], b))
        return self._half(a, shared), self._half(b, shared)

    def _half(self, model: str, scenarios: frozenset[str]) -> Half:
        known = self._halves.get((model, scenarios))
        return known or self._halves.setdefault(
            (model, scenarios),
            halve(self._views[model], model, scenarios, self._figures.get(model)),
        )


def _shared(a: tuple[RunView, str], b: tuple[RunView, str]) -> frozenset[str]:
    """List the scenarios that were planned for both, and refuse what is no comparison."""
    (left, model_a), (right, model_b) = a, b
    if model_a == model_b and left.run_id == right.run_id:
        raise RunError(
            f"`{model_a}` in run {left.run_id} is compared with itself",
            next_step="Name another model, or another run of it",
        )
    if left.follow_ups != right.follow_ups:
        raise RunError(
            f"run {left.run_id} has {left.follow_ups} follow-ups and run {right.run_id} has "
            f"{right.follow_ups}: they are never mixed",
            next_step="Compare runs of one mode",
        )
    plans = ({s.id for s in planned(view, model)} for view, model in (a, b))
    return frozenset.intersection(*map(frozenset, plans))


def _corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """Correct for several candidates: one in twenty would seem to differ by chance."""
    known = [i for i, one in enumerate(found) if one.tasks and one.tasks.se is not None]
    ps = holm([_p(found[i]) for i in known])
    corrected = dict(zip(known, ps, strict=True))
    return [_weakened(one, corrected.get(i)) for i, one in enumerate(found)]


def _p(comparison: Comparison) -> float:
    """Give the p that belongs to the interval, also where its error is smoothed."""
    from scipy.special import stdtr

    tasks = comparison.tasks
    if tasks is None or tasks.se is None:
        return 1.0
    if tasks.p is not None:
        return tasks.p
    return 2 * float(stdtr(comparison.paired - 1, -abs(tasks.value / tasks.se)))


def _weakened(comparison: Comparison, p: float | None) -> Comparison:
    decided = comparison.outcome in (Outcome.BETTER, Outcome.WORSE)
    if not decided or p is None or p < LEVEL:
        return replace(comparison, holm_p=p)
    interval = comparison.tasks.interval if comparison.tasks else None
    above = interval is not None and interval.low > -comparison.margin
    return replace(
        comparison, holm_p=p, outcome=Outcome.NOT_WORSE if above else Outcome.INCONCLUSIVE
    )


def _ranks(cast: _Cast, order: Sequence[str]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    top = ""
    for place, model in enumerate(order, 1):
        if not top or not _alike(*cast.pair(top, model)):
            top, ranks[model] = model, place
        else:
            ranks[model] = ranks[top]
    return ranks


def _alike(top: Half, other: Half) -> bool:
    """Say whether nothing tells two models of the order apart."""
    if not top.tallies or not other.tallies:
        return bool(top.tallies) == bool(other.tallies)
    both = [s for s in top.tallies if s in other.tallies]
    left, right = ([half.tallies[s] for s in both] for half in (top, other))
    found = difference_over_tasks(left, right)
    interval: Interval | None = found.interval if found else None
    return interval is None or interval.low <= 0 <= interval.high
