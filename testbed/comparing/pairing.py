"""Two sides -> their comparison: every estimate of it, pure."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from testbed.comparing.comparison import (
    Comparison,
    KindPair,
    Outcome,
    ScenarioPair,
    Settling,
    Side,
)
from testbed.comparing.doubts import doubts
from testbed.comparing.figure_pairs import figure_pairs
from testbed.comparing.likeness import unlike
from testbed.comparing.looks import conclude
from testbed.comparing.paired import (
    difference_over_suite,
    difference_over_tasks,
    fisher_p,
    holm,
    mcnemar,
    sign_flip_p,
    what_would_settle,
)
from testbed.stats import Tally, Variances, estimate_variances, t_quantile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbed.comparing.comparison import Difference
    from testbed.comparing.halves import Half

CONFIDENCE: Final = 0.95
POWER: Final = 0.8


def compared(a: Half, b: Half, margin: float) -> Comparison:
    """Compare a candidate `b` with a baseline `a` on the scenarios that both were halved by."""
    pairs = _scenarios(a, b)
    paired = [pair.scenario for pair in pairs if pair.gain is not None]
    left, right = ([half.tallies[s] for s in paired] for half in (a, b))
    tasks, suite = difference_over_tasks(left, right), difference_over_suite(left, right)
    outcome = Outcome(conclude(tasks.interval if tasks else None, margin))
    single = mcnemar(left, right)
    found = unlike(a.view.conditions, b.view.conditions)
    left_out = [pair.scenario for pair in pairs if pair.gain is None]
    return Comparison(
        a=_side(a),
        b=_side(b),
        scenarios=pairs,
        paired=len(paired),
        rate_a=fmean(t.rate for t in left) if left else None,
        rate_b=fmean(t.rate for t in right) if right else None,
        tasks=tasks,
        suite=suite,
        sign_flip_p=sign_flip_p(left, right),
        mcnemar_p=single.mid_p if single else None,
        bounds=_bounds(a, b),
        holm_p=None,
        margin=margin,
        outcome=outcome,
        up=tuple(pair.scenario for pair in pairs if pair.gain and pair.gain > 0),
        down=tuple(pair.scenario for pair in pairs if pair.gain and pair.gain < 0),
        kinds=_kinds(pairs),
        figures=tuple(figure_pairs(a, b, paired, tasks)),
        detectable=_detectable(len(paired), tasks, suite),
        settling=_settling(left, right, tasks, margin) if outcome is Outcome.INCONCLUSIVE else None,
        unlike=found,
        notes=tuple(dict.fromkeys(doubts(a, b, left_out=left_out, paired=paired, found=found))),
    )


def _scenarios(a: Half, b: Half) -> tuple[ScenarioPair, ...]:
    """Pair every scenario of either plan, the baseline's first."""
    known = {s.id for s in a.plan}
    plan = (*a.plan, *(s for s in b.plan if s.id not in known))
    both = [s.id for s in plan if s.id in a.tallies and s.id in b.tallies]
    ps = dict(zip(both, holm([fisher_p(a.tallies[s], b.tallies[s]) for s in both]), strict=True))
    return tuple(
        ScenarioPair(
            scenario=s.id,
            title=s.title,
            kind=s.kind,
            a=a.tallies.get(s.id),
            b=b.tallies.get(s.id),
            planned=min(half.view.repeats_of(half.figures.model, s.id) for half in (a, b)),
            fisher_p=ps.get(s.id),
        )
        for s in plan
    )


def _side(half: Half) -> Side:
    return Side(
        model=half.figures.model,
        scripted=half.figures.scripted,
        runs=half.runs,
        counts=half.figures.counts,
        figures=half.figures,
    )


def _bounds(a: Half, b: Half) -> Difference | None:
    """Suppose that every trial without a verdict went against B; `None` when there is none."""
    counts = [half.figures.counts for half in (a, b)]
    if all(count.planned == count.valid for count in counts):
        return None
    left, right = ([half.cells[s.id] for s in a.view.scenarios] for half in (a, b))
    return difference_over_tasks(
        [
            Tally(passes=c.counts.planned - c.counts.valid + c.passes, trials=c.counts.planned)
            for c in left
        ],
        [Tally(passes=c.passes, trials=c.counts.planned) for c in right],
    )


def _kinds(pairs: Sequence[ScenarioPair]) -> tuple[KindPair, ...]:
    groups: dict[str, list[tuple[Tally, Tally]]] = {}
    for pair in pairs:
        if pair.a and pair.b:
            groups.setdefault(pair.kind, []).append((pair.a, pair.b))
    return tuple(one for kind, group in groups.items() for one in _kind(kind, group))


def _kind(kind: str, group: Sequence[tuple[Tally, Tally]]) -> Iterator[KindPair]:
    a, b = zip(*group, strict=True)
    difference = difference_over_tasks(a, b)
    if difference is not None:
        yield KindPair(
            kind=kind,
            scenarios=len(group),
            a=fmean(t.rate for t in a),
            b=fmean(t.rate for t in b),
            difference=difference,
        )


def _detectable(scenarios: int, tasks: Difference | None, suite: Difference | None) -> float | None:
    """Find the minimal detectable effect from both errors.

    The variance of the mean difference is (between + within / k) / N. The error over tasks
    estimates all of it; where that came out smaller than what repeats alone leave, the error on
    the suite stands in, so that `between` is never below 0.
    """
    if tasks is None or tasks.se is None:
        return None
    repeats = suite.se if suite and suite.se and not suite.degenerate else 0.0
    reach = t_quantile((1 + CONFIDENCE) / 2, scenarios - 1) + t_quantile(POWER, scenarios - 1)
    return reach * max(tasks.se, repeats)


def _settling(
    a: Sequence[Tally], b: Sequence[Tally], tasks: Difference | None, margin: float
) -> Settling | None:
    """Say what would settle it; without repeats all scatter counts as the scenarios'."""
    if tasks is None or tasks.se is None:
        return None
    variances = estimate_variances(a, b) or Variances(
        within_a=0.0, within_b=0.0, between=tasks.se**2 * len(a)
    )
    enough = what_would_settle(
        variances,
        tasks.value,
        scenarios=len(a),
        repeats=min(t.trials for t in (*a, *b)),
        margin=margin,
    )
    return Settling(repeats=enough.repeats, scenarios=enough.scenarios)
