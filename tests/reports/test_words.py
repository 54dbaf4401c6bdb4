from __future__ import annotations

import pytest

from reports import words
from testbed.figures import Cost, Counts, PassRate, PriceCheck
from testbed.stats import Tally, estimate_rate
from testbed.sums import Mean, Share, Spread, Total

NONE = "\N{EN DASH}"


def tallies(*passes: int, trials: int = 3) -> list[Tally]:
    return [Tally(passes=c, trials=trials) for c in passes]


def test_unknowns_are_dashes_and_never_zeros() -> None:
    nothing = Total.over([])

    assert words.money(None) == NONE
    assert words.money_total(None) == NONE
    assert words.money_total(nothing) == NONE
    assert words.money_mean(Mean.over([None, None])) == NONE
    assert words.count_total(Total.over([None])) == NONE
    assert words.seconds_total(nothing) == NONE
    assert words.number(None) == NONE
    assert words.seconds(None) == NONE
    assert words.percent(None) == NONE
    assert words.score(Share.over([None, None])) == NONE
    assert words.rate(PassRate.between(None, None)) == NONE
    assert words.median_p90(Spread.over([])) == NONE
    assert words.speed(Spread.over([None])) == NONE
    assert words.largest_k({}) == NONE
    assert words.accuracy(Share.counted(0, 0)) == NONE


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0.0, "$0.00"),
        (0.0123, "$0.0123"),
        (0.01234567, "$0.0123"),
        (0.12, "$0.12"),
        (0.4270833, "$0.427"),
        (0.9999, "$1.00"),
        (0.00001, "$0.00001"),
        (0.0000001, "<$0.000001"),
        (1.005, "$1.00"),
        (12.5, "$12.50"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_keeps_three_digits_below_a_dollar(dollars: float, text: str) -> None:
    assert words.money(dollars) == text


def test_a_partly_known_sum_is_a_lower_bound_with_its_coverage() -> None:
    costs = [0.06, 0.06, None]

    assert words.money_total(Total.over(costs)) == "≥ $0.12 (2 of 3 known)"
    assert words.money_total(Total.over(costs[:2])) == "$0.12"
    assert words.money_mean(Mean.over(costs)) == "$0.06 (2 of 3 known)"
    assert words.count_total(Total.over([12000, 345, None])) == "≥ 12,345 (2 of 3 known)"
    assert words.seconds_total(Total.over([1.0, None])) == "≥ 1.00 s (1 of 2 known)"
    assert words.number_mean(Mean.over([1, 2, None])) == "1.5 (2 of 3 known)"
    assert words.percent_mean(Mean.over([0.5, None])) == "50 % (1 of 2 known)"


def test_a_cost_without_a_solved_trial_says_so() -> None:
    def cost(*, trials: int, solved: int) -> Cost:
        total = Total.over([0.5] * trials)
        return Cost(
            counted=total,
            all_tries=total,
            with_judges=total,
            judges=Total.over([]),
            check=PriceCheck(
                reported=Total.over([]),
                differing=Share.over([]),
                ours=Total.over([]),
                theirs=Total.over([]),
            ),
            per_trial=Mean.over([0.5] * trials),
            per_solved=total.divided(solved) if solved else None,
        )

    assert words.per_solved(cost(trials=2, solved=0)) == "none solved"
    assert words.per_solved(cost(trials=2, solved=2)) == "$0.50"
    assert words.per_solved(cost(trials=0, solved=0)) == NONE


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.999, ">99 %"),
        (0.001, "<1 %"),
        (2 / 3, "67 %"),
    ],
)
def test_only_all_is_a_hundred_percent_and_only_none_is_zero(share: float, text: str) -> None:
    assert words.percent(share) == text


def test_a_rate_stands_beside_its_interval() -> None:
    estimate = estimate_rate(tallies(5, 4, 3, 5, 2, 1, 0, 0, 3, 1, trials=5))

    assert words.rate(PassRate.between(estimate, estimate)) == "48 % [25, 72]"


def test_an_accuracy_says_what_it_is_of() -> None:
    assert words.accuracy(Share.counted(97, 100)) == "97 % (n 100)"


def test_a_rate_with_missing_verdicts_shows_both_bounds() -> None:
    left_out, as_fail = estimate_rate(tallies(3, 2, 0)), estimate_rate(tallies(3, 1, 0))
    text = words.rate(PassRate.between(left_out, as_fail))

    assert text.startswith("44\N{EN DASH}56 % [")


def test_one_scenario_has_a_rate_without_an_interval() -> None:
    estimate = estimate_rate(tallies(2))

    assert words.rate(PassRate.between(estimate, estimate)) == "67 %"


def test_a_score_says_how_many_have_no_verdict() -> None:
    assert words.score(Share.over([True, False, True])) == "2/3"
    assert words.score(Share.over([True, None, False])) == "1/2 of 3"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (0.001, "<0.01 s"),
        (0.416, "0.42 s"),
        (9.996, "10.0 s"),
        (12.34, "12.3 s"),
        (99.96, "1 min 40 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_seconds_are_readable_at_every_length(value: float, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1.0, "1"),
        (1.25, "1.25"),
        (0.001, "<0.01"),
        (1234567, "1,234,567"),
        (100, "100"),
        (-0.001, ">-0.01"),
        (-4.0, "-4"),
    ],
)
def test_numbers_drop_idle_zeros_but_small_ones_stay(value: float, text: str) -> None:
    assert words.number(value) == text


def test_trials_that_never_ran_are_told_apart_from_ungraded_ones() -> None:
    assert words.ungraded(Counts(planned=27, valid=27, ungraded=0, not_run=0)) == "0 of 27"
    assert (
        words.ungraded(Counts(planned=27, valid=20, ungraded=3, not_run=4)) == "3 of 27, 4 not run"
    )


def test_scripted_players_are_labelled() -> None:
    assert words.player("oracle", scripted=True) == "oracle (scripted)"
    assert words.player("oracle", scripted=False) == "oracle"


def test_hidden_characters_of_names_are_made_visible() -> None:
    assert words.clean("a\x1b[31mb\u202ec\nd\u2028") == "a\ufffd[31mb\ufffdc\ufffdd\ufffd"
    assert words.clean("Kimi-K2 日本 é") == "Kimi-K2 日本 é"


def test_a_name_that_is_longer_than_any_name_is_cut_visibly() -> None:
    assert words.clean("n" * 500) == "n" * 500
    assert words.clean("n" * 10_000_000) == "n" * 500 + "…"


def test_a_moment_is_shown_in_utc_to_the_minute() -> None:
    assert words.moment("2026-11-22T13:55:02.112233+00:00") == "2026-11-22 13:55 UTC"
    assert words.moment("2026-11-22T23:30:00-02:00") == "2026-11-23 01:30 UTC"
    assert words.moment("some\x07time") == "some\ufffdtime"
