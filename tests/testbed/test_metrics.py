from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from testbed.errors import RunError
from testbed.metrics import run_figures
from testbed.records import (
    Ending,
    Failure,
    Funnel,
    Latency,
    Origin,
    Stage,
    Trial,
    Usage,
    Verdict,
)
from testbed.view import ModelView, RunView, ScenarioView

PASS, FAIL, UNGRADED = Verdict.PASS, Verdict.FAIL, Verdict.UNGRADED


def trial(scenario: str, repeat: int, verdict: Verdict, **changes: Any) -> Trial:  # noqa: ANN401  (any field)
    fields: dict[str, Any] = {
        "model": "m",
        "scripted": False,
        "scenario": scenario,
        "kind": "bug",
        "repeat": repeat,
        "attempt": 1,
        "ending": Ending.INFRA_ERROR if verdict is UNGRADED else Ending.FINISHED,
        "verdict": verdict,
        "started_at": "2026-11-22T13:00:00+00:00",
        "phases": {"total": 60.0, "waiting": 0.0},
        "turns": 2,
        "requests": 2,
        "rate_limited": 0,
        "usage": None,
        "cost_usd": None,
        "funnel": Funnel(),
        "latencies": (),
        "patch": None,
    }
    return Trial(**(fields | changes))


def view(*trials: Trial, kinds: str = "bbf", repeats: int = 2, **changes: Any) -> RunView:  # noqa: ANN401  (any field)
    """One model `m` on scenarios a, b, c … of the kinds (b: bug, f: feature)."""
    base = RunView(
        run_id="r",
        created="2026-11-22T13:00:00+00:00",
        models=(ModelView(name="m", scripted=False),),
        scenarios=tuple(
            ScenarioView(id=i, title=i, kind={"b": "bug", "f": "feature"}[k], difficulty="easy")
            for i, k in zip("abcdefghi", kinds, strict=False)
        ),
        repeats=repeats,
        trials=trials,
    )
    return replace(base, **changes)


def six(*verdicts: Verdict, **changes: Any) -> list[Trial]:  # noqa: ANN401  (any field)
    """Two repeats of a, then of b, then of c."""
    places = [(s, r) for s in "abc" for r in (1, 2)]
    return [trial(s, r, v, **changes) for (s, r), v in zip(places, verdicts, strict=True)]


def test_rates_are_means_over_scenarios() -> None:
    (model,) = run_figures(view(*six(PASS, PASS, FAIL, PASS, FAIL, FAIL))).models

    assert model.pass_1.left_out is not None
    assert model.pass_1.left_out.value == pytest.approx(0.5)
    assert model.pass_1.as_fail == model.pass_1.left_out
    assert model.pass_1.interval == model.pass_1.left_out.interval
    assert model.pass_at == {1: pytest.approx(0.5), 2: pytest.approx(2 / 3)}
    assert model.pass_all == {1: pytest.approx(0.5), 2: pytest.approx(1 / 3)}


def test_single_prompt_success_counts_the_first_trial_only() -> None:
    (model,) = run_figures(view(*six(PASS, FAIL, FAIL, PASS, PASS, PASS))).models

    assert (model.single_prompt.hits, model.single_prompt.known) == (2, 3)


def test_the_first_valid_trial_is_found_by_its_index_whatever_the_order() -> None:
    trials = six(UNGRADED, PASS, PASS, FAIL, UNGRADED, UNGRADED)
    figures = run_figures(view(*reversed(trials)))
    (model,) = figures.models

    assert (model.single_prompt.hits, model.single_prompt.known, model.single_prompt.of) == (
        2,
        2,
        3,
    )
    assert [c.first_passed for c in figures.cells] == [True, True, None]
    assert [c.passes for c in figures.cells] == [1, 1, 0]


def test_trials_without_a_verdict_widen_the_rate_to_two_bounds() -> None:
    (model,) = run_figures(view(*six(PASS, UNGRADED, PASS, FAIL, FAIL, FAIL))).models
    rate = model.pass_1

    assert rate.left_out is not None
    assert rate.as_fail is not None
    assert rate.left_out.value == pytest.approx((1 + 0.5 + 0) / 3)
    assert rate.as_fail.value == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert rate.left_out.interval is not None
    assert rate.as_fail.interval is not None
    assert rate.interval is not None
    assert rate.interval.low == rate.as_fail.interval.low < rate.left_out.interval.low
    assert rate.interval.high == rate.left_out.interval.high > rate.as_fail.interval.high
    assert model.pass_at.keys() == {1}


