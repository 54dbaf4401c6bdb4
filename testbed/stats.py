"""Estimators over scenarios, pure: pass@k, pass^k, one rate's interval, what a plan can detect.

The scenario is the unit: its repeats are averaged first and are never independent data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, variance
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Tally:
    """One scenario's repeats: `passes` of `trials`, at least one trial."""

    passes: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.passes <= self.trials or self.trials < 1:
            raise ValueError(f"{self.passes} passes of {self.trials} trials is no tally")

    @property
    def rate(self) -> float:
        """Give the share of trials that passed."""
        return self.passes / self.trials


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A two-sided confidence interval."""

    low: float
    high: float

    def spanning(self, other: Interval) -> Interval:
        """Give the smallest interval that holds both."""
        return Interval(low=min(self.low, other.low), high=max(self.high, other.high))


@dataclass(frozen=True, kw_only=True)
class RateEstimate:
    """A pass rate over scenarios, as fractions of 1, and how sure it is."""

    value: float
    interval: Interval | None
    """95 %; `None` for one scenario: its repeats say nothing about other scenarios."""
    se: float | None
    """Standard error over scenarios; `None` for one scenario."""
    n_eff: float
    """How many independent trials the interval is worth."""
    scenarios: int
    trials: int


@dataclass(frozen=True, kw_only=True)
class Variances:
    """How far the pass rates of two models, A and B, scatter on the same scenarios."""

    within_a: float
    """Variance of one trial of A about its scenario's rate, mean over scenarios."""
    within_b: float
    between: float
    """Variance of the true difference B - A over scenarios."""


ASSUMED: Final = Variances(within_a=0.125, within_b=0.125, between=0.075)
"""Before any trial: both models pass half of all trials, half of the variance p(1 - p) = 0.25 lies
between scenarios, and the scenarios' rates of the two models correlate by 0.7:
between = 2 x 0.125 x (1 - 0.7)."""


def pass_at_k(tallies: Sequence[Tally], k: int) -> float | None:
    """Estimate the chance that one of `k` trials passes, mean over scenarios.

    `None` without scenarios or when one of them has fewer than `k` trials.
    """
    if not _enough(tallies, k):
        return None
    return fmean(1 - math.comb(t.trials - t.passes, k) / math.comb(t.trials, k) for t in tallies)


def pass_all_k(tallies: Sequence[Tally], k: int) -> float | None:
    """Estimate the chance that all of `k` trials pass (pass^k), mean over scenarios.

    `None` without scenarios or when one of them has fewer than `k` trials.
    """
    if not _enough(tallies, k):
        return None
    return fmean(math.comb(t.passes, k) / math.comb(t.trials, k) for t in tallies)


def estimate_rate(tallies: Sequence[Tally], *, confidence: float = 0.95) -> RateEstimate | None:
    """Estimate pass@1 with a Wilson interval on the effective sample size.

    The repeats of a scenario count only as far as scenarios differ less than chance would
    have it: N <= n_eff <= number of trials, and Student's t with N - 1 degrees of freedom
    stands in place of z. `None` without scenarios.
    """
    if not tallies:
        return None
    n, trials = len(tallies), sum(t.trials for t in tallies)
    rates = [t.rate for t in tallies]
    p = fmean(rates)
    se = math.sqrt(variance(rates) / n) if n > 1 else None
    n_eff = min(max(p * (1 - p) / se**2, n), trials) if se else float(n)
    interval = wilson(p, n_eff, t_quantile((1 + confidence) / 2, n - 1)) if n > 1 else None
    return RateEstimate(value=p, interval=interval, se=se, n_eff=n_eff, scenarios=n, trials=trials)


def estimate_variances(a: Sequence[Tally], b: Sequence[Tally]) -> Variances | None:
    """Estimate how two models scatter; `a[i]` and `b[i]` are tallies of the same scenario.

    `None` with fewer than two scenarios, or when a scenario has fewer than two trials of a model:
    repeats alone tell chance from difference. Raises `ValueError` when the tallies do not pair.
    """
    gains = [right.rate - left.rate for left, right in zip(a, b, strict=True)]
    if len(gains) < 2 or any(tally.trials < 2 for tally in (*a, *b)):  # noqa: PLR2004
        return None
    by_chance = fmean(
        _scatter(x) / x.trials + _scatter(y) / y.trials for x, y in zip(a, b, strict=True)
    )
    return Variances(
        within_a=fmean(map(_scatter, a)),
        within_b=fmean(map(_scatter, b)),
        between=max(0.0, variance(gains) - by_chance),
    )


def minimal_detectable_effect(
    variances: Variances, *, scenarios: int, repeats: int, power: float = 0.8
) -> float | None:
    """Find the smallest difference of two pass rates that a comparison would likely show.

    It is found with this power at the two-sided 5 % level when each of two models makes `repeats`
    trials of every scenario. As a fraction of 1; `None` below two scenarios.
    """
    if scenarios < 2:  # noqa: PLR2004  (no degree of freedom)
        return None
    reach = t_quantile(0.975, scenarios - 1) + t_quantile(power, scenarios - 1)
    within = variances.within_a + variances.within_b
    return reach * math.sqrt((variances.between + within / repeats) / scenarios)


def _scatter(tally: Tally) -> float:
    """Estimate the variance of one trial about its scenario's rate, without bias."""
    return tally.rate * (1 - tally.rate) * tally.trials / (tally.trials - 1)


def wilson(p: float, n: float, z: float) -> Interval:
    """Wilson's score interval of a rate `p` seen in `n` independent trials."""
    shrink = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    low = 0.0 if p <= 0 else max(0.0, centre - half)
    high = 1.0 if p >= 1 else min(1.0, centre + half)
    return Interval(low=low, high=high)


def exact_interval(hits: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Clopper and Pearson's interval of a rate seen `hits` times in `trials` independent trials.

    It covers the true rate at least as often as it says, however rare the hits. Raises
    `ValueError` without trials, or for more hits than trials.
    """
    from scipy.special import betaincinv

    if not 0 <= hits <= trials or trials < 1:
        raise ValueError(f"{hits} of {trials} is no rate")
    tail = (1 - confidence) / 2
    low = betaincinv(hits, trials - hits + 1, tail) if hits else 0.0
    high = betaincinv(hits + 1, trials - hits, 1 - tail) if hits < trials else 1.0
    return Interval(low=float(low), high=float(high))


def t_quantile(q: float, degrees: int) -> float:
    """Quantile `q` of Student's t with `degrees` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, q))


def quantiles(values: Sequence[float], *shares: float) -> tuple[float | None, ...]:
    """Find the quantiles at these shares, linear between neighbours; `None` without values."""
    ordered = sorted(values)
    return tuple(_quantile(ordered, share) if ordered else None for share in shares)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _enough(tallies: Sequence[Tally], k: int) -> bool:
    return bool(tallies) and 1 <= k <= min(t.trials for t in tallies)
