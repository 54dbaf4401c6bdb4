"""The estimators over many simulated comparisons at once, and proof that they are the testbed's.

`a` and `b` hold the passes of `k` trials of two models: one row per comparison, one column per
scenario. Every function has its pattern in `testbed.comparing.paired` or `testbed.comparing.looks`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from testbed.comparing.looks import EARLY, LAST, take_look
from testbed.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from testbed.comparing.paired import Difference

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SAMPLE = 40
"""Comparisons of each kind that the testbed itself computes too."""
MARGIN = 0.10


@dataclass(frozen=True)
class Many:
    """Many intervals at once."""

    value: Floats
    low: Floats
    high: Floats

    @classmethod
    def around(cls, value: Floats, half: Floats) -> Many:
        """Cut where differences of rates end."""
        return cls(value, np.maximum(-1, value - half), np.minimum(1, value + half))

    def check(self, found: list[Difference | None]) -> None:
        """Demand that these are what the testbed itself finds."""
        for low, high, one in zip(self.low, self.high, found, strict=False):
            if one is None or one.interval is None:
                raise AssertionError("the testbed finds no interval where the bench does")
            ends = (one.interval.low, one.interval.high)
            if not np.allclose((low, high), ends, rtol=0, atol=1e-9):
                raise AssertionError(f"{(low, high)} here, {ends} in the testbed")


def over_tasks(a: Counts, b: Counts, k: int, confidence: float = LAST) -> Many:
    """`difference_over_tasks`, set by set."""
    gains, n = b - a, a.shape[1]
    alike = (gains == gains[:, :1]).all(axis=1)
    se = np.where(alike, smoothed(a, b, k), gains.std(axis=1, ddof=1) / k / math.sqrt(n))
    return Many.around(gains.mean(axis=1) / k, stdtrit(n - 1, (1 + confidence) / 2) * se)


def over_suite(a: Counts, b: Counts, k: int) -> Many:
    """`difference_over_suite`, set by set."""
    seen = sum((c / k * (1 - c / k)).sum(axis=1) for c in (a, b)) / (k - 1)
    se = np.where(seen > 0, np.sqrt(seen) / a.shape[1], smoothed(a, b, k))
    return Many.around((b - a).mean(axis=1) / k, ndtri(0.975) * se)


def smoothed(a: Counts, b: Counts, k: int) -> Floats:
    """Give the error that stands in where nothing scatters."""
    q = [(c + 0.5) / (k + 1) for c in (a, b)]
    variance: Floats = sum((x * (1 - x)).sum(axis=1) for x in q) / k
    found: Floats = np.sqrt(variance) / a.shape[1]
    return found


def tallies(row: Counts, k: int) -> list[Tally]:
    """Put one model's passes of one set as the testbed takes them."""
    return [Tally(passes=int(c), trials=k) for c in row]


def sampled(a: Counts, b: Counts, k: int) -> Iterator[tuple[list[Tally], list[Tally]]]:
    """Give some of the sets as the testbed takes them."""
    return ((tallies(x, k), tallies(y, k)) for x, y in zip(a[:SAMPLE], b[:SAMPLE], strict=True))


def judge(a: Counts, b: Counts, k: int, *, last: bool) -> tuple[Flags, Flags]:
    """Say of every set whether the rule calls a model better, and whether it stops."""
    usual, strict = over_tasks(a, b, k), over_tasks(a, b, k, EARLY)
    excluded = (usual.low > 0) | (usual.high < 0)
    if last:
        return excluded, np.ones(len(a), dtype=bool)
    told = (strict.low > 0) | (strict.high < 0)
    settled = told | (~excluded & (strict.low > -MARGIN))
    return told, settled | hopeless(a, b, k)


def hopeless(a: Counts, b: Counts, k: int) -> Flags:
    """Say of every set whether endless repeats would leave it open."""
    if k == 1:
        return np.zeros(len(a), dtype=bool)
    n = a.shape[1]
    within = sum((c / k * (1 - c / k)).mean(axis=1) for c in (a, b)) / (k - 1)
    between = np.maximum(0, ((b - a) / k).var(axis=1, ddof=1) - within)
    value = (b - a).mean(axis=1) / k
    se = np.where(within > 0, np.sqrt(within / n), smoothed(a, b, k))
    reach = np.maximum(np.abs(value), value + MARGIN) + 2 * se
    found: Flags = stdtrit(n - 1, 0.975) * np.sqrt(between / n) > reach
    return found


def check_look(
    i: int,
    pair: tuple[list[Tally], list[Tally]],
    told: Flags,
    stopped: Flags,
    *,
    number: int,
    of: int,
) -> None:
    """Demand that the rule itself says the same of this set."""
    look = take_look(*pair, number=number, of=of, margin=MARGIN)
    if look is None:
        raise AssertionError("the rule does not look at this set")
    found = (look.conclusion in ("better", "worse"), look.stop is not None)
    if found != (bool(told[i]), bool(stopped[i])):
        raise AssertionError(f"look {number}: {found} by the rule, {told[i], stopped[i]} here")
