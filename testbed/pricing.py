"""Price cards: dated, tiered, timed, and applied to one request at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from testbed.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.records import Usage

Rate = Annotated[float, Field(ge=0)]
"""Money per million tokens."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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


class Window(Rates):
    """Rates of requests sent at certain hours, in place of the price's own."""

    days: tuple[Day, ...] = DAYS
    """Days on which the window begins."""
    begins: time
    """UTC."""
    ends: time
    """UTC, no longer within it; before `begins` when the window passes midnight."""

    def holds(self, when: datetime) -> bool:
        """Say whether a request sent at this time (UTC) falls into the window."""
        today, now = when.weekday(), when.time()
        if self.begins < self.ends:
            return DAYS[today] in self.days and self.begins <= now < self.ends
        if now >= self.begins:
            return DAYS[today] in self.days
        return DAYS[today - 1] in self.days and now < self.ends


class Price(Rates):
    """One price card: what a model costs in a span of time, whole days in UTC."""

    currency: Literal["USD"] = "USD"
    valid_from: date
    valid_to: date | None = None
    """The first day on which it no longer holds."""
    source: Annotated[str, Field(min_length=1)]
    checked_on: date
    tiers: tuple[Tier, ...] = ()
    windows: tuple[Window, ...] = ()
    """Peak or off-peak hours; the first that holds counts."""

    @model_validator(mode="after")
    def spans_time_and_has_one_rule(self) -> Self:
        """Refuse a span without a day, and tiers beside windows: which counts would be a guess."""
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("`valid_to` must be later than `valid_from`")
        if self.tiers and self.windows:
            raise ValueError("a price has `tiers` or `windows`, not both")
        return self


def price_at(prices: Sequence[Price], when: datetime) -> Price | None:
    """Return the card valid at a time, with the rates of that hour, or None."""
    moment = when.astimezone(UTC)
    day = moment.date()
    for price in prices:
        if price.valid_from <= day and (price.valid_to is None or day < price.valid_to):
            return _at_hour(price, moment)
    return None


def overlap(prices: Sequence[Price]) -> date | None:
    """Return the first day on which two cards are valid, or None."""
    ordered = sorted(prices, key=lambda price: price.valid_from)
    for earlier, later in pairwise(ordered):
        if earlier.valid_to is None or later.valid_from < earlier.valid_to:
            return later.valid_from
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


def _at_hour(price: Price, moment: datetime) -> Price:
    window = next((window for window in price.windows if window.holds(moment)), None)
    if window is None:
        return price
    return price.model_copy(update={name: getattr(window, name) for name in Rates.model_fields})


def _rates(price: Price, input_tokens: int) -> Rates:
    chosen: Rates = price
    for tier in sorted(price.tiers, key=lambda tier: tier.above_input_tokens):
        threshold = tier.above_input_tokens
        if input_tokens > threshold or (tier.inclusive and input_tokens == threshold):
            chosen = tier
    return chosen
