"""Laws that hold whatever was measured: swap, order, bounds, and the odd cases between."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from testbed.comparing.exact import fisher_p, holm, mcnemar, sign_flip_p
from testbed.comparing.paired import (
    Difference,
    Ratio,
    cost_per_solved_ratio,
    difference_over_suite,
    difference_over_tasks,
    geometric_ratio,
    mean_difference,
    what_would_settle,
)
from testbed.stats import Tally, estimate_rate, estimate_variances, pass_all_k, pass_at_k

if TYPE_CHECKING:
    import random

Pairs = list[tuple[Tally, Tally]]


@st.composite
def a_tally(draw: st.DrawFn, *, least: int = 1) -> Tally:
    trials = draw(st.integers(least, 7))
    return Tally(passes=draw(st.integers(0, trials)), trials=trials)


def pairs_of(*, scenarios: int = 1, trials: int = 1) -> st.SearchStrategy[Pairs]:
    one = a_tally(least=trials)
    return st.lists(st.tuples(one, one), min_size=scenarios, max_size=14)


def sides(pairs: Pairs) -> tuple[list[Tally], list[Tally]]:
    return [a for a, _ in pairs], [b for _, b in pairs]


MONEY = st.none() | st.just(0.0) | st.floats(1e-4, 1e4)
FIGURES = st.none() | st.floats(-1e6, 1e6)
BOTH = (difference_over_tasks, difference_over_suite)


def same(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)


def mirrored(one: Difference | None, other: Difference | None) -> bool:
    if one is None or other is None:
        return one is other
    ends = (one.interval is None) is (other.interval is None)
    if one.interval and other.interval:
        ends = same(one.interval.low, -other.interval.high) and same(
            one.interval.high, -other.interval.low
        )
    return (
        ends
        and same(one.value, -other.value)
        and same(one.se, other.se)
        and same(one.p, other.p)
        and one.degenerate is other.degenerate
    )


def inverted(one: Ratio, other: Ratio) -> bool:
    ends = (one.interval is None) is (other.interval is None)
    if one.interval and other.interval:
        ends = math.isclose(one.interval.low * other.interval.high, 1, rel_tol=1e-6) or (
            math.isinf(other.interval.high) or one.interval.low == 0
        )
    values = (one.value is None) is (other.value is None)
    if one.value is not None and other.value is not None:
        values = math.isclose(one.value * other.value, 1, rel_tol=1e-9)
    return ends and values and (one.known, one.of) == (other.known, other.of)


@given(pairs_of())
def test_swapping_the_models_turns_every_difference_round(pairs: Pairs) -> None:
    a, b = sides(pairs)

    for compare in BOTH:
        assert mirrored(compare(a, b), compare(b, a))
    assert sign_flip_p(a, b) == sign_flip_p(b, a)
    assert mcnemar(a, b) == mcnemar(b, a)
    assert fisher_p(a[0], b[0]) == fisher_p(b[0], a[0])


@given(pairs_of(), st.randoms(use_true_random=False))
def test_the_order_of_the_scenarios_does_not_matter(pairs: Pairs, chance: random.Random) -> None:
    mixed = list(pairs)
    chance.shuffle(mixed)
    a, b = sides(pairs)
    x, y = sides(mixed)

    for compare in BOTH:
        assert compare(a, b) == compare(x, y)
    assert sign_flip_p(a, b) == sign_flip_p(x, y)
    assert estimate_rate(a) == estimate_rate(x)


@given(pairs_of())
def test_intervals_of_rates_stay_inside_their_bounds_and_hold_the_value(pairs: Pairs) -> None:
    a, b = sides(pairs)

    for found in (compare(a, b) for compare in BOTH):
        assert found is not None
        assert found.p is None or 0 <= found.p <= 1
        assert found.interval is None or (
            -1 <= found.interval.low <= found.value <= found.interval.high <= 1
        )
    rate = estimate_rate(a)
    assert rate is not None
    assert rate.interval is None or (
        0 <= rate.interval.low <= rate.value <= rate.interval.high <= 1
    )


@given(pairs_of(scenarios=2))
def test_an_interval_excludes_zero_exactly_when_its_test_is_significant(pairs: Pairs) -> None:
    for found in (compare(*sides(pairs)) for compare in BOTH):
        assert found is not None
        if found.interval is not None and found.p is not None:
            assume(abs(found.p - 0.05) > 1e-9)
            assert (found.interval.low > 0 or found.interval.high < 0) is (found.p < 0.05)


@given(pairs_of(scenarios=2))
def test_every_pair_of_two_scenarios_or_more_has_an_error_above_zero(pairs: Pairs) -> None:
    found = difference_over_tasks(*sides(pairs))

    assert found is not None
    assert found.se is not None
    assert found.se > 0
    assert (found.p is None) is found.degenerate


@given(pairs_of())
def test_the_suites_error_is_known_exactly_when_every_cell_was_repeated(pairs: Pairs) -> None:
    a, b = sides(pairs)
    found = difference_over_suite(a, b)

    assert found is not None
    assert (found.se is None) is any(t.trials == 1 for t in (*a, *b))
    assert found.se is None or found.se > 0


@given(pairs_of())
def test_a_model_against_itself_differs_by_zero(pairs: Pairs) -> None:
    a, _ = sides(pairs)

    for found in (compare(a, a) for compare in BOTH):
        assert found is not None
        assert found.value == 0
        assert found.interval is None or found.interval.low < 0 < found.interval.high
    assert sign_flip_p(a, a) == (1.0 if len(a) <= 12 else None)


@given(st.lists(a_tally(), min_size=1, max_size=10))
def test_more_tries_never_lower_pass_at_k_and_never_raise_pass_all_k(tallies: list[Tally]) -> None:
    fewest = min(t.trials for t in tallies)
    at = [pass_at_k(tallies, k) for k in range(1, fewest + 1)]
    every = [pass_all_k(tallies, k) for k in range(1, fewest + 1)]

    for figures, sign in ((at, 1), (every, -1)):
        steps = [sign * figure for figure in figures if figure is not None]
        assert len(steps) == fewest
        assert all(later >= sooner - 1e-12 for sooner, later in itertools.pairwise(steps))
        assert all(0 <= abs(step) <= 1 for step in steps)
    assert at[0] == pytest.approx(every[0])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_corrects_upwards_and_keeps_the_order(ps: list[float]) -> None:
    corrected = holm(ps)

    assert len(corrected) == len(ps)
    assert all(p <= q <= min(1.0, len(ps) * p) for p, q in zip(ps, corrected, strict=True))
    ordered = sorted(zip(ps, corrected, strict=True))
    assert [q for _, q in ordered] == sorted(corrected)
    if ps:
        assert min(corrected) == min(1.0, len(ps) * min(ps))


@given(st.lists(st.tuples(FIGURES, FIGURES), max_size=10))
def test_swapping_turns_the_difference_of_any_figure_round(
    rows: list[tuple[float | None, float | None]],
) -> None:
    a, b = [x for x, _ in rows], [y for _, y in rows]
    there, back = mean_difference(a, b), mean_difference(b, a)

    assert (there is None) is (back is None)
    if there is not None and back is not None:
        assert there.value == -back.value
        assert (there.se, there.p, there.degenerate) == (back.se, back.p, back.degenerate)


@given(st.lists(st.tuples(MONEY, MONEY, st.integers(0, 5), st.integers(0, 5)), max_size=10))
def test_swapping_turns_every_ratio_upside_down(
    rows: list[tuple[float | None, float | None, int, int]],
) -> None:
    a, b = [row[0] for row in rows], [row[1] for row in rows]
    solved_a, solved_b = [row[2] for row in rows], [row[3] for row in rows]

    assert inverted(geometric_ratio(a, b), geometric_ratio(b, a))
    there = cost_per_solved_ratio(a, b, solved_a, solved_b)
    assert inverted(there, cost_per_solved_ratio(b, a, solved_b, solved_a))
    if there.interval is not None and there.value is not None:
        assert there.interval.low <= there.value <= there.interval.high


@given(pairs_of(scenarios=2, trials=2), st.floats(-1, 1), st.integers(1, 9))
def test_a_larger_difference_needs_no_more_to_be_settled(
    pairs: Pairs, value: float, repeats: int
) -> None:
    variances = estimate_variances(*sides(pairs))
    assert variances is not None

    def needed(gain: float) -> tuple[float, float]:
        found = what_would_settle(variances, gain, scenarios=len(pairs), repeats=repeats, margin=0)
        return found.repeats or math.inf, found.scenarios or math.inf

    small, large = needed(value / 2), needed(value)
    assert large[0] <= small[0]
    assert large[1] <= small[1]
    assert needed(value) == needed(-value)
