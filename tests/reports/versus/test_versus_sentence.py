# ruff: noqa: RUF001  (the texts hold true minus signs)
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reports.versus.sentence import contest_line, headline, verdict_line
from testbed.comparing.comparison import Contest, Difference, Outcome, Ratio, Settling
from testbed.stats import Interval

if TYPE_CHECKING:
    from testbed.comparing.comparison import Comparison


def found(value: float, low: float, high: float) -> Difference:
    return Difference(value=value, se=0.1, interval=Interval(low=low, high=high), p=0.5)


def judged(one: Comparison, outcome: Outcome, value: float, low: float, high: float) -> Comparison:
    return replace(one, outcome=outcome, tasks=found(value, low, high))


def with_ratio(one: Comparison, ratio: Ratio) -> Comparison:
    cost = one.figure("cost_per_trial")
    assert cost is not None
    return replace(one, figures=(replace(cost, ratio=ratio),))


def test_a_better_candidate_is_said_to_be_better(worked: Comparison) -> None:
    assert verdict_line(worked) == (
        "moonbeam-3 solves 26 points more than moonbeam-2 on 10 scenarios: 74 % against 48 %, "
        "95 % interval +1 to +51 points: better; 6 scenarios up, 2 down; "
        "cost not told apart: 9 % more per trial (95 % interval −1 % to +20 %), "
        "30 % less per solved task (95 % interval −60 % to +20 %)."
    )
    assert headline(worked) == "moonbeam-3 is better than moonbeam-2"


def test_a_worse_candidate_is_said_to_be_worse(worked: Comparison) -> None:
    swapped = replace(
        judged(worked, Outcome.WORSE, -0.26, -0.5128, -0.0072),
        a=worked.b,
        b=worked.a,
        rate_a=0.74,
        rate_b=0.48,
    )

    assert verdict_line(swapped).startswith(
        "moonbeam-2 solves 26 points less than moonbeam-3 on 10 scenarios: 48 % against 74 %, "
        "95 % interval −51 to −1 points: worse; "
    )
    assert headline(swapped) == "moonbeam-2 is worse than moonbeam-3"


def test_a_candidate_that_is_not_worse_is_not_said_to_be_better(worked: Comparison) -> None:
    close = replace(judged(worked, Outcome.NOT_WORSE, -0.02, -0.06, 0.02), rate_b=0.46)
    text = verdict_line(close)

    assert text.startswith(
        "moonbeam-3 is not worse than moonbeam-2 by more than 10 points on 10 scenarios: "
        "it solved 2 points less, 46 % against 48 %, 95 % interval −6 to +2 points; "
    )
    assert "better" not in text
    assert headline(close) == "moonbeam-3 is not worse than moonbeam-2 by more than 10 points"


def test_an_inconclusive_comparison_says_what_it_would_take(doubtful: Comparison) -> None:
    text = verdict_line(doubtful)

    assert text.startswith(
        "moonbeam-3 solved 20 points more than moonbeam-2 on the 9 of 10 scenarios that both have "
        "graded trials of: 71 % against 51 %, 95 % interval −4 to +44 points, which leaves open "
        "which is better: inconclusive; "
    )
    assert "; to settle it would take 14 scenarios, were the difference as seen; " in text
    assert headline(doubtful) == "moonbeam-3 against moonbeam-2: inconclusive"


@pytest.mark.parametrize(
    ("settling", "words"),
    [
        (Settling(repeats=12, scenarios=23), "12 repeats of each scenario or 23 scenarios"),
        (Settling(repeats=None, scenarios=None), "more than any number of repeats or scenarios"),
    ],
)
def test_it_says_every_way_to_settle_it(
    doubtful: Comparison, settling: Settling, words: str
) -> None:
    text = verdict_line(replace(doubtful, settling=settling))

    assert f"to settle it would take {words}, were the difference as seen" in text


def test_trials_without_a_verdict_are_counted_against_the_candidate(doubtful: Comparison) -> None:
    assert (
        "; 6 trials without a verdict would, at worst for moonbeam-3, make it +16 points, "
        "95 % interval −11 to +42 points; "
    ) in verdict_line(doubtful)


def test_conditions_that_change_results_are_warned_of(doubtful: Comparison) -> None:
    assert verdict_line(doubtful).endswith("; beware: made under different conditions (fixture).")


def test_equal_players_are_not_told_apart_and_wear_their_names(equal: Comparison) -> None:
    assert verdict_line(equal) == (
        "oracle (scripted) solved as much as noop (scripted) on 10 scenarios: 100 % each, "
        "95 % interval −13 to +13 points, which leaves open which is better: inconclusive; "
        "no scenario up or down; "
        "to settle it would take 13 scenarios, were the difference as seen."
    )


