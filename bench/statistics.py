"""Whether the intervals hold what they say: simulated comparisons whose truth is known.

The rates of two models at each scenario are beta-distributed and correlated; the formulas of
METRICS are vectorised, and checked against those of the testbed on a sample of every cell.
Run alone: `python -m bench.statistics`.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, ndtr

from bench.vectors import MARGIN, check_look, judge, over_suite, over_tasks, sampled
from testbed.comparing.paired import difference_over_suite, difference_over_tasks

if TYPE_CHECKING:
    from bench.vectors import Floats

SEED = 20261123
SETS = 20_000
CORRELATION = 0.7
SCENARIOS = (6, 10, 24)
REPEATS = (1, 3, 5)
PLANS = ((1, 10), (3, 5))
"""Repeats at the first look, and looks."""
COVERED = (0.93, 0.97)
ERROR = 0.06


@dataclass(frozen=True)
class Shape:
    """How the rates of both models are distributed over scenarios: two beta distributions."""

    name: str
    a: tuple[float, float]
    b: tuple[float, float]

    @property
    def truth(self) -> float:
        """Give the difference of the mean rates."""
        return self.b[0] / sum(self.b) - self.a[0] / sum(self.a)

    def rates(self, chance: np.random.Generator, scenarios: int) -> tuple[Floats, Floats]:
        """Draw the rates of both models at every scenario of every set."""
        one, other = chance.standard_normal((2, SETS, scenarios))
        both = CORRELATION * one + math.sqrt(1 - CORRELATION**2) * other
        return betaincinv(*self.a, ndtr(one)), betaincinv(*self.b, ndtr(both))


SHAPES = (
    Shape("half pass, equal", (0.5, 0.5), (0.5, 0.5)),
    Shape("80 % pass, equal", (2.0, 0.5), (2.0, 0.5)),
    Shape("50 against 67 %", (2.0, 2.0), (3.0, 1.5)),
)
EQUAL = SHAPES[:2]


@dataclass(frozen=True)
class Cell:
    """What was found of one shape, number of scenarios and of repeats; shares of all sets."""

    shape: Shape
    scenarios: int
    repeats: int
    covers: float
    """The headline interval holds the difference of all tasks like these."""
    alarm: float | None
    """Of a suite where both are equal, the gate fails the candidate: its type I error."""
    either: float | None
    """Likewise, but the gate's interval excludes 0 on either side."""
    passed: float | None
    """Where B is worse, the lower end of the gate's interval lies above the truth."""


def measure_cell(chance: np.random.Generator, shape: Shape, n: int, k: int) -> Cell:
    """Simulate one cell: the headline over drawn tasks, the gate over repeats of fixed ones."""
    rates_a, rates_b = shape.rates(chance, n)
    a, b = chance.binomial(k, rates_a), chance.binomial(k, rates_b)
    headline = over_tasks(a, b, k)
    headline.check([difference_over_tasks(*pair) for pair in sampled(a, b, k)])
    covers = float(((headline.low <= shape.truth) & (shape.truth <= headline.high)).mean())
    if k == 1:
        return Cell(shape, n, k, covers, None, None, None)
    same = chance.binomial(k, rates_a)
    gate = over_suite(a, same, k)
    gate.check([difference_over_suite(*pair) for pair in sampled(a, same, k)])
    lowered = np.maximum(0, rates_a - MARGIN)
    worse = over_suite(a, chance.binomial(k, lowered), k)
    truth = (lowered - rates_a).mean(axis=1)
    below, above = float((gate.high < 0).mean()), float((gate.low > 0).mean())
    return Cell(shape, n, k, covers, below, below + above, float((worse.low > truth).mean()))


@dataclass(frozen=True)
class Course:
    """What the sequential rule did, in sets whose models are equal over tasks."""

    shape: Shape
    scenarios: int
    first: int
    looks: int
    wrong: float
    """It ended with `better` or `worse`."""
    naive: float
    """Stopping at the first 95 % interval that excludes 0 would have."""
    taken: float
    """Looks, on average."""


