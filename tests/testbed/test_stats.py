from __future__ import annotations

import math
import subprocess
import sys

import pytest

from testbed.stats import (
    ASSUMED,
    RateEstimate,
    Tally,
    Variances,
    estimate_rate,
    estimate_variances,
    exact_interval,
    minimal_detectable_effect,
    pass_all_k,
    pass_at_k,
    quantiles,
)

A = [Tally(passes=c, trials=5) for c in (5, 4, 3, 5, 2, 1, 0, 0, 3, 1)]
B = [Tally(passes=c, trials=5) for c in (5, 5, 5, 4, 5, 4, 2, 0, 2, 5)]


def known(tallies: list[Tally]) -> RateEstimate:
    estimate = estimate_rate(tallies)
    assert estimate is not None
    return estimate


@pytest.mark.parametrize(
    ("tallies", "expected"),
    [
        (A, (0.48, 0.12, 17.3333333, 0.2459922, 0.7231253)),
        (B, (0.74, 0.1117537, 15.4056940, 0.4530984, 0.9072152)),
    ],
)
def test_the_worked_rates_come_out_to_six_decimals(
    tallies: list[Tally], expected: tuple[float, ...]
) -> None:
    found = known(tallies)

    assert found.interval is not None
    assert found.se is not None
    figures = (found.value, found.se, found.n_eff, found.interval.low, found.interval.high)
    assert figures == pytest.approx(expected, abs=1e-6)
    assert (found.scenarios, found.trials) == (10, 50)


@pytest.mark.parametrize(
    ("tallies", "at", "every"),
    [
        (A, (0.48, 0.63, 0.71, 0.80), (0.48, 0.33, 0.26, 0.20)),
        (B, (0.74, 0.84, 0.88, 0.90), (0.74, 0.64, 0.58, 0.50)),
    ],
)
def test_the_worked_pass_at_k_and_pass_all_k_come_out(
    tallies: list[Tally], at: tuple[float, ...], every: tuple[float, ...]
) -> None:
    ks = (1, 2, 3, 5)

    assert [pass_at_k(tallies, k) for k in ks] == pytest.approx(at, abs=1e-6)
    assert [pass_all_k(tallies, k) for k in ks] == pytest.approx(every, abs=1e-6)


def test_the_worked_detectable_effect_comes_out_to_six_decimals() -> None:
    found = estimate_variances(A, B)

    assert found is not None
    figures = (found.within_a, found.within_b, found.between)
    assert figures == pytest.approx((0.15, 0.10, 0.0748889), abs=1e-6)
    effect = minimal_detectable_effect(found, scenarios=10, repeats=5)
    assert effect == pytest.approx(0.3515281, abs=1e-6)


def test_scatter_that_chance_explains_is_no_difference_between_scenarios() -> None:
    ups = [Tally(passes=1, trials=2), Tally(passes=1, trials=2), Tally(passes=1, trials=2)]
    downs = [Tally(passes=1, trials=2), Tally(passes=1, trials=2), Tally(passes=2, trials=2)]

    found = estimate_variances(ups, downs)

    assert found == Variances(within_a=0.5, within_b=1 / 3, between=0.0)


def test_uneven_repeats_weigh_chance_scenario_by_scenario() -> None:
    few = [Tally(passes=0, trials=2), Tally(passes=4, trials=4)]
    some = [Tally(passes=1, trials=2), Tally(passes=1, trials=4)]

    found = estimate_variances(few, some)

    assert found is not None
    assert found.within_b == pytest.approx((0.5 + 0.25) / 2)
    assert found.between == pytest.approx(1.25**2 / 2 - (0.5 / 2 + 0.25 / 4) / 2)


def test_single_trials_and_single_scenarios_tell_nothing_about_variances() -> None:
    pair = [Tally(passes=1, trials=2), Tally(passes=1, trials=1)]

    assert estimate_variances(pair, pair) is None
    assert estimate_variances(A[:1], B[:1]) is None
    with pytest.raises(ValueError, match=r"shorter|longer"):
        estimate_variances(A, B[:9])


def test_without_data_ten_scenarios_show_forty_points_and_more_show_less() -> None:
    small = minimal_detectable_effect(ASSUMED, scenarios=10, repeats=3)
    large = minimal_detectable_effect(ASSUMED, scenarios=24, repeats=5)

    assert small == pytest.approx(0.3958, abs=1e-4)
    assert large == pytest.approx(0.2112, abs=1e-4)
    assert minimal_detectable_effect(ASSUMED, scenarios=1, repeats=100) is None


