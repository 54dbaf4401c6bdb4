"""Tests by counting, against scipy's and by hand."""

from __future__ import annotations

import itertools

import pytest
from scipy import stats

from testbed.comparing.exact import fisher_p, holm, mcnemar, sign_flip_p
from testbed.stats import Tally

A = [Tally(passes=c, trials=5) for c in (5, 4, 3, 5, 2, 1, 0, 0, 3, 1)]
B = [Tally(passes=c, trials=5) for c in (5, 5, 5, 4, 5, 4, 2, 0, 2, 5)]
PASSED = Tally(passes=1, trials=1)
FAILED = Tally(passes=0, trials=1)


def test_the_worked_sign_flip_test_counts_72_of_1024() -> None:
    assert sign_flip_p(A, B) == 72 / 1024


def test_sign_flips_weigh_unequal_repeats_exactly() -> None:
    thirds = [Tally(passes=1, trials=3), Tally(passes=0, trials=3), Tally(passes=0, trials=6)]
    others = [Tally(passes=2, trials=3), Tally(passes=1, trials=6), Tally(passes=1, trials=6)]

    # gains 1/3, 1/6, 1/6: 2/3 is reached by all alike alone
    assert sign_flip_p(thirds, others) == 2 / 8


def test_sign_flips_are_counted_up_to_twelve_scenarios() -> None:
    assert sign_flip_p([FAILED] * 12, [PASSED] * 12) == 2 / 4096
    assert sign_flip_p([FAILED] * 13, [PASSED] * 13) is None
    assert sign_flip_p([], []) is None
    assert sign_flip_p([FAILED], [PASSED]) == 1.0


def test_the_worked_mcnemar_of_2_against_9_comes_out_to_six_decimals() -> None:
    a = [PASSED] * 2 + [FAILED] * 9 + [PASSED, FAILED, FAILED]
    b = [FAILED] * 2 + [PASSED] * 9 + [PASSED, FAILED, FAILED]

    found = mcnemar(a, b)

    assert found == pytest.approx((0.0654297, 0.0385742), abs=1e-6)
    assert found == mcnemar(b, a)


def test_mcnemar_without_a_flip_or_with_as_many_up_as_down_finds_nothing() -> None:
    assert mcnemar([PASSED, FAILED], [PASSED, FAILED]) == (1.0, 1.0)
    assert mcnemar([PASSED, FAILED], [FAILED, PASSED]) == (1.0, 1.0)


def test_mcnemar_is_for_single_trials() -> None:
    assert mcnemar(A, B) is None
    assert mcnemar([PASSED, PASSED], [PASSED, Tally(passes=1, trials=2)]) is None
    assert mcnemar([], []) is None


def test_fishers_test_agrees_with_scipy_on_every_small_table() -> None:
    for trials_a, trials_b in itertools.product(range(1, 6), repeat=2):
        for a, b in itertools.product(range(trials_a + 1), range(trials_b + 1)):
            table = [[a, trials_a - a], [b, trials_b - b]]
            found = fisher_p(Tally(passes=a, trials=trials_a), Tally(passes=b, trials=trials_b))
            assert found == pytest.approx(stats.fisher_exact(table).pvalue)


def test_three_repeats_can_never_show_a_regression_of_one_scenario() -> None:
    assert fisher_p(Tally(passes=3, trials=3), Tally(passes=0, trials=3)) == pytest.approx(0.1)
    assert fisher_p(Tally(passes=5, trials=5), Tally(passes=0, trials=5)) < 0.01


def test_the_worked_holm_correction_comes_out() -> None:
    assert holm([0.01, 0.03, 0.04]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.04, 0.01, 0.03]) == pytest.approx((0.06, 0.03, 0.06))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()
