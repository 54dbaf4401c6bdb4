"""Prices are dated, tiered by the whole request, and unknown rather than zero."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from testbed.pricing import Price, Tier, cost_of, price_at
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
