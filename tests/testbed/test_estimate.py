"""A plan's estimate rests on earlier trials where there are any, and says so where not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from testbed.bounds import trial_bound
from testbed.catalog import ModelCard, find_card
from testbed.estimate import EarlierRun, PlanEstimate, Range, estimate_plan, gather
from testbed.plan import PlannedScenario, RunConfig, TrialLimits
from testbed.pricing import Price
from testbed.records import Ending, Funnel, Trial, Usage, Verdict
from testbed.stats import ASSUMED, minimal_detectable_effect

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DIGESTS = {f"s{number}": f"digest {number}" for number in range(10)}
A_PASSES = (5, 4, 3, 5, 2, 1, 0, 0, 3, 1)
B_PASSES = (5, 5, 5, 4, 5, 4, 2, 0, 2, 5)


def a_card(name: str, *, output: float | None = 8.0) -> ModelCard:
    price = Price(
        valid_from=date(2026, 1, 1),
        input=2.0,
        output=output or 0.0,
        source="a test",
        checked_on=date(2026, 1, 1),
    )
    return ModelCard(
        schema_version=1,
        id=name,
        title=name,
        provider="acme",
        model=name,
        base_url="http://127.0.0.1:9/v1",
        context_window=100_000,
        prices=() if output is None else (price,),
    )


def a_config(
    *cards: ModelCard, scenarios: int = 2, repeats: int = 2, limits: TrialLimits | None = None
) -> RunConfig:
    return RunConfig(
        run_id="planned",
        created_at="2026-11-22T00:00:00+00:00",
        suite="",
        models=cards or (a_card("a"),),
        scenarios=tuple(
            PlannedScenario(id=f"s{n}", title="", kind="bug", difficulty="easy")
            for n in range(scenarios)
        ),
        repeats=repeats,
        engine="auto",
        limits=limits or TrialLimits(),
    )


def a_trial(
    scenario: str,
    *,
    model: str = "a",
    verdict: Verdict = Verdict.PASS,
    tokens: int | None = 1000,
    cost: float | None = 0.5,
    seconds: float = 60.0,
) -> Trial:
    return Trial(
        model=model,
        scripted=False,
        scenario=scenario,
        kind="bug",
        repeat=1,
        attempt=1,
        ending=Ending.FINISHED,
        verdict=verdict,
        started_at="2026-11-01T00:00:00+00:00",
        phases={"total": seconds},
        turns=1,
        requests=1,
        rate_limited=0,
        usage=None if tokens is None else Usage(fresh_input=tokens - 100, output=100),
        cost_usd=cost,
        funnel=Funnel(),
        latencies=(),
        patch=None,
    )


def estimated(
    config: RunConfig, earlier: Sequence[EarlierRun] = (), *, jobs: int = 1
) -> PlanEstimate:
    evidence = gather(config, earlier, digests=DIGESTS, now=NOW)
    return estimate_plan(config, list(config.trials()), evidence, jobs=jobs, now=NOW)


def test_without_earlier_trials_the_limits_bound_tokens_and_cost_from_above_alone() -> None:
    config = a_config()
    bound = trial_bound(config.models[0], config.limits, NOW)

    estimate = estimated(config)
    (model,) = estimate.models

    assert (model.to_make, model.done, model.rests_on, model.from_budget) == (4, 0, 0, 4)
    assert bound.tokens is not None
    assert bound.cost_usd is not None
    assert model.tokens == Range(low=None, high=4 * bound.tokens)
    assert model.cost_usd.low is None
    assert model.cost_usd.high == pytest.approx(4 * bound.cost_usd)
    assert estimate.seconds is None


def test_earlier_trials_give_the_cheapest_and_the_dearest_seen_per_scenario() -> None:
    config = a_config()
    trials = [
        a_trial("s0", cost=0.5, tokens=1000),
        a_trial("s0", cost=1.5, tokens=3000),
        a_trial("s1", cost=0.1, tokens=200),
    ]

    (model,) = estimated(config, [EarlierRun(config=config, digests=DIGESTS, trials=trials)]).models

    assert (model.rests_on, model.outdated, model.repriced, model.from_budget) == (3, 0, 0, 0)
    assert model.tokens == Range(low=2 * 1000 + 2 * 200, high=2 * 3000 + 2 * 200)
    assert model.cost_usd.low == pytest.approx(1.2)
    assert model.cost_usd.high == pytest.approx(3.2)


def test_a_scenario_never_tried_adds_its_bound_to_the_upper_end_alone() -> None:
    config = a_config()
    bound = trial_bound(config.models[0], config.limits, NOW).cost_usd
    earlier = EarlierRun(config=config, digests=DIGESTS, trials=[a_trial("s0")])

    (model,) = estimated(config, [earlier]).models

    assert bound is not None
    assert model.from_budget == 2
    assert model.cost_usd.low == 1.0
    assert model.cost_usd.high == pytest.approx(1.0 + 2 * bound)


def test_spoiled_foreign_and_differently_prompted_trials_are_no_evidence() -> None:
    config = a_config()
    foreign = [
        a_trial("s0", verdict=Verdict.UNGRADED),
        a_trial("elsewhere"),
        a_trial("s0", model="b"),
    ]
    runs = [
        EarlierRun(config=a_config(a_card("a"), a_card("b")), digests=DIGESTS, trials=foreign),
        EarlierRun(
            config=config.model_copy(update={"follow_ups": 2}),
            digests=DIGESTS,
            trials=[a_trial("s0")],
        ),
    ]

    (model,) = estimated(config, runs).models

    assert model.rests_on == 0


def test_trials_on_another_version_of_a_scenario_and_at_other_prices_are_counted_apart() -> None:
    config = a_config()
    earlier = a_config(a_card("a", output=4.0))
    runs = [
        EarlierRun(config=config, digests=DIGESTS, trials=[a_trial("s0"), a_trial("s1")]),
        EarlierRun(config=config, digests={"s0": "older"}, trials=[a_trial("s0")]),
        EarlierRun(config=config, digests={}, trials=[a_trial("s1")]),
        EarlierRun(config=earlier, digests=DIGESTS, trials=[a_trial("s0")]),
    ]

    (model,) = estimated(config, runs).models

    assert (model.rests_on, model.outdated, model.repriced) == (5, 2, 1)


def test_a_card_without_a_price_has_no_cost_whatever_was_paid_before() -> None:
    config = a_config(a_card("a", output=None))
    trials = [a_trial("s0"), a_trial("s1")]
    runs = [EarlierRun(config=a_config(), digests=DIGESTS, trials=trials)]

    estimate = estimated(config, runs)

    assert estimate.models[0].cost_usd == Range(low=None, high=None)
    assert estimate.models[0].tokens == Range(low=4000, high=4000)
    assert estimate.cost_usd == Range(low=None, high=None)


def test_usage_that_was_not_reported_is_not_taken_for_zero() -> None:
    config = a_config(scenarios=1)
    silent = a_trial("s0", tokens=None, cost=None)
    bound = trial_bound(config.models[0], config.limits, NOW)

    (model,) = estimated(config, [EarlierRun(config=config, digests={}, trials=[silent])]).models

    assert bound.tokens is not None
    assert model.tokens == Range(low=None, high=2 * bound.tokens)
    assert model.cost_usd.low is None
    assert model.from_budget == 2


def test_what_was_seen_is_cut_where_the_limits_of_the_plan_cut_it() -> None:
    config = a_config(scenarios=1, repeats=1, limits=TrialLimits(max_cost_usd=0.01))
    bound = trial_bound(config.models[0], config.limits, NOW).cost_usd
    dear = EarlierRun(config=config, digests=DIGESTS, trials=[a_trial("s0", cost=40.0)])

    (model,) = estimated(config, [dear]).models

    assert model.cost_usd == Range(low=bound, high=bound)


def test_nothing_to_make_costs_nothing_and_takes_no_time() -> None:
    config = a_config()
    evidence = gather(config, [], digests=DIGESTS, now=NOW)

    estimate = estimate_plan(config, [], evidence, jobs=2, now=NOW)

    assert estimate.models[0].done == 4
    assert estimate.cost_usd == Range(low=0, high=0)
    assert estimate.seconds == Range(low=0, high=0)


def test_players_stay_out_of_the_cost_of_all_models() -> None:
    player = find_card("scripted/noop")

    alone = estimated(a_config(player))
    beside = estimated(a_config(player, a_card("a")))

    assert alone.cost_usd == Range(low=None, high=None)
    assert alone.models[0].tokens == Range(low=None, high=None)
    assert beside.cost_usd == beside.models[1].cost_usd


def test_wall_time_is_shared_by_the_jobs_but_not_shorter_than_the_longest_trial() -> None:
    config = a_config()
    trials = [a_trial("s0", seconds=100.0), a_trial("s1", seconds=20.0)]
    earlier = EarlierRun(config=config, digests=DIGESTS, trials=trials)

    assert estimated(config, [earlier], jobs=2).seconds == Range(low=120.0, high=120.0)
    assert estimated(config, [earlier], jobs=8).seconds == Range(low=100.0, high=100.0)
    assert estimated(a_config(scenarios=3), [earlier]).seconds is None


def a_pilot(config: RunConfig, *, digests: dict[str, str] = DIGESTS) -> EarlierRun:
    trials = [
        a_trial(f"s{n}", model=model, verdict=Verdict.PASS if i < passes else Verdict.FAIL)
        for model, counts in (("a", A_PASSES), ("b", B_PASSES))
        for n, passes in enumerate(counts)
        for i in range(5)
    ]
    return EarlierRun(config=config, digests=digests, trials=trials)


def test_a_pilot_of_both_models_tells_what_the_plan_can_detect() -> None:
    config = a_config(a_card("a"), a_card("b"), scenarios=10, repeats=5)

    (found,) = estimated(config, [a_pilot(config)]).detectable

    assert (found.a, found.b, found.rests_on) == ("a", "b", 100)
    assert found.effect == pytest.approx(0.3515281, abs=1e-6)


def test_without_a_pilot_the_variances_are_assumed() -> None:
    config = a_config(a_card("a"), a_card("b"), a_card("c"), scenarios=10, repeats=5)
    stale = a_pilot(config, digests={**DIGESTS, "s3": "older"})

    assumed = minimal_detectable_effect(ASSUMED, scenarios=10, repeats=5)
    for run in ([], [stale]):
        found = estimated(config, run).detectable
        assert [(one.b, one.effect, one.rests_on) for one in found] == [
            ("b", assumed, 0),
            ("c", assumed, 0),
        ]


def test_a_pilot_in_which_nothing_varied_is_not_taken_for_certainty() -> None:
    config = a_config(a_card("a"), a_card("b"), scenarios=2, repeats=2)
    trials = [a_trial(f"s{n}", model=model) for n in (0, 1) for model in "ab" for _ in (1, 2)]

    (found,) = estimated(
        config, [EarlierRun(config=config, digests=DIGESTS, trials=trials)]
    ).detectable

    assert found.variances == ASSUMED
    assert found.rests_on == 0


def test_one_model_is_planned_against_any_other_and_one_scenario_shows_nothing() -> None:
    (found,) = estimated(a_config(scenarios=1)).detectable

    assert (found.b, found.effect) == (None, None)