def test_k_beyond_the_shortest_scenario_has_no_estimate() -> None:
    uneven = [Tally(passes=3, trials=3), Tally(passes=1, trials=2)]

    assert pass_at_k(uneven, 2) == 1.0
    assert pass_at_k(uneven, 3) is None
    assert pass_all_k(uneven, 3) is None
    assert pass_at_k(uneven, 0) is None
    assert pass_at_k([], 1) is None


def test_scenarios_weigh_the_same_whatever_their_number_of_trials() -> None:
    estimate = known([Tally(passes=1, trials=1), Tally(passes=0, trials=9)])

    assert estimate.value == 0.5


def test_passing_everywhere_is_not_certainty_and_repeats_do_not_buy_any() -> None:
    once = known([Tally(passes=1, trials=1)] * 9)
    often = known([Tally(passes=5, trials=5)] * 9)

    assert once.interval == often.interval
    assert once.interval is not None
    assert once.interval.high == 1.0
    # 1 / (1 + t²/N) with t(.975, 8) = 2.306004
    assert once.interval.low == pytest.approx(1 / (1 + 2.306004**2 / 9), abs=1e-6)


def test_failing_everywhere_has_a_lower_end_of_exactly_zero() -> None:
    estimate = known([Tally(passes=0, trials=3)] * 4)

    assert estimate.interval is not None
    assert estimate.interval.low == 0.0
    assert estimate.interval.high > 0.5


def test_alike_scenarios_count_as_one_trial_each() -> None:
    estimate = known([Tally(passes=1, trials=2)] * 6)

    assert estimate.se == 0
    assert estimate.n_eff == 6


def test_the_effective_size_never_exceeds_the_trials_that_ran() -> None:
    nearly_alike = [Tally(passes=1, trials=2)] * 9 + [Tally(passes=2, trials=2)]

    assert known(nearly_alike).n_eff == 20


def test_one_scenario_has_a_rate_but_no_interval() -> None:
    estimate = known([Tally(passes=2, trials=3)])

    assert estimate.value == pytest.approx(2 / 3)
    assert estimate.interval is None
    assert estimate.se is None
    assert estimate_rate([]) is None


def test_a_tally_without_trials_or_with_too_many_passes_is_refused() -> None:
    for passes, trials in ((0, 0), (2, 1), (-1, 3)):
        with pytest.raises(ValueError, match="no tally"):
            Tally(passes=passes, trials=trials)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (0, 20, 0.0, 0.1684335),
        (1, 20, 0.0012651, 0.2487328),
        (5, 50, 0.0332751, 0.2181354),
        (20, 20, 0.8315665, 1.0),
    ],
)
def test_the_exact_interval_of_a_rate_comes_out(
    hits: int, trials: int, low: float, high: float
) -> None:
    found = exact_interval(hits, trials)

    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_an_exact_interval_covers_the_rate_at_least_as_often_as_it_says() -> None:
    trials = 20
    intervals = [exact_interval(hits, trials) for hits in range(trials + 1)]
    for rate in (0.001, 0.01, 0.05, 0.1, 0.3, 0.5, 0.77, 0.99):
        chances = (math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(21))
        covered = sum(
            chance
            for chance, found in zip(chances, intervals, strict=True)
            if found.low <= rate <= found.high
        )
        assert covered >= 0.95


def test_no_trials_and_more_hits_than_trials_are_no_rate() -> None:
    for hits, trials in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="is no rate"):
            exact_interval(hits, trials)


def test_quantiles_lie_on_the_line_between_neighbours() -> None:
    assert quantiles([4.0, 1.0, 3.0, 2.0], 0.5) == (2.5,)
    assert quantiles([1.0, 2.0, 3.0, 4.0, 11.0], 0.5, 0.9) == pytest.approx((3.0, 4 + 0.6 * 7))
    assert quantiles([7.0], 0.9) == (7.0,)
    assert quantiles([1.0, 2.0], 1.0) == (2.0,)
    assert quantiles([], 0.5, 0.9) == (None, None)


def test_importing_the_figures_does_not_load_scipy() -> None:
    code = "import sys, testbed.stats, testbed.metrics; sys.exit('scipy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
