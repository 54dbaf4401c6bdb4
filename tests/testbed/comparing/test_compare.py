"""From records to a comparison: the worked example, and everything that is less tidy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from testbed.comparing.compare import compare, contest, contest_between
from testbed.comparing.comparison import Direction, Outcome, Severity
from testbed.comparing.gate import GateOutcome, Policy, decide
from testbed.comparing.pooled import pool
from testbed.errors import RunError
from testbed.metrics import run_figures
from testbed.preflight import Outcome as ProbeOutcome
from testbed.preflight import Preflight, Probe
from testbed.records import Ending, Funnel, Latency, Trial, Usage, Verdict
from testbed.stats import Tally
from testbed.view import ModelView, RunView, ScenarioView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.comparing.comparison import Comparison, Difference
    from testbed.stats import Interval

A = (5, 4, 3, 5, 2, 1, 0, 0, 3, 1)
B = (5, 5, 5, 4, 5, 4, 2, 0, 2, 5)
COSTS_A = (0.40, 0.35, 0.60, 0.80, 1.20, 1.50, 2.00, 1.80, 0.90, 0.70)
COSTS_B = (0.50, 0.45, 0.60, 0.90, 1.00, 1.40, 2.20, 2.10, 1.10, 0.75)
EXACT = 1e-6
GONE = "?"


def a_trial(model: str, scenario: str, repeat: int, verdict: Verdict, **changes: Any) -> Trial:  # noqa: ANN401  (any field)
    ungraded = verdict is Verdict.UNGRADED
    fields: dict[str, Any] = {
        "model": model,
        "scripted": False,
        "scenario": scenario,
        "kind": "bug",
        "repeat": repeat,
        "attempt": 1,
        "ending": Ending.INFRA_ERROR if ungraded else Ending.FINISHED,
        "verdict": verdict,
        "started_at": "2026-11-22T13:00:00+00:00",
        "phases": {"total": 60.0, "waiting": 0.0},
        "turns": 2,
        "requests": 2,
        "rate_limited": 0,
        "usage": None,
        "cost_usd": None,
        "funnel": Funnel(stages={"effective": 4}),
        "latencies": (),
        "patch": None,
        "violations": None if ungraded else (),
        "unused": None if ungraded else 0,
    }
    return Trial(**(fields | changes))


def verdicts(cell: int | str, k: int) -> list[Verdict]:
    """Read `3` as three passes of k, and `+-?` as one trial each; `.` was not run."""
    if isinstance(cell, int):
        return [Verdict.PASS if i < cell else Verdict.FAIL for i in range(k)]
    told = {"+": Verdict.PASS, "-": Verdict.FAIL, GONE: Verdict.UNGRADED}
    return [told[mark] for mark in cell if mark != "."]


def a_view(
    rows: Mapping[str, Sequence[int | str]],
    k: int = 5,
    *,
    costs: Mapping[str, Sequence[float]] | None = None,
    **changes: Any,  # noqa: ANN401  (any field)
) -> RunView:
    """Make a run: model -> its cells, one per scenario s0, s1, …; costs are per scenario."""
    count = max(len(row) for row in rows.values())
    trials = [
        a_trial(
            model,
            f"s{i}",
            repeat,
            verdict,
            cost_usd=costs[model][i] / k if costs else None,
        )
        for model, row in rows.items()
        for i, cell in enumerate(row)
        for repeat, verdict in enumerate(verdicts(cell, k), 1)
    ]
    fields: dict[str, Any] = {
        "run_id": "r1",
        "created": "2026-11-22T13:00:00+00:00",
        "models": tuple(ModelView(name=model, scripted=False) for model in rows),
        "scenarios": tuple(
            ScenarioView(id=f"s{i}", title=f"Task {i}", kind="bug", difficulty="easy")
            for i in range(count)
        ),
        "repeats": k,
        "trials": trials,
    }
    return RunView(**(fields | changes))


def between(view: RunView, **options: Any) -> Comparison:  # noqa: ANN401  (any option)
    return compare(view, view, model_a="a", model_b="b", **options)


def known(found: Difference | None) -> Difference:
    assert found is not None
    return found


def ends(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    return interval.low, interval.high


@pytest.fixture
def worked() -> Comparison:
    return between(a_view({"a": A, "b": B}, costs={"a": COSTS_A, "b": COSTS_B}))


def test_the_worked_example_comes_out_of_records_to_six_decimals(worked: Comparison) -> None:
    assert (worked.rate_a, worked.rate_b) == pytest.approx((0.48, 0.74), abs=EXACT)
    assert known(worked.tasks).value == pytest.approx(0.26, abs=EXACT)
    assert known(worked.tasks).se == pytest.approx(0.1117537, abs=EXACT)
    assert known(worked.tasks).p == pytest.approx(0.0450010, abs=EXACT)
    assert ends(known(worked.tasks).interval) == pytest.approx((0.0071956, 0.5128044), abs=EXACT)
    assert known(worked.suite).se == pytest.approx(0.0707107, abs=EXACT)
    assert ends(known(worked.suite).interval) == pytest.approx((0.1214096, 0.3985904), abs=EXACT)
    assert known(worked.suite).p == pytest.approx(0.0002360, abs=EXACT)
    assert worked.sign_flip_p == pytest.approx(0.0703125, abs=EXACT)
    assert worked.mcnemar_p is None
    assert worked.detectable == pytest.approx(0.3515281, abs=EXACT)
    assert worked.outcome is Outcome.BETTER
    assert worked.settling is None
    assert worked.bounds is None
    assert (len(worked.up), len(worked.down)) == (6, 2)


def test_the_worked_rates_and_costs_are_those_of_the_leaderboard(worked: Comparison) -> None:
    rates = [side.figures.pass_1.left_out for side in (worked.a, worked.b)]
    assert [ends(rate.interval) for rate in rates if rate] == [
        pytest.approx((0.2459922, 0.7231253), abs=EXACT),
        pytest.approx((0.4530984, 0.9072152), abs=EXACT),
    ]
    assert worked.b.figures.pass_at[3] == pytest.approx(0.88, abs=EXACT)
    assert worked.a.figures.pass_all[3] == pytest.approx(0.26, abs=EXACT)
    solved = worked.figure("cost_per_solved")
    assert solved is not None
    assert solved.ratio is not None
    assert (solved.a, solved.b) == pytest.approx((0.4270833, 0.2972973), abs=EXACT)
    assert solved.ratio.value == pytest.approx(0.6961107, abs=EXACT)
    assert ends(solved.ratio.interval) == pytest.approx((0.4034880, 1.2009532), abs=EXACT)
    trial = worked.figure("cost_per_trial")
    assert trial is not None
    assert trial.ratio is not None
    assert trial.ratio.value == pytest.approx(1.0898119, abs=EXACT)
    assert ends(trial.ratio.interval) == pytest.approx((0.9881270, 1.2019609), abs=EXACT)
    assert trial.winner is None


def test_swapping_the_sides_mirrors_everything(worked: Comparison) -> None:
    view = a_view({"a": B, "b": A}, costs={"a": COSTS_B, "b": COSTS_A})
    back = between(view)

    assert known(back.tasks).value == pytest.approx(-0.26)
    low, high = ends(known(worked.tasks).interval)
    assert ends(known(back.tasks).interval) == pytest.approx((-high, -low))
    assert back.outcome is Outcome.WORSE
    assert (back.up, back.down) == (worked.down, worked.up)
    assert back.detectable == pytest.approx(worked.detectable)


def test_two_that_pass_everything_are_inconclusive_and_their_error_is_no_zero() -> None:
    found = between(a_view({"a": [5] * 10, "b": [5] * 10}))

    assert known(found.tasks).degenerate
    assert ends(known(found.tasks).interval) == pytest.approx((-0.1250454, 0.1250454), abs=EXACT)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.settling is not None
    assert found.settling.repeats is not None
    assert found.detectable is not None
    assert found.detectable > 0.1


def test_the_margin_decides_between_not_worse_and_inconclusive() -> None:
    view = a_view({"a": [5] * 10, "b": [5] * 10})

    assert between(view, margin=0.13).outcome is Outcome.NOT_WORSE
    assert between(view, margin=0.13).settling is None
    assert between(view, margin=0.12).outcome is Outcome.INCONCLUSIVE


def test_one_scenario_has_a_difference_and_no_interval() -> None:
    found = between(a_view({"a": [1], "b": [4]}))

    assert known(found.tasks).value == pytest.approx(0.6)
    assert known(found.tasks).interval is None
    assert known(found.suite).interval is not None
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.detectable is None
    assert found.settling is None
    assert "It rests on 1 scenario: too few to say much about other tasks." in found.notes


def test_single_trials_have_mcnemar_and_no_error_on_the_suite() -> None:
    a, b = ["-"] * 9 + ["+"] * 3, ["+"] * 9 + ["-"] * 2 + ["+"]
    found = between(a_view({"a": a, "b": b}, 1))

    assert found.mcnemar_p == pytest.approx(0.0385742, abs=EXACT)
    assert known(found.suite).se is None
    assert found.detectable == pytest.approx((2.200985 + 0.875530) * (known(found.tasks).se or 0))
    assert any("One trial of each scenario" in note for note in found.notes)


def test_without_repeats_only_more_scenarios_are_said_to_settle_it() -> None:
    found = between(
        a_view({"a": ["-", "+", "-", "+", "-", "-"], "b": ["+", "-", "+", "+", "-", "-"]}, 1)
    )

    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.settling is not None
    assert found.settling.repeats is None
    assert found.settling.scenarios is not None
    assert found.settling.scenarios > 6


def test_nothing_in_common_is_no_estimate_at_all() -> None:
    found = between(a_view({"a": ["++", "??"], "b": ["??", "+-"]}, 2))

    assert found.paired == 0
    assert (found.rate_a, found.rate_b, found.tasks, found.suite) == (None, None, None, None)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.kinds == ()
    assert found.up == found.down == ()
    assert all(f.difference is None for f in found.figures if f.ratio is None)
    assert found.bounds is not None


def test_ungraded_trials_are_left_out_and_the_worst_case_holds_them_against_b() -> None:
    found = between(a_view({"a": ["+?", "+-", "--"], "b": ["++", "?+", "-?"]}, 2))

    assert [(p.a, p.b) for p in found.scenarios] == [
        (Tally(passes=1, trials=1), Tally(passes=2, trials=2)),
        (Tally(passes=1, trials=2), Tally(passes=1, trials=1)),
        (Tally(passes=0, trials=2), Tally(passes=0, trials=1)),
    ]
    assert known(found.tasks).value == pytest.approx(0.5 / 3)
    assert known(found.bounds).value == pytest.approx((0 + 0 + 0) / 3)
    assert sum("no verdict" in note for note in found.notes) == 2


def test_a_trial_that_was_never_run_widens_the_worst_case_too() -> None:
    found = between(a_view({"a": ["++", "++"], "b": ["+.", "++"]}, 2))

    assert known(found.tasks).value == 0
    assert known(found.bounds).value == pytest.approx(-0.25)


def test_unequal_repeats_weigh_every_scenario_alike() -> None:
    rows: dict[str, list[int | str]] = {"a": ["+", "----"], "b": ["++++", "+-"]}
    view = a_view(rows, 4, planned={("a", "s0"): 1, ("a", "s1"): 4, ("b", "s0"): 4, ("b", "s1"): 2})
    found = between(view)

    assert (found.rate_a, found.rate_b) == (0.5, 0.75)
    assert known(found.suite).interval is None
    pass_all = found.figure("pass_all_k")
    assert pass_all is not None
    assert (pass_all.a, pass_all.b) == (0.5, 0.75)


def test_pass_k_is_compared_at_the_k_that_both_have() -> None:
    a, b = a_view({"a": (2, 1)}, 2), a_view({"b": (4, 2)}, 4, run_id="r2")
    pair = compare(a, b, model_a="a", model_b="b").figure("pass_at_k")

    assert pair is not None
    assert pair.a == pytest.approx(1.0)
    assert pair.b == pytest.approx(1 - (1 / 6) / 2)


def test_a_scenario_of_one_side_is_named_and_in_no_figure() -> None:
    a = a_view({"a": (2, 2)}, 2)
    b = a_view({"b": (2, 0, 0)}, 2, run_id="r2")
    found = compare(a, b, model_a="a", model_b="b")

    assert found.paired == 2
    assert [p.scenario for p in found.scenarios] == ["s0", "s1", "s2"]
    assert found.scenarios[2].a is None
    assert found.scenarios[2].b == Tally(passes=0, trials=2)
    assert found.scenarios[2].fisher_p is None
    assert found.b.counts.planned == 4
    rate = found.figure("pass_1")
    assert rate is not None
    assert rate.b == 0.5 == found.rate_b
    assert "s2" in " ".join(found.notes)


def test_a_flip_is_no_regression_unless_fisher_and_holm_say_so() -> None:
    three = between(a_view({"a": [3] * 4, "b": [0, 3, 3, 3]}, 3))
    many = between(a_view({"a": [9] * 4, "b": [0, 9, 9, 9]}, 9))

    assert three.down == many.down == ("s0",)
    assert three.scenarios[0].fisher_p == pytest.approx(0.4)
    assert (many.scenarios[0].fisher_p or 1) < 0.001


def test_kinds_are_compared_apart() -> None:
    kinds = ("bug", "bug", "feature")
    scenarios = tuple(
        ScenarioView(id=f"s{i}", title="t", kind=kind, difficulty="easy")
        for i, kind in enumerate(kinds)
    )
    found = between(a_view({"a": (0, 1, 2), "b": (2, 1, 1)}, 2, scenarios=scenarios))

    assert [(k.kind, k.scenarios, k.a, k.b) for k in found.kinds] == [
        ("bug", 2, 0.25, 0.75),
        ("feature", 1, 1.0, 0.5),
    ]
    assert found.kinds[1].difference.interval is None


def test_every_headline_figure_is_the_leaderboards_own() -> None:
    view = a_view({"a": A, "b": B}, costs={"a": COSTS_A, "b": COSTS_B})
    found, (_, board) = between(view), run_figures(view).models

    told = {figure.id: figure.b for figure in found.figures}
    assert told["single_prompt"] == board.single_prompt.rate
    assert told["pass_all_k"] == board.pass_all[5]
    assert told["adherence"] == board.adherence.rate
    assert told["tool_call_accuracy"] == board.measures.tool_calls.micro
    assert told["unused_per_trial"] == 0
    assert told["wall"] == 60
    assert told["cost_per_trial"] == board.measures.cost.per_trial.value
    assert told["response"] is None
    assert told["tokens_input"] is None


def test_figures_of_first_trials_are_about_the_first_by_repeat() -> None:
    found = between(a_view({"a": ["-+", "-+", "?-"], "b": ["+-", "+-", "?+"]}, 2))

    for name in ("single_prompt", "bug_detection"):
        figure = found.figure(name)
        assert figure is not None
        assert (figure.a, figure.b) == (0, 1)
        assert known(figure.difference).value == 1


def test_a_figure_that_nobody_reported_is_unknown_and_never_zero() -> None:
    found = between(a_view({"a": A, "b": B}))

    for name in ("cost_per_trial", "cost_per_solved", "ttft", "output_speed", "tokens_output"):
        figure = found.figure(name)
        assert figure is not None
        assert (figure.a, figure.b, figure.winner) == (None, None, None)
        assert figure.ratio is not None
        assert figure.ratio.value is None
    quality = found.figure("quality_longest_function")
    assert quality is not None
    assert (quality.a, quality.difference) == (None, None)


def test_times_and_tokens_are_compared_by_ratios_within_scenarios() -> None:
    """A is slow where tasks are long; B takes half as long everywhere."""
    view = a_view({"a": [1] * 4, "b": [1] * 4}, 1)
    pace = {"a": 2.0, "b": 1.0}
    trials = [
        t.model_copy(
            update={
                "latencies": tuple(
                    Latency(
                        response_s=pace[t.model] * (1 + place) + 0.01 * place * (t.model == "b"),
                        ttft_s=None,
                        ttfo_s=None,
                        output_tokens_per_s=None,
                    )
                    for _ in range(3)
                ),
                "usage": Usage(fresh_input=100, cache_read=None, cache_write=None, output=10),
            }
        )
        for t in view.trials
        for place in [int(t.scenario[1:])]
    ]
    found = between(replace(view, trials=trials))

    response, tokens = found.figure("response"), found.figure("tokens_input")
    assert response is not None
    assert response.ratio is not None
    assert response.ratio.value == pytest.approx(0.5, abs=0.01)
    assert response.direction is Direction.LOWER
    assert response.winner == "b"
    assert tokens is not None
    assert (tokens.a, tokens.b) == (100, 100)
    assert tokens.winner is None


def test_a_cost_that_is_known_in_part_leaves_the_scenario_out_and_is_noted() -> None:
    view = a_view({"a": (1, 1, 1), "b": (1, 1, 1)}, 2, costs={"a": (1, 2, 3), "b": (2, 4, 6)})
    first, *rest = view.trials
    found = between(replace(view, trials=[first.model_copy(update={"cost_usd": None}), *rest]))

    figure = found.figure("cost_per_trial")
    assert figure is not None
    assert figure.ratio is not None
    assert (figure.ratio.known, figure.ratio.of) == (2, 3)
    assert figure.ratio.value == pytest.approx(2)
    assert "The cost of 1 of 6 trials of a is unknown." in found.notes


def test_conditions_that_differ_are_listed_and_said_when_they_change_results() -> None:
    a = a_view({"a": A}, conditions={"prompt": "p1", "engine": "docker", "testbed": "1"})
    b = a_view(
        {"b": B}, run_id="r2", conditions={"prompt": "p2", "engine": "docker", "testbed": "2"}
    )
    found = compare(a, b, model_a="a", model_b="b")

    assert [(one.condition, one.severity) for one in found.unlike] == [
        ("prompt", Severity.REFUSED),
        ("testbed", Severity.LISTED),
    ]
    assert found.notes[0] == "The two sides were made under different conditions: prompt."


def test_cards_of_other_models_are_no_condition() -> None:
    cards = {"models.a": "1", "models.b": "2", "models.c": "3"}
    a = a_view({"a": A, "c": A}, conditions=cards)
    b = a_view({"b": B, "c": A}, run_id="r2", conditions=cards | {"models.c": "4"})

    assert compare(a, b, model_a="a", model_b="b").unlike == ()
    (one,) = compare(a, b, model_a="c", model_b="c").unlike
    assert (one.condition, one.severity) == ("models.c", Severity.LISTED)


def test_what_happened_beside_the_results_is_noted() -> None:
    red = Preflight(
        model="b",
        card="d",
        base_url="https://models.example/v1",
        served_models=("b",),
        started_at="2026-11-22T13:00:00+00:00",
        seconds=1,
        requests=1,
        usage=None,
        cost_usd=None,
        probes=(Probe(id="tools_whole", outcome=ProbeOutcome.FAILED, detail="cut"),),
    )
    view = a_view(
        {"a": A, "b": B},
        models=(
            ModelView(name="a", scripted=False),
            ModelView(name="b", scripted=False, preflights=(red,)),
        ),
    )
    trials = [
        t.model_copy(update={"served_models": (f"a-{t.repeat % 2}",)}) if t.model == "a" else t
        for t in view.trials
    ]
    found = between(replace(view, trials=trials))

    assert found.notes == (
        "The endpoint served a under several names: a-1, a-0.",
        "b was run although its endpoint failed: tools_whole.",
    )


def test_prices_of_different_dates_are_noted() -> None:
    a = a_view({"a": A}, conditions={"prices.a": "2026-09-05"})
    b = a_view({"b": B}, run_id="r2", conditions={"prices.b": "2026-11-01"})
    found = compare(a, b, model_a="a", model_b="b")

    assert found.unlike == ()
    (note,) = found.notes
    assert "2026-09-05 for the baseline, 2026-11-01 for the candidate" in note


def test_follow_ups_are_never_mixed_with_single_prompts() -> None:
    with pytest.raises(RunError, match=r"follow-ups.*never mixed"):
        compare(
            a_view({"a": A}),
            a_view({"b": B}, run_id="r2", follow_ups=2),
            model_a="a",
            model_b="b",
        )


def test_with_follow_ups_on_both_sides_single_prompt_success_is_unknown() -> None:
    figure = between(a_view({"a": A, "b": B}, follow_ups=2)).figure("single_prompt")

    assert figure is not None
    assert (figure.a, figure.b, figure.difference) == (None, None, None)


def test_a_model_is_not_compared_with_itself() -> None:
    view = a_view({"a": A})
    with pytest.raises(RunError, match="compared with itself"):
        compare(view, view, model_a="a", model_b="a")


def test_a_model_that_is_not_there_is_named_with_those_that_are() -> None:
    view = a_view({"a": A, "b": B})
    with pytest.raises(RunError, match=r"no model `c`.*It has: a, b"):
        compare(view, view, model_a="a", model_b="c")


def test_the_same_model_in_two_runs_is_told_by_its_runs() -> None:
    old, new = a_view({"a": A}), a_view({"a": B}, run_id="r2")
    found = compare(old, new, model_a="a", model_b="a")

    assert (found.a.runs, found.b.runs) == (("r1",), ("r2",))
    assert known(found.tasks).value == pytest.approx(0.26)


def test_pooled_runs_are_named_one_by_one() -> None:
    pooled = pool([a_view({"a": A}), a_view({"a": B}, run_id="r2")], "a")
    found = compare(pooled, a_view({"b": B}, run_id="r3"), model_a="a", model_b="b")

    assert found.a.runs == ("r1", "r2")
    assert found.scenarios[1].a == Tally(passes=9, trials=10)


ROWS = {
    "base": [1, 1, 2, 1, 0, 1, 2, 1, 1, 2],
    "good": [4, 5, 5, 4, 4, 5, 5, 4, 5, 4],
    "fine": [4, 5, 4, 4, 5, 5, 4, 4, 5, 4],
    "poor": [0, 1, 1, 1, 0, 1, 1, 0, 1, 1],
}


def test_a_contest_orders_its_candidates_and_shares_ranks_that_cannot_be_told() -> None:
    found = contest(a_view(ROWS), "base")

    assert [one.b.model for one in found.comparisons] == ["good", "fine", "poor"]
    assert found.ranks == {"good": 1, "fine": 1, "base": 3, "poor": 4}
    assert all(one.a.model == "base" for one in found.comparisons)


def test_a_rank_ends_where_its_top_can_be_told_from_a_model_not_where_neighbours_can() -> None:
    """Each is like the one before it, but the third is not like the first."""
    rows = {
        "first": [6, 6, 5, 6, 6, 5],
        "second": [6, 2, 5, 6, 1, 4],
        "third": [3, 3, 2, 2, 3, 3],
    }
    found = contest(a_view(rows, 6), "second")
    pairs = {one.b.model: known(one.tasks).interval for one in found.comparisons}

    assert all(low <= 0 <= high for low, high in map(ends, pairs.values()))
    assert found.ranks == {"first": 1, "second": 1, "third": 3}


def test_a_contest_corrects_for_several_candidates() -> None:
    alone = compare(a_view(ROWS), a_view(ROWS), model_a="base", model_b="poor")
    found = {one.b.model: one for one in contest(a_view(ROWS), "base").comparisons}

    assert alone.outcome is Outcome.WORSE
    assert alone.holm_p is None
    assert (found["poor"].holm_p or 0) >= (known(alone.tasks).p or 1)
    assert found["good"].holm_p == pytest.approx(3 * (known(found["good"].tasks).p or 0))


def test_what_holm_takes_back_is_no_longer_better() -> None:
    rows = {"a": A, "b": B, "c": A[::-1], "d": B[::-1]}
    single = between(a_view(rows))
    found = {one.b.model: one for one in contest(a_view(rows), "a").comparisons}

    assert single.outcome is Outcome.BETTER
    assert found["b"].holm_p == pytest.approx(3 * 0.0450010, abs=1e-5)
    assert found["b"].outcome is Outcome.NOT_WORSE
    assert found["b"].tasks == single.tasks


def test_one_candidate_needs_no_correction() -> None:
    (one,) = contest(a_view({"a": A, "b": B}), "a").comparisons

    assert one.holm_p is None
    assert one.outcome is Outcome.BETTER


def test_a_difference_that_is_the_same_everywhere_has_the_p_of_its_interval() -> None:
    rows = {"a": [0] * 10, "b": [5] * 10, "c": [0] * 10}
    found = {one.b.model: one for one in contest(a_view(rows), "a").comparisons}

    assert found["b"].outcome is Outcome.BETTER
    assert (found["b"].holm_p or 1) < 0.001
    assert found["c"].holm_p == 1


def test_a_model_without_any_verdict_shares_no_rank() -> None:
    found = contest(a_view({"a": ["++", "++"], "b": ["+-", "++"], "c": ["??", "??"]}, 2), "a")

    assert found.ranks == {"a": 1, "b": 1, "c": 3}
    assert found.comparisons[-1].tasks is None


def test_a_contest_takes_each_model_from_its_own_view() -> None:
    views = {"a": a_view({"a": A}), "b": a_view({"b": (*B, 5)}, run_id="r2")}
    (one,) = contest_between(views, "a").comparisons

    assert one.paired == 10
    assert known(one.tasks).value == pytest.approx(0.26)


def test_figures_that_are_known_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    view = a_view({"a": A, "b": B, "c": A[::-1]}, costs={"a": COSTS_A, "b": COSTS_B, "c": COSTS_A})
    views, found = {m.name: view for m in view.models}, contest(view, "a")
    figures = dict.fromkeys(views, run_figures(view))
    monkeypatch.delattr("testbed.comparing.halves.run_figures")

    assert contest_between(views, "a", figures=figures) == found


def test_figures_of_more_scenarios_than_are_compared_do_not_serve() -> None:
    partly = {("a", "s0"): 5, ("b", "s0"): 5, ("a", "s1"): 5, ("b", "s2"): 5, ("a", "s2"): 5}
    view = a_view({"a": (5, 4, 2), "b": (1, ".....", 3)}, planned=partly)
    views = {m.name: view for m in view.models}
    known = dict.fromkeys(views, run_figures(view))

    found = contest_between(views, "a", figures=known)
    assert found == contest(view, "a")
    assert [side.counts.planned for side in (found.comparisons[0].a, found.comparisons[0].b)] == [
        10,
        10,
    ]


def test_a_baseline_that_is_not_there_is_refused() -> None:
    with pytest.raises(RunError, match="no model `x`"):
        contest(a_view({"a": A}), "x")


def test_the_order_of_trials_changes_nothing() -> None:
    view = a_view({"a": A, "b": B}, costs={"a": COSTS_A, "b": COSTS_B})

    assert between(replace(view, trials=list(view.trials)[::-1])) == between(view)


def test_a_lost_trial_that_the_policy_allows_hides_no_regression() -> None:
    view = a_view({"old": [3] * 26, "new": ["++?", *[0] * 25]}, 3)
    found = compare(view, view, model_a="old", model_b="new")

    assert decide(found, Policy()).outcome is GateOutcome.REGRESSION
    assert decide(found, Policy(max_ungraded=0.0)).outcome is GateOutcome.INCONCLUSIVE
