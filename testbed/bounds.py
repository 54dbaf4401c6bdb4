"""What one trial may cost at most, and whether it still fits under a limit. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from testbed.pricing import PER_MILLION, price_at

if TYPE_CHECKING:
    from testbed.catalog import ModelCard
    from testbed.plan import TrialLimits
    from testbed.records import Trial


@dataclass(frozen=True, kw_only=True)
class TrialBound:
    """What one trial can use at most; `None` when nothing bounds it.

    Limits are looked at between requests, so one request may overshoot them. Usage that an
    endpoint does not report is beyond any bound.
    """

    tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, kw_only=True)
class Room:
    """Whether one more trial surely fits under a limit, in USD."""

    limit: float
    spent: float
    """Trials of unknown cost count with what they could cost at most."""
    next_trial: float
    """At most; infinite when nothing bounds it."""

    @property
    def fits(self) -> bool:
        """Say whether the trial can be started."""
        return fits(self.spent + self.next_trial, self.limit)


def fits(cost: float, limit: float) -> bool:
    """Compare two sums of money, in USD, beyond the noise of floats."""
    return cost <= limit + 1e-9


def trial_bound(card: ModelCard, limits: TrialLimits, now: datetime) -> TrialBound:
    """Bound a trial begun now: what its limits allow, and one request beyond them."""
    most = limits.max_tokens or math.inf
    # A request holds what was said so far and one turn's tool results, taken to be no longer.
    read, written = min(card.context_window or math.inf, 2 * most), card.max_output_tokens
    tokens = min(most + read + written, limits.max_turns * (read + written))
    rates = _dearest(card, now)
    cost = math.inf
    if rates is not None:
        request = _price(read, rates[0]) + _price(written, rates[1])
        cost = min(
            _price(most, max(rates)) + request,
            limits.max_turns * request,
            (limits.max_cost_usd or math.inf) + request,
        )
    return TrialBound(
        tokens=int(tokens) if math.isfinite(tokens) else None,
        cost_usd=cost if math.isfinite(cost) else None,
    )


def reservation(card: ModelCard, limits: TrialLimits, now: datetime) -> float:
    """Return the USD to keep back for one trial: infinite when unbounded, none for a player."""
    if card.scripted:
        return 0.0
    bound = trial_bound(card, limits, now).cost_usd
    return math.inf if bound is None else bound


def spent_by(trial: Trial, card: ModelCard, limits: TrialLimits) -> float:
    """Return what a try has cost in USD; one of unknown cost counts with its bound."""
    if trial.cost_usd is not None:
        return trial.cost_usd
    if "agent" not in trial.phases:  # the sandbox did not start: nothing was asked
        return 0.0
    return reservation(card, limits, datetime.fromisoformat(trial.started_at))


def _dearest(card: ModelCard, now: datetime) -> tuple[float, float] | None:
    """Return the dearest rates, read and written, that a trial begun now can meet."""
    if price_at(card.prices, now) is None:
        return None
    today = now.astimezone(UTC).date()
    tomorrow = today + timedelta(days=1)
    rates = [
        rates
        for price in card.prices
        if price.valid_from <= tomorrow and (price.valid_to is None or today < price.valid_to)
        for rates in (price, *price.tiers, *price.windows)
    ]
    read = max(max(r.input, r.cache_read or 0.0, r.cache_write or 0.0) for r in rates)
    return read, max(r.output for r in rates)


def _price(tokens: float, rate: float) -> float:
    """Price tokens, infinitely many too, at a rate per million."""
    return tokens * rate / float(PER_MILLION) if rate else 0.0
