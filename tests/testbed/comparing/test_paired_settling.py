"""How many repeats or scenarios would settle what is open, and when no number would."""

from __future__ import annotations

from testbed.comparing.paired import difference_over_tasks, half_width, what_would_settle
from testbed.stats import Tally, Variances, estimate_variances


def test_what_would_settle_is_the_first_number_whose_interval_excludes_zero() -> None:
    variances = Variances(within_a=0.2, within_b=0.2, between=0.01)

    found = what_would_settle(variances, 0.2, margin=0.0, scenarios=8, repeats=2)

    assert found.repeats is not None
    assert found.scenarios is not None
    assert half_width(variances, 8, found.repeats) < 0.2
    assert half_width(variances, 8, found.repeats - 1) >= 0.2
    assert half_width(variances, found.scenarios, 2) < 0.2
    assert half_width(variances, found.scenarios - 1, 2) >= 0.2


def test_the_margin_makes_a_small_gain_settle_sooner_than_a_small_loss() -> None:
    variances = Variances(within_a=0.1, within_b=0.1, between=0.0)

    gain = what_would_settle(variances, 0.04, scenarios=10, repeats=2, margin=0.10)
    loss = what_would_settle(variances, -0.04, scenarios=10, repeats=2, margin=0.10)

    assert gain.repeats is not None
    assert loss.repeats is not None
    assert gain.repeats < loss.repeats


def test_repeats_cannot_settle_what_lies_between_scenarios() -> None:
    found = what_would_settle(
        Variances(within_a=0.1, within_b=0.1, between=0.2), 0.05, scenarios=6, repeats=3
    )

    assert found.repeats is None
    assert found.scenarios is not None
    assert found.scenarios > 6


def test_one_scenario_needs_others_and_no_repeats() -> None:
    found = what_would_settle(
        Variances(within_a=0.1, within_b=0.1, between=0.1), 0.5, scenarios=1, repeats=3
    )

    assert found.repeats is None
    assert found.scenarios is not None


def test_no_sensible_number_of_scenarios_shows_a_hair() -> None:
    wide = Variances(within_a=0.25, within_b=0.25, between=0.5)

    assert what_would_settle(wide, 0.001, scenarios=10, repeats=3, margin=0.0) == (None, None)


def test_perfection_of_both_is_settled_by_the_repeats_that_the_smoothed_error_asks_for() -> None:
    perfect = [Tally(passes=5, trials=5)] * 10
    variances = estimate_variances(perfect, perfect)
    assert variances is not None

    found = what_would_settle(variances, 0.0, scenarios=10, repeats=5)

    assert found.repeats is not None
    for repeats, settled in ((found.repeats - 1, False), (found.repeats, True)):
        more = [Tally(passes=repeats, trials=repeats)] * 10
        difference = difference_over_tasks(more, more)
        assert difference is not None
        assert difference.interval is not None
        assert (difference.interval.low > -0.10) is settled