def measure_course(
    chance: np.random.Generator, shape: Shape, n: int, plan: tuple[int, int]
) -> Course:
    """Follow `testbed.comparing.looks` in every set: one more repeat after each look."""
    first, looks = plan
    rates = shape.rates(chance, n)
    a, b = (chance.binomial(first - 1, rate) for rate in rates)
    going, wrong, naive = (
        np.ones(SETS, dtype=bool),
        np.zeros(SETS, dtype=bool),
        np.zeros(SETS, dtype=bool),
    )
    taken = 0
    for number in range(1, looks + 1):
        k = first + number - 1
        a, b = a + chance.binomial(1, rates[0]), b + chance.binomial(1, rates[1])
        taken += int(going.sum())
        told, stopped = judge(a, b, k, last=number == looks)
        for i, pair in enumerate(sampled(a, b, k)):
            check_look(i, pair, told, stopped, number=number, of=looks)
        wrong |= going & told
        going &= ~stopped
        usual = over_tasks(a, b, k)
        naive |= (usual.low > 0) | (usual.high < 0)
    return Course(shape, n, first, looks, float(wrong.mean()), float(naive.mean()), taken / SETS)


def show_cells(cells: list[Cell]) -> bool:
    """Print the cells; return whether no interval claims too much and no gate errs too often.

    An interval that covers more than it says claims nothing false: it is marked, and no more.
    """
    names = ("headline covers", "false alarm", "false pass", "either side")
    bounds = ("0.93 to 0.97 ", "≤ 0.06 ", "≤ 0.06 ", "")
    print(f"\n  {'rates of A and B':<18} N   k  {'  '.join(names)}")
    print(f"  {'':24}  {'  '.join(f'{b:>{len(n)}}' for n, b in zip(names, bounds, strict=True))}")
    for c in cells:
        print(
            f"  {c.shape.name:<18}{c.scenarios:>2}{c.repeats:>4}"
            f"  {marked(c.covers, *COVERED):>15}  {marked(c.alarm, 0, ERROR):>11}"
            f"  {marked(c.passed, 0, ERROR):>10}  {marked(c.either, 0, 1):>11}"
        )
    errors = [error for c in cells for error in (c.alarm, c.passed)]
    covered = all(c.covers >= COVERED[0] for c in cells)
    return covered and all(error is None or error <= ERROR for error in errors)


def show_courses(courses: list[Course]) -> bool:
    """Print what the sequential rule did, and what stopping at any 95 % interval would have."""
    names = ("first k", "looks", "rule errs", "95 % errs", "looks taken")
    print(f"\n  {'rates of A and B':<18} N  {'  '.join(names)}")
    print(f"  {'':<20}  {'':7}  {'':5}  {'≤ 0.06 ':>9}")
    for c in courses:
        print(
            f"  {c.shape.name:<18}{c.scenarios:>2}  {c.first:>7}  {c.looks:>5}"
            f"  {marked(c.wrong, 0, ERROR):>9}  {c.naive:>9.4f}  {c.taken:>11.1f}"
        )
    return all(c.wrong <= ERROR for c in courses)


def marked(share: float | None, low: float, high: float) -> str:
    """Write a share; a mark follows one outside of its bounds."""
    if share is None:
        return "- "
    safe = low > ERROR  # a coverage: more of it errs on the safe side
    over = "+" if safe else "!"
    return f"{share:.4f}{'!' if share < low else over if share > high else ' '}"


def main() -> bool:
    """Print the tables; return whether the budgets are held."""
    began, chance = time.perf_counter(), np.random.default_rng(SEED)
    print(f"\nIntervals, {SETS:,} simulated comparisons a row, seed {SEED}")
    grid = [(shape, n) for shape in SHAPES for n in SCENARIOS]
    held = show_cells([measure_cell(chance, shape, n, k) for shape, n in grid for k in REPEATS])
    courses = [(shape, n, plan) for shape in EQUAL for n in SCENARIOS for plan in PLANS]
    held &= show_courses([measure_course(chance, *course) for course in courses])
    print(
        "\n  false alarm: of a suite where both are equal, the gate's interval lies below 0;\n"
        "  either side: it excludes 0; false pass: where B is worse, its lower end lies above\n"
        "  the truth.\n"
        f"  ! does not hold, + is wider than it says. {time.perf_counter() - began:.0f} s"
    )
    return held


if __name__ == "__main__":
    sys.exit(not main())
