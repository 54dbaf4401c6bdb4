"""What one trial may cost at most is never too little, and unknown rather than zero."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time

import pytest

from testbed.bounds import Room, TrialBound, reservation, spent_by, trial_bound
from testbed.catalog import ModelCard, find_card
from testbed.plan import TrialLimits
from testbed.pricing import Price, Tier, Window
from testbed.records import Ending, Funnel, Trial, Verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRICE = Price(
    valid_from=date(2026, 1, 1),
    input=2.0,
    cache_read=0.5,
    output=8.0,
    source="a test",
    checked_on=date(2026, 1, 1),
)
LIMITS = TrialLimits(max_tokens=1_000_000)


def a_card(*prices: Price, window: int | None = 100_000) -> ModelCard:
    return ModelCard(
        schema_version=1,
        id="acme/coder",
        title="Coder",
        provider="acme",
        model="coder",
        base_url="http://127.0.0.1:9/v1",
        context_window=window,
        max_output_tokens=10_000,
        prices=prices,
    )


def a_trial(cost: float | None, *, asked: bool = True) -> Trial:
    return Trial(
        model="acme/coder",
        scripted=False,
        scenario="one",
        kind="bug",
        repeat=1,
        attempt=1,
        ending=Ending.INFRA_ERROR,
        verdict=Verdict.UNGRADED,
        started_at="2026-11-22T12:00:00+00:00",
        phases={"start": 1.0, "agent": 1.0} if asked else {"start": 1.0},
        turns=0,
        requests=0,
        rate_limited=0,
        usage=None,
        cost_usd=cost,
        funnel=Funnel(),
        latencies=(),
        patch=None,
    )


def test_the_token_limit_at_the_dearest_rate_and_one_request_beyond_it_are_the_bound() -> None:
    bound = trial_bound(a_card(PRICE), LIMITS, NOW)

    assert bound.tokens == 1_000_000 + 110_000
    assert bound.cost_usd == pytest.approx(1.0 * 8 + 0.1 * 2 + 0.01 * 8)


def test_a_cost_limit_of_the_trial_is_overshot_by_one_request_at_most() -> None:
    limits = LIMITS.model_copy(update={"max_cost_usd": 0.5})

    assert trial_bound(a_card(PRICE), limits, NOW).cost_usd == pytest.approx(0.5 + 0.28)


def test_few_turns_bound_a_trial_before_its_tokens_do() -> None:
    bound = trial_bound(a_card(PRICE), TrialLimits(max_turns=2), NOW)

    assert bound.tokens == 220_000
    assert bound.cost_usd == pytest.approx(2 * 0.28)


def test_without_a_known_window_a_request_is_as_long_as_all_that_may_be_said() -> None:
    bound = trial_bound(a_card(PRICE, window=None), LIMITS, NOW)

    assert bound.tokens == 1_000_000 + 2_000_000 + 10_000
    assert bound.cost_usd == pytest.approx(8 + 2 * 2 + 0.01 * 8)


def test_tiers_hours_and_cache_writes_count_at_their_dearest() -> None:
    tiered = PRICE.model_copy(
        update={"tiers": (Tier(above_input_tokens=50_000, input=3.0, cache_write=4.0, output=9.0),)}
    )
    peak = Window(begins=time(1), ends=time(2), input=4.0, output=9.0)
    timed = PRICE.model_copy(update={"windows": (peak,)})

    expected = pytest.approx(9 + 0.1 * 4 + 0.01 * 9)
    assert trial_bound(a_card(tiered), LIMITS, NOW).cost_usd == expected
    assert trial_bound(a_card(timed), LIMITS, NOW).cost_usd == expected


def test_a_price_that_begins_tomorrow_counts_and_one_that_has_ended_does_not() -> None:
    span = {"valid_from": date(2025, 1, 1), "valid_to": date(2026, 11, 22), "output": 100.0}
    ended = PRICE.model_copy(update=span)
    now = PRICE.model_copy(
        update={"valid_from": date(2026, 11, 22), "valid_to": date(2026, 11, 23)}
    )
    rise = PRICE.model_copy(update={"valid_from": date(2026, 11, 23), "output": 16.0})

    assert trial_bound(a_card(ended, now, rise), LIMITS, NOW).cost_usd == pytest.approx(
        16 + 0.1 * 2 + 0.01 * 16
    )


def test_without_a_price_the_cost_is_unknown_and_no_money_is_enough() -> None:
    card = a_card()

    assert trial_bound(card, LIMITS, NOW).cost_usd is None
    assert reservation(card, LIMITS, NOW) == math.inf
    assert not Room(limit=1e9, spent=0.0, next_trial=math.inf).fits


def test_what_is_free_stays_free_without_any_limit() -> None:
    free = PRICE.model_copy(update={"input": 0.0, "cache_read": 0.0, "output": 0.0})
    endless = TrialLimits(max_tokens=None)

    assert trial_bound(a_card(free, window=None), endless, NOW) == TrialBound(
        tokens=None, cost_usd=0.0
    )
    assert trial_bound(a_card(PRICE, window=None), endless, NOW).cost_usd is None


def test_a_player_needs_no_money() -> None:
    assert reservation(find_card("scripted/oracle"), TrialLimits(), NOW) == 0


def test_a_trial_of_unknown_cost_counts_with_its_bound_once_a_request_was_possible() -> None:
    card = a_card(PRICE)

    assert spent_by(a_trial(0.25), card, LIMITS) == 0.25
    assert spent_by(a_trial(None), card, LIMITS) == trial_bound(card, LIMITS, NOW).cost_usd
    assert spent_by(a_trial(None, asked=False), card, LIMITS) == 0
