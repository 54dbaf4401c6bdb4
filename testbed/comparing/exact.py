"""Exact tests by counting possibilities, and Holm's correction, pure.

Everything is counted in whole numbers: no tolerance decides what is "as extreme as seen".
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.stats import Tally

MOST_FLIPPED: Final = 12
"""Scenarios: above, the t test is as good."""


class McNemar(NamedTuple):
    """Two-sided p values of McNemar's test."""

    exact: float
    mid_p: float
    """Half the weight of what was seen: the exact test is too careful."""


def sign_flip_p(a: Sequence[Tally], b: Sequence[Tally]) -> float | None:
    """Test that A and B could be swapped in every scenario: exact, two-sided, paired.

    The share of all 2^N ways to swap whose difference is at least as large as seen. `None`
    without scenarios and with more than 12.
    """
    if not 0 < len(a) <= MOST_FLIPPED:
        return None
    unit = math.lcm(*(tally.trials for tally in (*a, *b)))
    gains = [
        y.passes * (unit // y.trials) - x.passes * (unit // x.trials)
        for x, y in zip(a, b, strict=True)
    ]
    ways = Counter({0: 1})
    for gain in gains:
        swapped: Counter[int] = Counter()
        for total, count in ways.items():
            swapped[total + gain] += count
            swapped[total - gain] += count
        ways = swapped
    seen = abs(sum(gains))
    return sum(n for total, n in ways.items() if abs(total) >= seen) / (1 << len(gains))


def mcnemar(a: Sequence[Tally], b: Sequence[Tally]) -> McNemar | None:
    """Test single trials of the same scenarios by those that only one model passed.

    `None` without scenarios, or when a scenario has more than one trial.
    """
    pairs = list(zip(a, b, strict=True))
    if not pairs or any(tally.trials != 1 for tally in (*a, *b)):
        return None
    gained = sum(y.passes > x.passes for x, y in pairs)
    lost = sum(x.passes > y.passes for x, y in pairs)
    n, fewer = gained + lost, min(gained, lost)
    tail = sum(math.comb(n, i) for i in range(fewer + 1))
    both, seen = 2 * tail / 2**n, math.comb(n, fewer) / 2**n
    return McNemar(exact=min(1.0, both), mid_p=both - seen)


def fisher_p(a: Tally, b: Tally) -> float:
    """Test one scenario: how likely two equal models differ at least as unlikely as seen."""
    passes = a.passes + b.passes
    ways = [
        math.comb(a.trials, i) * math.comb(b.trials, passes - i)
        for i in range(max(0, passes - b.trials), min(a.trials, passes) + 1)
    ]
    seen = math.comb(a.trials, a.passes) * math.comb(b.trials, b.passes)
    return sum(way for way in ways if way <= seen) / sum(ways)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Correct p values for being several (Holm's step-down), each in its place."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    stepped = accumulate((min(1.0, (len(ps) - rank) * ps[i]) for rank, i in enumerate(order)), max)
    corrected = dict(zip(order, stepped, strict=True))
    return tuple(corrected[i] for i in range(len(ps)))
