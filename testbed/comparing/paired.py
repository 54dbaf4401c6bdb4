"""Two models on the same scenarios: paired differences and ratios of B against A, pure.

`a[i]` and `b[i]` are always of the same scenario; sequences that do not pair raise `ValueError`.
Scenarios are the unit, so no estimate treats repeats as independent data. Tests that count
possibilities are in `testbed.comparing.exact` and are offered here too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean, stdev, variance
from typing import TYPE_CHECKING, Final, NamedTuple

from testbed.comparing.exact import McNemar, fisher_p, holm, mcnemar, sign_flip_p
from testbed.stats import Interval, t_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.stats import Tally, Variances

__all__ = [
    "Difference",
    "Enough",
    "McNemar",
    "Ratio",
    "cost_per_solved_ratio",
    "difference_over_suite",
    "difference_over_tasks",
    "fisher_p",
    "geometric_ratio",
    "holm",
    "mcnemar",
    "mean_difference",
    "sign_flip_p",
    "what_would_settle",
]

ALIKE: Final = 1e-9
"""Figures that scatter by less than this share of their size scatter by rounding alone."""
MOST_SCENARIOS: Final = 1000
"""Nobody writes more of them to settle a comparison."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A paired difference B - A: the mean over scenarios, and how sure it is."""

    value: float
    se: float | None
    """`None` when it cannot be estimated: one scenario, or k = 1 for the suite's own."""
    interval: Interval | None
    """95 % unless another confidence was asked for; of rates, cut at -1 and 1."""
    p: float | None
    """Two-sided."""
    degenerate: bool = False
    """Nothing scatters (s_d = 0): the error of rates is smoothed, that of other figures unknown,
    and p is unknown."""


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A ratio B / A of money or time."""

    value: float | None
    interval: Interval | None
    """95 %."""
    known: int
    """Scenarios that it rests on."""
    of: int


class Enough(NamedTuple):
    """How much of one thing would settle a comparison; `None`: no sensible number would."""

    repeats: int | None
    """Per scenario and model, with the scenarios as they are."""
    scenarios: int | None
    """With the repeats as they are."""


def difference_over_tasks(
    a: Sequence[Tally], b: Sequence[Tally], *, confidence: float = 0.95
) -> Difference | None:
    """Compare over tasks like these: the scenarios are a sample, the error is theirs.

    Paired t over the scenarios' differences. When they are all alike, the error that repeats
    alone would leave stands in, smoothed so that it is never 0. `None` without scenarios.
    """
    gains = _gains(a, b)
    if not gains:
        return None
    value, n = float(sum(gains) / len(gains)), len(gains)
    if n == 1:
        return Difference(value=value, se=None, interval=None, p=None)
    alike = len(set(gains)) == 1
    se = _smoothed_se(a, b) if alike else stdev(map(float, gains)) / math.sqrt(n)
    return Difference(
        value=value,
        se=se,
        interval=_around(value, t_quantile((1 + confidence) / 2, n - 1) * se, most=1.0),
        p=None if alike else _t_test(value / se, n - 1),
        degenerate=alike,
    )


def difference_over_suite(
    a: Sequence[Tally], b: Sequence[Tally], *, confidence: float = 0.95
) -> Difference | None:
    """Compare on this very suite: only the repeats are chance.

    A z interval; it needs two trials of every scenario from both models. When no scenario
    scatters, the smoothed error stands in. `None` without scenarios.
    """
    from scipy.special import ndtr, ndtri

    gains = _gains(a, b)
    if not gains:
        return None
    value = float(sum(gains) / len(gains))
    if any(tally.trials < 2 for tally in (*a, *b)):  # noqa: PLR2004  (one trial has no scatter)
        return Difference(value=value, se=None, interval=None, p=None)
    seen = math.fsum(t.rate * (1 - t.rate) / (t.trials - 1) for t in (*a, *b))
    se = math.sqrt(seen) / len(gains) if seen else _smoothed_se(a, b)
    return Difference(
        value=value,
        se=se,
        interval=_around(value, float(ndtri((1 + confidence) / 2)) * se, most=1.0),
        p=2 * float(ndtr(-abs(value / se))) if seen else None,
        degenerate=not seen,
    )


def mean_difference(
    a: Sequence[float | None], b: Sequence[float | None], *, most: float = math.inf
) -> Difference | None:
    """Compare any figure by its means per scenario, where both are known: paired t, 95 %.

    `most` is the largest difference that can be (1 for shares); the interval is cut there. When
    all scenarios differ alike nothing tells the error, so it and the interval are `None`. `None`
    without a scenario that is known of both.
    """
    pairs = _known(a, b)
    if not pairs:
        return None
    gains = [right - left for left, right in pairs]
    value, n = fmean(gains), len(gains)
    spread = stdev(gains) if n > 1 else 0.0
    if spread <= ALIKE * max(abs(x) for pair in pairs for x in pair):
        return Difference(value=value, se=None, interval=None, p=None, degenerate=n > 1)
    se = spread / math.sqrt(n)
    interval = _around(value, t_quantile(0.975, n - 1) * se, most=most)
    return Difference(value=value, se=se, interval=interval, p=_t_test(value / se, n - 1))


def cost_per_solved_ratio(
    costs_a: Sequence[float | None],
    costs_b: Sequence[float | None],
    solved_a: Sequence[int],
    solved_b: Sequence[int],
) -> Ratio:
    """Compare total cost / solved trials; per scenario the cost of all trials and how many passed.

    Over the scenarios whose costs are known of both. The interval is a jackknife over scenarios
    of the log ratio with Student's t. No ratio when a model solved nothing or cost nothing; no
    interval when that holds without one of the scenarios, or when none makes a difference.
    """
    rows = [
        (cost_a, cost_b, passed_a, passed_b)
        for cost_a, cost_b, passed_a, passed_b in zip(
            costs_a, costs_b, solved_a, solved_b, strict=True
        )
        if cost_a is not None and cost_b is not None
    ]
    value = _log_cost_ratio(rows)
    without = [_log_cost_ratio(rows[:i] + rows[i + 1 :]) for i in range(len(rows))]
    known = [one for one in without if one is not None]
    n = len(rows)
    se = math.sqrt((n - 1) ** 2 / n * variance(known)) if len(known) == n > 1 else 0.0
    return _ratio(value, se, known=n, of=len(costs_a))


def geometric_ratio(a: Sequence[float | None], b: Sequence[float | None]) -> Ratio:
    """Compare positive figures, e.g. the mean cost per trial of each scenario, by their ratios.

    The geometric mean of the ratios per scenario, with a paired t interval of their logarithms,
    over the scenarios that are known of both. No ratio when one of these figures is 0: to leave
    it out would choose the scenarios by their result.
    """
    pairs = _known(a, b)
    n = len(pairs)
    if not pairs or any(x <= 0 for pair in pairs for x in pair):
        return Ratio(value=None, interval=None, known=n, of=len(a))
    logs = [math.log(right) - math.log(left) for left, right in pairs]
    se = stdev(logs) / math.sqrt(n) if n > 1 else 0.0
    return _ratio(fmean(logs), se, known=n, of=len(a))


def what_would_settle(
    variances: Variances,
    value: float,
    *,
    scenarios: int,
    repeats: int,
    margin: float = 0.10,
    limit_repeats: int = 50,
) -> Enough:
    """Find the least additions at which a comparison over tasks would no longer be inconclusive.

    Rule: with N scenarios and k repeats of each and these variances, the 95 % interval about the
    observed difference `value` reaches h = t(.975, N - 1) x sqrt((between + (within_a + within_b)
    / k) / N) to either side. It settles when it excludes 0 (h < |value|) or lies above minus the
    margin (h < value + margin). Repeats are sought above `repeats` up to `limit_repeats` with N
    fixed, scenarios above `scenarios` up to 1000 with k fixed. It is what a repetition would show
    were the difference exactly as seen: an even chance of it, no promise.
    """
    reach = max(abs(value), value + margin)
    more_repeats = range(repeats + 1, limit_repeats + 1) if scenarios > 1 else range(0)
    more_scenarios = range(max(scenarios + 1, 2), MOST_SCENARIOS + 1)
    return Enough(
        next((k for k in more_repeats if half_width(variances, scenarios, k) < reach), None),
        next((n for n in more_scenarios if half_width(variances, n, repeats) < reach), None),
    )


def half_width(variances: Variances, scenarios: int, repeats: float) -> float:
    """Foretell half the 95 % interval over tasks; infinite repeats leave the scenarios' part.

    Without any scatter every rate was 0 or 1, and the smoothed error stands in as it does in
    `difference_over_tasks`. Needs two scenarios.
    """
    within = variances.within_a + variances.within_b
    if not within and not variances.between and math.isfinite(repeats):
        within = 2 * (repeats + 0.5) * 0.5 / (repeats + 1) ** 2
    return t_quantile(0.975, scenarios - 1) * math.sqrt(
        (variances.between + within / repeats) / scenarios
    )


def _gains(a: Sequence[Tally], b: Sequence[Tally]) -> list[Fraction]:
    """Give the differences B - A exactly: thirds that are alike are seen to be."""
    return [
        Fraction(y.passes, y.trials) - Fraction(x.passes, x.trials)
        for x, y in zip(a, b, strict=True)
    ]


def _smoothed_se(a: Sequence[Tally], b: Sequence[Tally]) -> float:
    """Give the error that repeats leave, with half a pass and half a failure added to each."""
    smoothed = [((t.passes + 0.5) / (t.trials + 1), t.trials) for t in (*a, *b)]
    return math.sqrt(math.fsum(q * (1 - q) / k for q, k in smoothed)) / len(a)


def _t_test(t: float, degrees: int) -> float:
    from scipy.special import stdtr

    return 2 * float(stdtr(degrees, -abs(t)))


def _around(value: float, half: float, *, most: float) -> Interval:
    return Interval(low=max(-most, value - half), high=min(most, value + half))


def _known(a: Sequence[float | None], b: Sequence[float | None]) -> list[tuple[float, float]]:
    pairs = zip(a, b, strict=True)
    return [(x, y) for x, y in pairs if x is not None and y is not None]


def _log_cost_ratio(rows: Sequence[tuple[float, float, int, int]]) -> float | None:
    sums = [math.fsum(column) for column in zip(*rows, strict=True)]
    if not sums or min(sums) <= 0:
        return None
    cost_a, cost_b, passed_a, passed_b = map(math.log, sums)
    return cost_b - passed_b - cost_a + passed_a


def _ratio(log: float | None, se: float, *, known: int, of: int) -> Ratio:
    """Leave the logarithms; an error that is rounding alone says nothing."""
    if log is None:
        return Ratio(value=None, interval=None, known=known, of=of)
    interval = None
    if se > ALIKE:
        half = t_quantile(0.975, known - 1) * se
        interval = Interval(low=math.exp(log - half), high=_exp(log + half))
    return Ratio(value=math.exp(log), interval=interval, known=known, of=of)


def _exp(power: float) -> float:
    """Exponentiate; beyond all floats the upper end is open."""
    try:
        return math.exp(power)
    except OverflowError:
        return math.inf