def test_a_scenario_that_was_never_graded_stays_in_the_lower_bound() -> None:
    (model,) = run_figures(view(*six(PASS, PASS, PASS, PASS, UNGRADED, UNGRADED))).models

    assert model.pass_1.left_out is not None
    assert model.pass_1.as_fail is not None
    assert (model.pass_1.left_out.value, model.pass_1.left_out.scenarios) == (1.0, 2)
    assert model.pass_1.as_fail.value == pytest.approx(2 / 3)


def test_a_try_without_a_request_has_cost_nothing() -> None:
    spoiled = trial("a", 1, UNGRADED, cost_usd=None, requests=0)
    passed = trial("a", 1, PASS, attempt=2, cost_usd=0.25, requests=3)
    (model,) = run_figures(view(passed, spoiled=[spoiled])).models

    assert model.measures.cost.all_tries.value == 0.25


def test_pass_at_k_is_unknown_while_a_scenario_has_no_verdict() -> None:
    (model,) = run_figures(view(*six(PASS, PASS, PASS, PASS, UNGRADED, UNGRADED))).models

    assert (model.pass_at, model.pass_all) == ({}, {})


def test_planned_trials_are_valid_or_ungraded_or_not_run() -> None:
    tried = [trial("a", 1, PASS), trial("a", 2, UNGRADED), trial("b", 1, FAIL)]
    only_spoiled = trial("b", 2, UNGRADED)
    retried = trial("a", 2, UNGRADED, attempt=2)
    figures = run_figures(view(*tried, spoiled=[only_spoiled, retried]))
    counts = figures.models[0].counts

    assert (counts.planned, counts.valid, counts.ungraded, counts.not_run) == (6, 2, 2, 2)
    assert [c.counts.not_run for c in figures.cells] == [0, 0, 2]


def test_an_empty_run_has_no_figures_and_no_zeros() -> None:
    (model,) = run_figures(view()).models
    work = model.measures

    assert model.pass_1.left_out is None
    assert model.pass_1.interval is None
    assert model.single_prompt.rate is None
    assert model.pass_at == {}
    assert work.cost.counted.known_part is None
    assert work.cost.per_solved is None
    assert work.tool_calls.micro is None
    assert work.times.response.median is None
    assert work.waits.per_100_requests is None
    assert work.waits.share_of_wall is None


def test_bugs_are_detected_and_localised_by_the_first_trial_of_bug_scenarios() -> None:
    trials = [
        trial("a", 1, FAIL, localised=True),
        trial("a", 2, PASS, localised=True),
        trial("b", 1, PASS, localised=None),
        trial("c", 1, PASS, localised=True, kind="feature"),
    ]
    (model,) = run_figures(view(*trials)).models

    assert (model.bug_detection.hits, model.bug_detection.known) == (1, 2)
    assert (model.localisation.hits, model.localisation.known, model.localisation.of) == (1, 1, 2)


def test_adherence_counts_scenarios_without_a_violation() -> None:
    trials = [
        trial("a", 1, FAIL, violations=()),
        trial("b", 1, PASS, violations=("forbidden_paths",)),
        trial("c", 1, PASS, violations=None),
    ]
    (model,) = run_figures(view(*trials)).models

    assert (model.adherence.hits, model.adherence.known, model.adherence.of) == (1, 2, 3)


def test_tool_call_accuracy_is_given_over_calls_and_over_trials() -> None:
    trials = [
        trial("a", 1, PASS, funnel=Funnel(stages={"effective": 8, "parsed": 2}, causes={"x": 2})),
        trial("b", 1, PASS, funnel=Funnel(stages={"executable": 1, "emitted": 1}, causes={"y": 3})),
        trial("c", 1, FAIL, funnel=Funnel()),
    ]
    calls = run_figures(view(*trials)).models[0].measures.tool_calls

    assert (calls.executable, calls.emitted) == (9, 12)
    assert calls.micro == pytest.approx(0.75)
    assert calls.macro.value == pytest.approx((0.8 + 0.5) / 2)
    assert (calls.macro.known, calls.macro.of) == (2, 3)
    assert [calls.reached[stage] for stage in Stage] == [12, 11, 9, 9, 9, 8]
    assert list(calls.causes.items()) == [("y", 3), ("x", 2)]


