# ruff: noqa: RUF001  (the texts hold true minus signs)
from __future__ import annotations

import pytest

from reports.versus import amounts
from testbed.comparing.comparison import Ratio
from testbed.stats import Interval


def ratio(value: float | None, *ends: float) -> Ratio:
    interval = Interval(low=ends[0], high=ends[1]) if ends else None
    return Ratio(value=value, interval=interval, known=3, of=3)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.26, "+26"),
        (-0.026, "−3"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.004, "+0.4"),
        (-0.00004, "−0.004"),
        (1e-8, "just above 0"),
        (-1e-8, "just below 0"),
        (1e-12, "0"),
        (1.0, "+100"),
    ],
)
def test_points_are_whole_unless_that_would_hide_their_sign(share: float, text: str) -> None:
    assert amounts.points(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(-0.098, "−9.8"), (-0.102, "−10.2"), (-0.1, "−10"), (-0.13, "−13"), (-0.07, "−7")],
)
def test_points_stay_on_their_side_of_the_margin(share: float, text: str) -> None:
    assert amounts.points(share, margin=0.1) == text


@pytest.mark.parametrize(
    ("found", "change", "told"),
    [
        (ratio(1.0898, 0.9881, 1.202), "+9 %", "9 % more"),
        (ratio(0.6961, 0.4035, 1.201), "−30 %", "30 % less"),
        (ratio(1.0, 0.9, 1.1), "0 %", "as much"),
        (ratio(1.002), "+0.2 %", "0.2 % more"),
        (ratio(0.0004), "−99.96 %", "99.96 % less"),
        (ratio(3.456, 1.2, 9.95), "3.5 times", "3.5 times as much"),
        (ratio(1.5, 0.5, 4.5), "1.5 times", "1.5 times as much"),
        (ratio(326.2), "326 times", "326 times as much"),
    ],
)
def test_ratios_are_percent_and_large_ones_are_times(found: Ratio, change: str, told: str) -> None:
    assert amounts.ratio(found) == change
    assert amounts.more_or_less(found) == told


def test_an_interval_of_a_ratio_is_told_in_its_unit() -> None:
    assert amounts.ratio_span(ratio(1.09, 0.99, 1.2)) == "−1 % to +20 %"
    assert amounts.ratio_span(ratio(1.5, 0.5, 12.2)) == "0.50 to 12 times"
    assert amounts.ratio_span(ratio(1.1, 1.0004, 1.2)) == "+0.04 % to +20 %"
    assert amounts.ratio_span(ratio(1.09)) == ""


def test_an_unknown_ratio_is_a_dash() -> None:
    assert amounts.ratio(ratio(None)) == "–"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (None, "–"),
        (0.0450010, "0.045"),
        (0.04999, "0.04999"),
        (0.0504, "0.0504"),
        (0.0002, "<0.001"),
        (0.5, "0.500"),
        (1.0, "1.000"),
    ],
)
def test_a_p_value_stays_on_its_side_of_five_percent(p: float | None, text: str) -> None:
    assert amounts.chance(p) == text


def test_differences_of_counts_are_signed() -> None:
    assert [amounts.plain_number(v) for v in (-0.94, 2.0, 0.0, 0.0004)] == [
        "−0.94",
        "+2",
        "0",
        "+0.0004",
    ]


def test_a_true_minus_stands_before_numbers_alone() -> None:
    assert amounts.with_minus("-5.82 / -3") == "−5.82 / −3"
    assert amounts.with_minus("gpt-4 -x") == "gpt-4 -x"
