"""Prices are dated, tiered by the whole request, and unknown rather than zero."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from pydantic import ValidationError

from testbed.pricing import Price, Tier, Window, cost_of, overlap, price_at
from testbed.records import Usage

WHEN = datetime(2025, 8, 1, tzinfo=UTC)
GROK = Price(
    input=3,
    cache_read=0.75,
    output=15,
    valid_from=date(2025, 7, 9),
    source="test",
    checked_on=date(2025, 8, 1),
    tiers=(Tier(above_input_tokens=128_000, inclusive=True, input=6, output=30),),
)


def test_a_request_above_the_threshold_is_billed_whole_at_the_tier() -> None:
    usage = Usage(fresh_input=150_000, cache_read=0, cache_write=0, output=0)

    assert cost_of(usage, GROK) == pytest.approx(0.90)


def test_output_is_billed_at_the_tier_of_the_input() -> None:
    usage = Usage(fresh_input=128_000, output=1_000)

    assert cost_of(usage, GROK) == pytest.approx(0.128 * 6 + 0.001 * 30)


def test_cached_input_counts_towards_the_threshold() -> None:
    usage = Usage(fresh_input=1, cache_read=0, cache_write=0, output=0)
    below = Usage(fresh_input=27_999, cache_read=100_000, cache_write=0, output=0)

    assert cost_of(usage, GROK) == pytest.approx(3e-6)
    assert cost_of(below, GROK) == pytest.approx(27_999 * 3e-6 + 0.075)


def test_tokens_without_a_rate_make_the_cost_unknown() -> None:
    cached_in_tier = Usage(fresh_input=100_000, cache_read=100_000, output=0)

    assert cost_of(cached_in_tier, GROK) is None


@pytest.mark.parametrize("usage", [None, Usage(), Usage(fresh_input=5), Usage(output=5)])
def test_unreported_usage_has_no_cost(usage: Usage | None) -> None:
    assert cost_of(usage, GROK) is None


def test_without_a_card_there_is_no_cost() -> None:
    assert cost_of(Usage(fresh_input=5, output=5), None) is None


def test_the_card_valid_on_the_day_is_used() -> None:
    old = GROK.model_copy(update={"valid_to": date(2025, 12, 1)})
    new = GROK.model_copy(update={"valid_from": date(2025, 12, 1), "input": 2.0})

    assert price_at((old, new), datetime(2025, 11, 30, tzinfo=UTC)) is old
    assert price_at((old, new), datetime(2025, 12, 1, tzinfo=UTC)) is new
    assert price_at((old, new), datetime(2025, 1, 1, tzinfo=UTC)) is None


OFF_PEAK = Window(begins=time(16, 30), ends=time(0, 30), input=0.135, output=0.55)
DEEPSEEK = Price(
    input=0.27,
    cache_read=0.07,
    output=1.1,
    valid_from=date(2025, 7, 12),
    source="test",
    checked_on=date(2025, 8, 1),
    windows=(OFF_PEAK,),
)


@pytest.mark.parametrize(
    ("hour", "minute", "rate"),
    [
        (16, 29, 0.27),
        (16, 30, 0.135),
        (23, 59, 0.135),
        (0, 0, 0.135),
        (0, 29, 0.135),
        (0, 30, 0.27),
    ],
)
def test_a_window_over_midnight_has_its_own_rates(hour: int, minute: int, rate: float) -> None:
    price = price_at((DEEPSEEK,), datetime(2025, 8, 1, hour, minute, tzinfo=UTC))

    assert price is not None
    assert price.input == rate


def test_a_window_knows_no_rate_that_it_does_not_name() -> None:
    price = price_at((DEEPSEEK,), datetime(2025, 8, 1, 20, tzinfo=UTC))

    assert cost_of(Usage(fresh_input=10, cache_read=0, output=10), price) == pytest.approx(6.85e-6)
    assert cost_of(Usage(fresh_input=10, cache_read=1, output=10), price) is None


@pytest.mark.parametrize(
    ("day", "hour", "rate"),
    [(20, 3, 2.0), (20, 5, 1.0), (21, 3, 1.0), (22, 3, 1.0), (23, 3, 2.0)],
)
def test_a_window_holds_on_its_days_alone(day: int, hour: int, rate: float) -> None:
    peak = Window(
        days=("mon", "tue", "wed", "thu", "fri"), begins=time(1), ends=time(4), input=2, output=2
    )
    flash = DEEPSEEK.model_copy(update={"input": 1.0, "windows": (peak,)})

    price = price_at((flash,), datetime(2026, 11, day, hour, tzinfo=UTC))

    assert price is not None
    assert price.input == rate


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = Window(days=("sun",), begins=time(22), ends=time(2), input=9, output=9)

    assert night.holds(datetime(2026, 11, 22, 23, tzinfo=UTC))
    assert night.holds(datetime(2026, 11, 23, 1, tzinfo=UTC))
    assert not night.holds(datetime(2026, 11, 22, 1, tzinfo=UTC))


def test_times_of_other_zones_are_taken_to_utc() -> None:
    beijing = timezone(timedelta(hours=8))

    price = price_at((DEEPSEEK,), datetime(2025, 8, 2, 4, tzinfo=beijing))
    eve = price_at((DEEPSEEK,), datetime(2025, 7, 12, 7, tzinfo=beijing))

    assert price is not None
    assert price.input == 0.135
    assert eve is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"valid_to": date(2025, 7, 12)},
        {"tiers": (Tier(above_input_tokens=1, input=1, output=1),)},
    ],
)
def test_a_price_that_leaves_room_for_guesses_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Price.model_validate({**DEEPSEEK.model_dump(), **wrong})


def test_two_prices_on_one_day_are_found() -> None:
    old = GROK.model_copy(update={"valid_to": date(2025, 12, 2)})
    new = GROK.model_copy(update={"valid_from": date(2025, 12, 1)})
    later = GROK.model_copy(update={"valid_from": date(2025, 12, 2)})

    assert overlap((new, old)) == date(2025, 12, 1)
    assert overlap((later, old)) is None