def test_unused_names_that_nobody_counted_are_not_zero() -> None:
    trials = [
        trial("a", 1, PASS, unused=3),
        trial("b", 1, PASS, unused=0),
        trial("c", 1, PASS, unused=None),
    ]
    unused = run_figures(view(*trials)).models[0].measures.unused

    assert (unused.total.value, unused.total.known_part) == (None, 3)
    assert (unused.per_trial.value, unused.per_trial.known, unused.per_trial.of) == (1.5, 2, 3)
    assert (unused.trials_with.hits, unused.trials_with.rate) == (1, 0.5)


def test_tokens_are_summed_per_class_and_unknown_parts_stay_unknown() -> None:
    trials = [
        trial("a", 1, PASS, usage=Usage(fresh_input=100, output=7, reasoning=0)),
        trial("b", 1, PASS, usage=Usage(fresh_input=50, output=None, reasoning=0)),
    ]
    known = run_figures(view(*trials)).models[0].measures.tokens
    partly = run_figures(view(*trials, trial("c", 1, PASS, usage=None))).models[0].measures.tokens

    assert known.fresh_input.value == 150
    assert known.reasoning.value == 0
    assert (known.output.value, known.output.known_part, known.output.known) == (None, 7, 1)
    assert (known.cache_read.known_part, known.cache_read.known) == (None, 0)
    assert (partly.fresh_input.value, partly.fresh_input.known, partly.fresh_input.of) == (
        None,
        2,
        3,
    )


def test_cost_per_solved_matches_the_worked_example() -> None:
    passes = (5, 4, 3, 5, 2, 1, 0, 0, 3, 1)
    dollars = (0.40, 0.35, 0.60, 0.80, 1.20, 1.50, 2.00, 1.80, 0.90, 0.70)
    trials = [
        trial(scenario, repeat, PASS if repeat <= passed else FAIL, cost_usd=cost / 5)
        for scenario, passed, cost in zip("abcdefghij", passes, dollars, strict=True)
        for repeat in range(1, 6)
    ]
    scenarios = tuple(
        ScenarioView(id=i, title=i, kind="bug", difficulty="easy") for i in "abcdefghij"
    )
    (model,) = run_figures(view(*trials, repeats=5, scenarios=scenarios)).models

    assert model.measures.cost.per_solved is not None
    assert model.measures.cost.per_solved.value == pytest.approx(0.4270833, abs=1e-6)
    assert model.pass_1.interval is not None
    assert model.pass_1.interval.low == pytest.approx(0.2459922, abs=1e-6)
    assert model.pass_at[5] == pytest.approx(0.8)
    assert model.pass_all[5] == pytest.approx(0.2)


def test_money_spent_on_spoiled_tries_is_booked_apart() -> None:
    trials = [
        trial("a", 1, PASS, cost_usd=0.30),
        trial("b", 1, FAIL, cost_usd=0.10),
        trial("c", 1, UNGRADED, cost_usd=0.05),
    ]
    spoiled = [trial("a", 1, UNGRADED, cost_usd=0.02)]
    cost = run_figures(view(*trials, spoiled=spoiled)).models[0].measures.cost

    assert cost.counted.value == pytest.approx(0.40)
    assert cost.all_tries.value == pytest.approx(0.47)
    assert cost.per_trial.value == pytest.approx(0.20)
    assert cost.per_solved is not None
    assert cost.per_solved.value == pytest.approx(0.40)


def test_an_unknown_cost_makes_the_sum_unknown_but_keeps_the_known_part() -> None:
    trials = [trial("a", 1, PASS, cost_usd=0.3), trial("b", 1, PASS, cost_usd=None)]
    cost = run_figures(view(*trials)).models[0].measures.cost

    assert (cost.counted.value, cost.counted.known_part) == (None, 0.3)
    assert (cost.counted.known, cost.counted.of) == (1, 2)
    assert cost.per_solved is not None
    assert (cost.per_solved.value, cost.per_solved.known_part) == (None, 0.15)