def test_a_single_scenario_has_no_interval(alone: Comparison) -> None:
    assert verdict_line(alone) == (
        "moonbeam-3 solved 60 points more than moonbeam-2 on 1 scenario: 100 % against 40 %, "
        "no interval from a single scenario: inconclusive; 1 scenario up, 0 down; "
        "cost, without an interval: 17 % less per trial; to settle it would take more scenarios."
    )


def test_without_a_paired_scenario_nothing_is_compared(nothing: Comparison) -> None:
    assert verdict_line(nothing) == (
        "moonbeam-3 and moonbeam-2 have no scenario with graded trials of both: nothing to compare."
    )
    assert headline(nothing).endswith(": nothing to compare")


def test_unknown_costs_are_left_out(worked: Comparison) -> None:
    unknown = Ratio(value=None, interval=None, known=0, of=10)

    for text in (
        verdict_line(replace(worked, figures=())),
        verdict_line(with_ratio(worked, unknown)),
    ):
        assert "cost" not in text
        assert text.endswith("6 scenarios up, 2 down.")


def test_a_cost_that_is_told_apart_is_claimed_and_its_coverage_said(worked: Comparison) -> None:
    told = Ratio(value=1.09, interval=Interval(low=1.03, high=1.15), known=7, of=10)

    assert verdict_line(with_ratio(worked, told)).endswith(
        "; costs 9 % more per trial (95 % interval +3 % to +15 %, over 7 of 10 scenarios)."
    )


def test_holm_has_the_last_word(worked: Comparison) -> None:
    corrected = replace(
        judged(worked, Outcome.INCONCLUSIVE, -0.3, -0.55, -0.05), holm_p=0.061, settling=None
    )
    better_alone = replace(worked, outcome=Outcome.NOT_WORSE, holm_p=0.12)

    assert (
        "95 % interval −55 to −5 points, but p 0.061 by Holm's correction for several "
        "candidates: inconclusive"
    ) in verdict_line(corrected)
    assert "+51 points, but p 0.120 by Holm's correction" in verdict_line(better_alone)


def test_an_interval_never_seems_to_reach_what_it_does_not(worked: Comparison) -> None:
    barely = judged(worked, Outcome.BETTER, 0.26, 0.0004, 0.5196)
    margin = judged(worked, Outcome.NOT_WORSE, 0.02, -0.0996, 0.12)
    beyond = judged(worked, Outcome.INCONCLUSIVE, 0.02, -0.1004, 0.12)

    assert "+0.04 to +52 points: better" in verdict_line(barely)
    assert "−9.96 to +12 points" in verdict_line(margin)
    assert "−10.04 to +12 points" in verdict_line(beyond)


def test_whole_numbers_of_a_sentence_never_contradict_each_other(worked: Comparison) -> None:
    close = replace(
        judged(worked, Outcome.INCONCLUSIVE, -0.0417, -0.27, 0.19), rate_a=0.6667, rate_b=0.625
    )

    assert verdict_line(close).startswith(
        "moonbeam-3 solved 4.2 points less than moonbeam-2 on 10 scenarios: 62.5 % against 66.7 %, "
        "95 % interval −27 to +19 points, "
    )


def test_one_model_in_two_runs_is_told_apart_by_the_runs(worked: Comparison) -> None:
    again = replace(worked, b=replace(worked.b, model="moonbeam-2"))
    same = replace(again, b=replace(again.b, runs=again.a.runs))

    assert headline(again) == (
        "moonbeam-2 in 20261120-090000-3c4d is better than moonbeam-2 in 20261101-090000-1a2b"
    )
    assert headline(same) == "moonbeam-2, candidate is better than moonbeam-2, baseline"


def test_a_contest_is_one_sentence(contest: Contest) -> None:
    assert contest_line(contest) == (
        "Against moonbeam-2, moonbeam-3 (+26 points, 95 % interval +9 to +43) is better; "
        "halyard-5 (+2 points, 95 % interval −3 to +7) is not worse by more than 10 points; "
        "quill-mini (−30 points, 95 % interval −45 to −15) is worse; "
        "better and worse are corrected for 3 candidates by Holm's method, the intervals are not."
    )


def test_a_contest_of_many_names_some(
    contest: Contest, alone: Comparison, nothing: Comparison
) -> None:
    many = replace(contest, comparisons=(*(alone,) * 7, nothing))

    assert contest_line(many).count("+60 points, no interval") == 5
    assert " and 2 more are inconclusive; " in contest_line(many)
    assert "; moonbeam-3 has nothing to compare; " in contest_line(many)


def test_a_baseline_without_a_candidate_says_so(contest: Contest) -> None:
    assert contest_line(replace(contest, comparisons=())) == (
        "moonbeam-2 has no candidate beside it."
    )


def test_hostile_names_are_cleaned(hostile: Comparison) -> None:
    text = verdict_line(hostile) + headline(hostile)

    assert "\x1b" not in text
    assert "\u202e" not in text
