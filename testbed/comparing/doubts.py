"""What puts a comparison in doubt, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.comparing.comparison import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbed.comparing.comparison import Unlike
    from testbed.comparing.halves import Half

FEW: Final = 6
"""Scenarios below which no test can show a difference: 2 of 2^5 ways to swap are 6 %."""
SHOWN: Final = 5
PRICES: Final = "prices."


def doubts(
    a: Half, b: Half, *, left_out: Sequence[str], paired: Sequence[str], found: Sequence[Unlike]
) -> Iterator[str]:
    """Say what a reader has to know before believing the comparison, the gravest first."""
    grave = [one.condition for one in found if one.severity is Severity.REFUSED]
    if grave:
        yield f"The two sides were made under different conditions: {_listed(grave)}."
    if left_out:
        yield (
            "Left out of every estimate, for not both sides have a valid trial of them: "
            f"{_listed(left_out)}."
        )
    if 0 < len(paired) < FEW:
        count = f"{len(paired)} scenario{'s' if len(paired) > 1 else ''}"
        yield f"It rests on {count}: too few to say much about other tasks."
    if paired and all(len(half.valid[s]) == 1 for half in (a, b) for s in paired):
        yield "One trial of each scenario cannot tell chance from difference within a scenario."
    for half in (a, b):
        yield from _of_one(half)
    yield from _prices(a, b)


def _of_one(half: Half) -> Iterator[str]:
    model, counts = half.figures.model, half.figures.counts
    missing = counts.planned - counts.valid
    if missing:
        yield (
            f"{missing} of {counts.planned} planned trials of {model} have no verdict: they are "
            "left out, and the worst case counts them against the candidate."
        )
    cost = half.figures.measures.cost.per_trial
    if 0 < cost.known < cost.of:
        yield f"The cost of {cost.of - cost.known} of {cost.of} trials of {model} is unknown."
    red = half.figures.preflight.failed if half.figures.preflight else ()
    if red:
        yield f"{model} was run although its endpoint failed: {_listed(red)}."
    served = list(half.figures.measures.served)
    if len(served) > 1:
        yield f"The endpoint served {model} under several names: {_listed(served)}."


def _prices(a: Half, b: Half) -> Iterator[str]:
    told = [
        {text for name, text in half.view.conditions.items() if name.startswith(PRICES)}
        for half in (a, b)
    ]
    if all(told) and told[0] != told[1]:
        dates = [", ".join(sorted(one)) for one in told]
        yield (
            f"The prices are of different dates: {dates[0]} for the baseline, {dates[1]} for the "
            "candidate."
        )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
