"""The worked example of two models on ten scenarios, and what cannot be estimated."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from testbed.comparing.paired import (
    Difference,
    Ratio,
    cost_per_solved_ratio,
    difference_over_suite,
    difference_over_tasks,
    geometric_ratio,
    mean_difference,
)
from testbed.stats import Tally

if TYPE_CHECKING:
    from testbed.stats import Interval


def tallies(k: int, *passes: int) -> list[Tally]:
    return [Tally(passes=c, trials=k) for c in passes]


A = tallies(5, 5, 4, 3, 5, 2, 1, 0, 0, 3, 1)
B = tallies(5, 5, 5, 5, 4, 5, 4, 2, 0, 2, 5)
COSTS_A = (0.40, 0.35, 0.60, 0.80, 1.20, 1.50, 2.00, 1.80, 0.90, 0.70)
COSTS_B = (0.50, 0.45, 0.60, 0.90, 1.00, 1.40, 2.20, 2.10, 1.10, 0.75)
SOLVED_A = [tally.passes for tally in A]
SOLVED_B = [tally.passes for tally in B]


def known(found: Difference | None) -> Difference:
    assert found is not None
    return found


def ends(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    return interval.low, interval.high


def test_the_worked_difference_over_tasks_comes_out_to_six_decimals() -> None:
    found = known(difference_over_tasks(A, B))

    assert found.se is not None
    figures = (found.value, found.se, found.value / found.se, found.p, found.se * math.sqrt(10))
    assert figures == pytest.approx((0.26, 0.1117537, 2.3265449, 0.0450010, 0.3533962), abs=1e-6)
    assert ends(found.interval) == pytest.approx((0.0071956, 0.5128044), abs=1e-6)
    assert not found.degenerate


def test_the_worked_difference_on_this_suite_comes_out_to_six_decimals() -> None:
    found = known(difference_over_suite(A, B))

    assert (found.value, found.se, found.p) == pytest.approx((0.26, 0.0707107, 0.0002360), abs=1e-6)
    assert ends(found.interval) == pytest.approx((0.1214096, 0.3985904), abs=1e-6)
    assert not found.degenerate


def test_the_worked_cost_per_solved_task_comes_out_to_six_decimals() -> None:
    found = cost_per_solved_ratio(COSTS_A, COSTS_B, SOLVED_A, SOLVED_B)

    each = (sum(COSTS_A) / sum(SOLVED_A), sum(COSTS_B) / sum(SOLVED_B))
    assert each == pytest.approx((0.4270833, 0.2972973), abs=1e-6)
    assert found.value == pytest.approx(0.6961107, abs=1e-6)
    assert ends(found.interval) == pytest.approx((0.4034880, 1.2009532), abs=1e-6)
    assert (found.known, found.of) == (10, 10)


def test_the_worked_cost_per_trial_comes_out_to_six_decimals() -> None:
    found = geometric_ratio([c / 5 for c in COSTS_A], [c / 5 for c in COSTS_B])

    assert found.value == pytest.approx(1.0898119, abs=1e-6)
    assert ends(found.interval) == pytest.approx((0.9881270, 1.2019609), abs=1e-6)


def test_two_models_that_pass_everything_differ_by_nothing_that_is_sure() -> None:
    perfect = tallies(5, *[5] * 10)

    found = known(difference_over_tasks(perfect, perfect))

    assert (found.value, found.se) == pytest.approx((0.0, 0.0552771), abs=1e-6)
    assert ends(found.interval) == pytest.approx((-0.1250454, 0.1250454), abs=1e-6)
    assert found.p is None
    assert found.degenerate


def test_scenarios_that_all_differ_by_a_third_are_alike_whatever_floats_say() -> None:
    found = known(difference_over_tasks(tallies(3, 0, 1, 2), tallies(3, 1, 2, 3)))

    assert found.degenerate
    assert found.se is not None
    assert found.se > 0.1


def test_a_suite_where_no_repeat_departs_has_a_smoothed_error() -> None:
    found = known(difference_over_suite(tallies(3, 0, 3, 3), tallies(3, 3, 3, 0)))

    # q = 3.5 / 4 or 0.5 / 4 throughout, six tallies of three trials
    se = math.sqrt(6 * (0.875 * 0.125) / 3) / 3
    assert (found.value, found.se) == pytest.approx((0.0, se))
    assert ends(found.interval) == pytest.approx((-1.9599640 * se, 1.9599640 * se), abs=1e-6)
    assert found.p is None
    assert found.degenerate


def test_a_single_trial_of_one_cell_leaves_the_suite_without_an_error() -> None:
    uneven = [*A[:9], Tally(passes=1, trials=1)]

    found = known(difference_over_suite(uneven, B))

    assert found == Difference(value=found.value, se=None, interval=None, p=None)
    assert found.value == pytest.approx(0.18)
    assert known(difference_over_tasks(uneven, B)).interval is not None


def test_one_scenario_says_nothing_about_tasks_but_something_about_itself() -> None:
    found = difference_over_tasks(A[:1], B[4:5])
    of_itself = known(difference_over_suite(tallies(4, 1), tallies(4, 3)))

    assert found == Difference(value=0.0, se=None, interval=None, p=None)
    assert (of_itself.value, of_itself.se) == pytest.approx((0.5, math.sqrt(2 * 0.1875 / 3)))


def test_nothing_to_compare_is_no_difference() -> None:
    assert difference_over_tasks([], []) is None
    assert difference_over_suite([], []) is None
    assert mean_difference([], []) is None
    assert mean_difference([None, 1.0], [1.0, None]) is None
    assert geometric_ratio([None], [1.0]) == Ratio(value=None, interval=None, known=0, of=1)
    nothing = cost_per_solved_ratio([None], [1.0], [1], [1])
    assert nothing == Ratio(value=None, interval=None, known=0, of=1)


def test_sides_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        difference_over_tasks(A, B[:9])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        mean_difference([1.0], [])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        cost_per_solved_ratio(COSTS_A, COSTS_B, SOLVED_A, SOLVED_B[:9])


def test_an_interval_of_rates_ends_where_differences_end() -> None:
    found = known(difference_over_tasks(tallies(2, 0, 0), tallies(2, 1, 2)))

    low, high = ends(found.interval)
    assert high == 1.0
    assert low == -1.0
    assert found.value == 0.75


def test_more_confidence_is_a_wider_interval() -> None:
    for compare in (difference_over_tasks, difference_over_suite):
        usual = ends(known(compare(A, B)).interval)
        strict = ends(known(compare(A, B, confidence=0.999)).interval)

        assert strict[0] < usual[0] < usual[1] < strict[1]


def test_a_figure_is_compared_where_both_report_it() -> None:
    found = known(mean_difference([1.0, None, 3.0, 5.0], [2.0, 9.0, None, 8.0]))

    # differences 1 and 3: mean 2, standard error 1, t(.975, 1) = 12.7062047
    assert (found.value, found.se) == pytest.approx((2.0, 1.0))
    assert ends(found.interval) == pytest.approx((2 - 12.7062047, 2 + 12.7062047), abs=1e-6)
    assert found.p == pytest.approx(0.2951672, abs=1e-6)


def test_the_interval_of_a_share_ends_where_shares_end() -> None:
    found = known(mean_difference([0.5, 0.5], [0.6, 0.8], most=1.0))

    assert ends(found.interval) == (-1.0, 1.0)


@pytest.mark.parametrize("gain", [0.0, 0.1, 7.0])
def test_a_figure_that_differs_alike_everywhere_has_no_known_error(gain: float) -> None:
    values = [0.1, 0.2, 0.3, 1.7]

    found = known(mean_difference(values, [value + gain for value in values]))

    assert found == Difference(value=found.value, se=None, interval=None, p=None, degenerate=True)
    assert found.value == pytest.approx(gain)


def test_one_scenario_with_a_figure_is_not_called_degenerate() -> None:
    found = mean_difference([1.0, None], [3.0, 4.0])

    assert found == Difference(value=2.0, se=None, interval=None, p=None)


def test_a_cost_that_is_not_known_leaves_its_scenario_out_and_says_so() -> None:
    found = cost_per_solved_ratio([1.0, None, 2.0], [2.0, 5.0, 2.0], [1, 3, 1], [2, 3, 1])

    assert found.value == pytest.approx((4 / 3) / (3 / 2))
    assert (found.known, found.of) == (2, 3)


@pytest.mark.parametrize(("costs_b", "solved_b"), [((1.0, 1.0), (0, 0)), ((0.0, 0.0), (1, 1))])
def test_who_solves_nothing_or_costs_nothing_has_no_cost_ratio(
    costs_b: tuple[float, float], solved_b: tuple[int, int]
) -> None:
    nothing = Ratio(value=None, interval=None, known=2, of=2)

    assert cost_per_solved_ratio([1.0, 2.0], costs_b, [1, 1], solved_b) == nothing
    assert cost_per_solved_ratio(costs_b, [1.0, 2.0], solved_b, [1, 1]) == nothing


def test_a_ratio_that_hangs_on_one_scenario_has_no_interval() -> None:
    only_there = cost_per_solved_ratio([1.0, 1.0, 1.0], [1.0, 2.0, 2.0], [1, 1, 1], [0, 3, 0])
    alone = cost_per_solved_ratio([1.0], [2.0], [1], [1])

    assert only_there == Ratio(value=only_there.value, interval=None, known=3, of=3)
    assert alone == Ratio(value=alone.value, interval=None, known=1, of=1)
    assert (only_there.value, alone.value) == pytest.approx((5 / 3, 2.0))


def test_ratios_alike_in_every_scenario_have_no_known_error() -> None:
    costs, thrice = [0.1, 0.2, 0.7], [0.3, 0.6, 2.1]

    mean = geometric_ratio(costs, thrice)
    per_solved = cost_per_solved_ratio(costs, thrice, [1, 2, 3], [1, 2, 3])

    assert (mean.value, per_solved.value) == pytest.approx((3.0, 3.0))
    assert mean.interval is None
    assert per_solved.interval is None


def test_a_free_scenario_is_not_left_out_of_the_mean_ratio() -> None:
    found = geometric_ratio([1.0, 1.0, None], [0.0, 2.0, 1.0])

    assert found == Ratio(value=None, interval=None, known=2, of=3)


def test_importing_the_estimators_does_not_load_scipy() -> None:
    imported = "testbed.comparing.comparison, testbed.comparing.looks"
    code = f"import sys, {imported}; sys.exit('scipy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