def test_nothing_solved_has_no_price_per_solved() -> None:
    cost = run_figures(view(trial("a", 1, FAIL, cost_usd=0.3))).models[0].measures.cost

    assert cost.per_solved is None


def test_times_are_quantiles_over_replies_of_valid_trials() -> None:
    def reply(seconds: float, speed: float | None) -> Latency:
        return Latency(
            response_s=seconds, ttft_s=seconds / 10, ttfo_s=None, output_tokens_per_s=speed
        )

    trials = [
        trial("a", 1, PASS, latencies=(reply(1, 50), reply(2, None)), phases={"total": 10.0}),
        trial("b", 1, FAIL, latencies=(reply(9, 70),), phases={"total": 30.0}),
        trial("c", 1, UNGRADED, latencies=(reply(500, 1),), phases={"total": 900.0}),
    ]
    times = run_figures(view(*trials)).models[0].measures.times

    assert (times.response.median, times.response.known) == (2, 3)
    assert times.response.p90 == pytest.approx(2 + 0.8 * 7)
    assert times.ttft.median == pytest.approx(0.2)
    assert (times.ttfo.median, times.ttfo.known, times.ttfo.of) == (None, 0, 3)
    assert (times.output_speed.median, times.output_speed.known) == (60, 2)
    assert times.wall.median == 20


def test_rate_limits_count_over_every_try() -> None:
    trials = [
        trial("a", 1, PASS, requests=40, phases={"total": 100.0, "waiting": 5.0}),
        trial(
            "b", 1, UNGRADED, requests=5, rate_limited=4, phases={"total": 60.0, "waiting": 45.0}
        ),
    ]
    spoiled = [trial("a", 1, UNGRADED, requests=5, rate_limited=1, phases={"total": 40.0})]
    waits = run_figures(view(*trials, spoiled=spoiled)).models[0].measures.waits

    assert (waits.requests, waits.rate_limited) == (50, 5)
    assert waits.per_100_requests == 10
    assert (waits.seconds.value, waits.seconds.known_part) == (None, 50)
    assert waits.share_of_wall == pytest.approx(50 / 160)


def test_endings_verdicts_and_origins_are_counted() -> None:
    broken = Failure(origin=Origin.SANDBOX, detail="gone")
    trials = [
        trial("a", 1, PASS),
        trial("a", 2, FAIL, ending=Ending.TURN_LIMIT),
        trial("b", 1, FAIL, ending=Ending.TURN_LIMIT),
        trial("b", 2, UNGRADED, failure=broken),
    ]
    spoiled = [trial("b", 2, UNGRADED), trial("a", 1, UNGRADED, failure=broken)]
    measures = run_figures(view(*trials, spoiled=spoiled)).models[0].measures

    assert measures.endings == {"turn_limit": 2, "finished": 1, "infra_error": 1}
    assert measures.verdicts == {"fail": 2, "pass": 1, "ungraded": 1}
    assert measures.spoiled_by == {"sandbox": 2, "not_stated": 1}


def test_a_cell_holds_the_work_of_its_own_trials_only() -> None:
    trials = [trial("a", 1, PASS, cost_usd=1.0), trial("b", 1, FAIL, cost_usd=2.0)]
    cells = run_figures(view(*trials)).cells

    assert [(c.model, c.scenario) for c in cells] == [("m", "a"), ("m", "b"), ("m", "c")]
    assert [c.measures.cost.counted.value for c in cells] == [1.0, 2.0, None]


def test_a_model_with_one_scripted_trial_is_scripted() -> None:
    (model,) = run_figures(view(trial("a", 1, PASS, scripted=True))).models

    assert model.scripted


def test_a_trial_that_stands_twice_is_refused() -> None:
    with pytest.raises(RunError, match="stands 2 times"):
        run_figures(view(trial("a", 1, PASS), trial("a", 1, PASS, attempt=2)))


@pytest.mark.parametrize(
    "stray",
    [trial("z", 1, PASS), trial("a", 3, PASS), trial("a", 0, PASS), trial("a", 1, PASS, model="x")],
)
def test_a_trial_that_was_not_planned_is_refused(stray: Trial) -> None:
    with pytest.raises(RunError, match="was not planned"):
        run_figures(view(stray))
    with pytest.raises(RunError, match="was not planned"):
        run_figures(view(spoiled=[stray]))
