"""When repeats stop: early by strong evidence, at last by the usual, or because none can help."""

from __future__ import annotations

import pytest

from testbed.comparing.looks import LAST, MOST_LOOKS, Look, Stop, conclude, take_look
from testbed.stats import Interval, Tally


def tallies(k: int, *passes: int) -> list[Tally]:
    return [Tally(passes=c, trials=k) for c in passes]


A = tallies(5, 5, 4, 3, 5, 2, 1, 0, 0, 3, 1)
B = tallies(5, 5, 5, 5, 4, 5, 4, 2, 0, 2, 5)


def look(
    a: list[Tally],
    b: list[Tally],
    number: int,
    of: int,
    *,
    margin: float = 0.10,
    affordable: bool = True,
) -> Look:
    found = take_look(a, b, number=number, of=of, margin=margin, affordable=affordable)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("low", "high", "meaning"),
    [
        (0.01, 0.50, "better"),
        (0.00, 0.50, "not_worse"),
        (-0.09, 0.50, "not_worse"),
        (-0.10, 0.50, "inconclusive"),
        (-0.50, 0.00, "inconclusive"),
        (-0.05, -0.01, "worse"),
    ],
)
def test_an_interval_means_one_of_four_things(low: float, high: float, meaning: str) -> None:
    assert conclude(Interval(low=low, high=high), 0.10) == meaning
    assert conclude(None, 0.10) == "inconclusive"


def test_an_early_look_does_not_decide_by_what_the_last_one_decides_by() -> None:
    early, last = look(A, B, 1, 3), look(A, B, 3, 3)

    assert (early.conclusion, early.stop) == ("inconclusive", None)
    assert early.interval.low < 0 < last.interval.low
    assert (last.conclusion, last.stop) == ("better", Stop.LAST_LOOK)
    assert last.interval.low == pytest.approx(0.0071956, abs=1e-6)


def test_an_early_look_decides_by_strong_evidence() -> None:
    weak = tallies(5, 0, 1, 0, 1, 0, 0, 1, 0)
    strong = tallies(5, 5, 5, 4, 5, 5, 4, 5, 5)

    found = look(weak, strong, 1, 5)

    assert (found.conclusion, found.stop) == ("better", Stop.SETTLED)
    assert look(strong, weak, 1, 5).conclusion == "worse"


def test_an_early_look_does_not_stop_at_less_than_the_usual_interval_would_claim() -> None:
    a = tallies(40, *[20] * 12)
    b = tallies(40, *[22, 20, 21, 23, 20, 22, 21, 20, 23, 20, 21, 20])

    early = look(a, b, 1, 5, margin=0.10)

    assert conclude(early.interval, 0.10) == "not_worse"
    assert look(a, b, 5, 5).conclusion == "better"
    assert (early.conclusion, early.stop) == ("inconclusive", None)


def test_money_that_runs_out_makes_a_look_the_last() -> None:
    found = look(A, B, 1, 3, affordable=False)

    assert (found.confidence, found.conclusion, found.stop) == (LAST, "better", Stop.BUDGET)


def test_the_last_look_may_leave_it_open() -> None:
    found = look(A, A[::-1], 4, 4)

    assert (found.conclusion, found.stop) == ("inconclusive", Stop.LAST_LOOK)


def test_no_repeat_is_made_when_the_scenarios_themselves_disagree() -> None:
    up_and_down = tallies(10, 10, 0, 10, 0, 10, 0)
    down_and_up = tallies(10, 0, 10, 0, 10, 0, 10)

    found = look(up_and_down, down_and_up, 1, 5)

    assert found.stop is Stop.HOPELESS
    assert found.floor is not None
    assert found.floor > 1


def test_chance_within_scenarios_alone_never_makes_repeats_hopeless() -> None:
    found = look(tallies(2, 1, 1, 1, 1), tallies(2, 1, 1, 1, 2), 1, 5)

    assert found.floor == 0
    assert found.stop is None


def test_single_trials_cannot_tell_whether_repeats_would_help() -> None:
    found = look(tallies(1, 1, 0, 1, 0), tallies(1, 0, 1, 0, 1), 1, 5)

    assert (found.floor, found.stop) == (None, None)


def test_one_scenario_is_never_looked_at() -> None:
    assert take_look(A[:1], B[:1], number=1, of=2, margin=0.10) is None


def test_a_look_says_how_many_trials_it_rests_on() -> None:
    found = look(A, B, 2, MOST_LOOKS)

    assert (found.number, found.of, found.trials) == (2, MOST_LOOKS, 100)
