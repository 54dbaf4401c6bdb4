"""Price cards: dated, tiered, and applied to one request at a time."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from testbed.settings import Settings

if TYPE_CHECKING:
    from testbed.records import Usage

Rate = Annotated[float, Field(ge=0)]
"""Money per million tokens."""

PER_MILLION = Decimal(1_000_000)


class Rates(Settings):
    """Rates per million tokens. Without a cache rate, a request that used the cache has no cost."""

    input: Rate
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    output: Rate


class Tier(Rates):
    """Rates of requests whose whole input passes a threshold.

    The tier is picked by the total input tokens (cached included) and applies to every
    token of the request, output too: a cliff, as providers bill it.
    """

    above_input_tokens: Annotated[int, Field(gt=0)]
    inclusive: bool = False
    """Whether a request of exactly `above_input_tokens` is in the tier."""


class Price(Rates):
    """One price card: what a model costs in a span of time."""

    currency: Literal["USD"] = "USD"
    valid_from: date
    valid_to: date | None = None
    """The first day on which it no longer holds."""
    source: Annotated[str, Field(min_length=1)]
    checked_on: date
    tiers: tuple[Tier, ...] = ()


def price_at(prices: tuple[Price, ...], when: datetime) -> Price | None:
    """Return the card valid at a time, or None."""
    day = when.date()
    for price in prices:
        if price.valid_from <= day and (price.valid_to is None or day < price.valid_to):
            return price
    return None


def cost_of(usage: Usage | None, price: Price | None) -> float | None:
    """Return what one request costs in USD, or None when a part is unknown.

    Cache classes that the provider does not report separately are inside `fresh_input`.
    """
    if usage is None or price is None or usage.fresh_input is None or usage.output is None:
        return None
    read, write = usage.cache_read or 0, usage.cache_write or 0
    rates = _rates(price, usage.fresh_input + read + write)
    parts = (
        (usage.fresh_input, rates.input),
        (read, rates.cache_read),
        (write, rates.cache_write),
        (usage.output, rates.output),
    )
    total = Decimal(0)
    for tokens, rate in parts:
        if tokens and rate is None:
            return None
        total += Decimal(tokens) * Decimal(str(rate or 0))
    return float(total / PER_MILLION)


def _rates(price: Price, input_tokens: int) -> Rates:
    chosen: Rates = price
    for tier in sorted(price.tiers, key=lambda tier: tier.above_input_tokens):
        threshold = tier.above_input_tokens
        if input_tokens > threshold or (tier.inclusive and input_tokens == threshold):
            chosen = tier
    return chosen
