"""When to stop adding repeats: a sequential rule whose looks are declared beforehand, pure.

Looking at a comparison after every repeat, and stopping as soon as its 95 % interval pleases,
finds differences that are not there. So (Haybittle-Peto): the number of looks is fixed before
the first one, an earlier look decides only by its 99.9 % interval, and the last one by the usual
95 % interval. With L looks a difference is then found where there is none in at most
5 % + (L - 1) x 0.1 % of comparisons whose intervals hold what they say, however much the looks
resemble each other. That is true when the rule was chosen before the results were seen; the first
look, at the trials that are there already, is one of the L.

Repeats shrink only what chance does within a scenario. How much the models' difference varies
from scenario to scenario stays, divided by the number of scenarios, whatever is repeated: when
that alone leaves the result open, more repeats are money for nothing, and the rule says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from testbed.comparing.paired import difference_over_suite, difference_over_tasks, half_width
from testbed.stats import estimate_variances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.stats import Interval, Tally

EARLY: Final = 0.999
"""Confidence of the interval by which an earlier look decides."""
LAST: Final = 0.95
MOST_LOOKS: Final = 10
"""Together they add at most 0.9 % to the 5 % of error."""

Conclusion = Literal["better", "worse", "not_worse", "inconclusive"]


class Stop(StrEnum):
    """Why no further repeat is made."""

    SETTLED = "settled"
    """An earlier look's 99.9 % interval decides."""
    LAST_LOOK = "last_look"
    """The declared number of looks is reached: the 95 % interval decides, or nothing does."""
    BUDGET = "budget"
    """There is no money for another repeat: as a last look. What was spent does not know who is
    ahead."""
    HOPELESS = "hopeless"
    """Even endless repeats of these scenarios would leave it open."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the comparison."""

    number: int
    """From 1."""
    of: int
    """Looks declared."""
    trials: int
    """Valid trials of both models that it rests on."""
    value: float
    """The difference B - A over tasks."""
    confidence: float
    interval: Interval
    """At this confidence."""
    conclusion: Conclusion
    """By this interval; `inconclusive` too while the 95 % one says something stronger."""
    floor: float | None
    """Half the 95 % interval that endless repeats would leave; `None`: one repeat does not tell."""
    stop: Stop | None
    """`None`: go on."""


def conclude(interval: Interval | None, margin: float) -> Conclusion:
    """Say what an interval of B - A means, when B may be worse by up to `margin`."""
    if interval is None:
        return "inconclusive"
    if interval.low > 0:
        return "better"
    if interval.high < 0:
        return "worse"
    return "not_worse" if interval.low > -margin else "inconclusive"


def take_look(
    a: Sequence[Tally],
    b: Sequence[Tally],
    *,
    number: int,
    of: int,
    margin: float,
    affordable: bool = True,
) -> Look | None:
    """Look at the comparison of B with A, `a[i]` and `b[i]` of the same scenario.

    `affordable` says whether another repeat can be paid for. An early look decides only what the
    95 % interval says too, so the usual comparison, printed after a stop, never claims more than
    this rule does. `None` below two scenarios: no repeat settles those.
    """
    last = number >= of or not affordable
    confidence = LAST if last else EARLY
    found = difference_over_tasks(a, b, confidence=confidence)
    usual = difference_over_tasks(a, b)
    if found is None or usual is None or found.interval is None:
        return None
    conclusion = conclude(found.interval, margin)
    if conclusion != conclude(usual.interval, margin):
        conclusion = "inconclusive"
    variances = estimate_variances(a, b)
    floor = half_width(variances, len(a), math.inf) if variances else None
    return Look(
        number=number,
        of=of,
        trials=sum(tally.trials for tally in (*a, *b)),
        value=found.value,
        confidence=confidence,
        interval=found.interval,
        conclusion=conclusion,
        floor=floor,
        stop=_stop(
            decided=conclusion != "inconclusive",
            complete=number >= of,
            affordable=affordable,
            hopeless=floor is not None and floor > _reach(a, b, margin),
        ),
    )


def _stop(*, decided: bool, complete: bool, affordable: bool, hopeless: bool) -> Stop | None:
    if complete:
        return Stop.LAST_LOOK
    if not affordable:
        return Stop.BUDGET
    if decided:
        return Stop.SETTLED
    return Stop.HOPELESS if hopeless else None


def _reach(a: Sequence[Tally], b: Sequence[Tally], margin: float) -> float:
    """Say how wide to either side a 95 % interval may be that settles after endless repeats.

    They would also move the difference, by up to twice its error on this very suite: it is taken
    to move to where it settles most easily.
    """
    found = difference_over_suite(a, b)
    if found is None or found.se is None:
        return math.inf
    return max(abs(found.value), found.value + margin) + 2 * found.se
