"""The figures beside the rates: kinds, the best of k, prompts, money in full, harm, preflights."""

from __future__ import annotations

import random
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from testbed.findings import Harm
from testbed.metrics import run_figures
from testbed.preflight import Outcome, Preflight, Probe
from testbed.records import Funnel, Latency, Patch, Trial, Usage, Verdict
from testbed.stats import Interval
from testbed.view import ModelView

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.view import RunView

    Made = Callable[..., Trial]
    Shown = Callable[..., RunView]

PASS, FAIL, UNGRADED = Verdict.PASS, Verdict.FAIL, Verdict.UNGRADED


def patch(lines: int) -> Patch:
    return Patch(digest="d", files=("lib/a.ts",), added=lines - 1, deleted=1)


def test_each_kind_has_figures_of_its_own(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, PASS, cost_usd=1.0),
        made("a", 2, FAIL, cost_usd=2.0),
        made("b", 1, FAIL, cost_usd=None),
        made("c", 1, PASS, cost_usd=4.0, funnel=Funnel(stages={"effective": 3, "parsed": 1})),
    ]
    kinds = run_figures(shown(*trials)).models[0].kinds

    assert list(kinds) == ["bug", "feature"]
    assert (kinds["bug"].scenarios, kinds["feature"].scenarios) == (2, 1)
    assert (kinds["bug"].single_prompt.hits, kinds["bug"].single_prompt.of) == (1, 2)
    assert kinds["bug"].pass_1.left_out is not None
    assert kinds["bug"].pass_1.left_out.value == pytest.approx(0.25)
    assert isinstance(kinds["bug"].pass_1.interval, Interval)
    assert kinds["feature"].pass_1.interval is None
    assert kinds["bug"].cost.per_solved is not None
    assert (kinds["bug"].cost.per_solved.value, kinds["bug"].cost.per_solved.known_part) == (
        None,
        3,
    )
    assert kinds["feature"].tool_calls.micro == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"verdict": FAIL, "violations": (), "unused": 0}, {"violations": ("x", "y")}),
        ({"violations": ("x",), "unused": 0}, {"violations": (), "unused": 9}),
        ({"violations": None, "unused": 0}, {"violations": ("x",), "unused": 9}),
        ({"unused": 1, "patch": patch(3)}, {"unused": 0, "patch": patch(99)}),
        ({"unused": None, "patch": patch(3)}, {"unused": 7, "patch": patch(99)}),
        ({"patch": patch(4), "cost_usd": 0.1}, {"patch": patch(3), "cost_usd": 9.0}),
        ({"patch": None, "cost_usd": 0.1}, {"patch": patch(99), "cost_usd": 9.0}),
        ({"cost_usd": 0.2}, {"cost_usd": 0.1}),
        ({"cost_usd": None}, {"cost_usd": 9.0}),
    ],
)
def test_the_best_trial_is_chosen_in_the_order_of_the_definition(
    made: Made, shown: Shown, worse: dict[str, object], better: dict[str, object]
) -> None:
    alike = {"verdict": PASS, "violations": (), "unused": 0, "patch": patch(5)}
    trials = [made("a", 1, **(alike | worse)), made("a", 2, **(alike | better))]
    cell = run_figures(shown(*trials)).cells[0]

    assert cell.best is not None
    assert (cell.best.repeat, cell.best.of) == (2, 2)


def test_the_best_of_equal_trials_is_the_earliest(made: Made, shown: Shown) -> None:
    cell = run_figures(shown(made("a", 2, PASS), made("a", 1, PASS))).cells[0]

    assert cell.best is not None
    assert cell.best.repeat == 1


def test_best_of_k_counts_scenarios_whose_best_trial_passed(made: Made, shown: Shown) -> None:
    trials = [made("a", 1, FAIL), made("a", 2, PASS), made("b", 1, FAIL), made("c", 1, UNGRADED)]
    figures = run_figures(shown(*trials))
    share = figures.models[0].best_of_k

    assert (share.hits, share.known, share.of) == (1, 2, 3)
    assert figures.cells[2].best is None


def test_schema_accuracy_is_over_replies_that_end_in_calls(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, PASS, tool_replies=8, schema_valid_replies=6),
        made("b", 1, FAIL, tool_replies=2, schema_valid_replies=2),
        made("c", 1, UNGRADED, tool_replies=50, schema_valid_replies=0),
    ]
    schema = run_figures(shown(*trials)).models[0].measures.tool_calls.schema

    assert (schema.hits, schema.known, schema.rate) == (8, 10, 0.8)


def test_schema_accuracy_without_a_reply_is_unknown(made: Made, shown: Shown) -> None:
    model = run_figures(shown(made("a", 1, PASS))).models[0]

    assert model.measures.tool_calls.schema.rate is None


def test_follow_ups_are_never_single_prompt_success(made: Made, shown: Shown) -> None:
    trials = [made("a", 1, PASS, prompts=(PASS,)), made("b", 1, PASS, prompts=(FAIL, PASS))]
    figures = run_figures(shown(*trials, follow_ups=2))
    (model,) = figures.models

    assert (model.single_prompt.rate, model.single_prompt.known) == (None, 0)
    assert {k: f.single_prompt.rate for k, f in model.kinds.items()} == {
        "bug": None,
        "feature": None,
    }
    assert {c.first_passed for c in figures.cells} == {None}


def test_prompts_to_success_are_counted_per_scenario(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, PASS, prompts=(PASS,)),
        made("a", 2, PASS, prompts=(FAIL, FAIL, PASS)),
        made("b", 1, PASS, prompts=(FAIL, PASS)),
        made("b", 2, UNGRADED, prompts=(FAIL, UNGRADED)),
        made("c", 1, FAIL, prompts=(FAIL, FAIL, FAIL)),
        made("c", 2, PASS, prompts=()),
    ]
    found = run_figures(shown(*trials, follow_ups=2)).models[0].prompts

    assert found is not None
    ends = {
        n: (rate.as_fail and rate.as_fail.value, rate.left_out and rate.left_out.value)
        for n, rate in found.solved_by.items()
    }
    assert ends == {
        1: pytest.approx((0.5 / 3, 0.5 / 3)),
        2: pytest.approx((1 / 3, 1.5 / 3)),
        3: pytest.approx((1.5 / 3, 2 / 3)),
    }
    assert (found.solved.hits, found.solved.known, found.solved.of) == (3, 4, 6)
    assert (found.prompts.median, found.prompts.known) == (2, 3)


def test_a_run_without_follow_ups_has_no_prompts_to_success(made: Made, shown: Shown) -> None:
    assert run_figures(shown(made("a", 1, PASS))).models[0].prompts is None


def test_costs_are_given_per_scenario_and_per_percentage_point(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, PASS, cost_usd=1.0),
        made("a", 2, FAIL, cost_usd=2.0),
        made("b", 1, PASS, cost_usd=3.0),
        made("c", 1, FAIL, cost_usd=None),
    ]
    known = run_figures(shown(*trials[:3])).models[0]
    partly = run_figures(shown(*trials)).models[0]

    assert (known.cost_per_scenario.value, known.cost_per_scenario.known) == (3.0, 2)
    assert known.cost_per_point is not None
    assert known.cost_per_point.value == pytest.approx(6 / 75)
    assert partly.cost_per_scenario.of == 3
    assert partly.cost_per_point is not None
    assert partly.cost_per_point.value is None
    assert partly.cost_per_point.known_part == pytest.approx(6 / 50)


def test_no_point_has_no_price_per_point(made: Made, shown: Shown) -> None:
    assert run_figures(shown(made("a", 1, FAIL, cost_usd=1.0))).models[0].cost_per_point is None
    assert run_figures(shown()).models[0].cost_per_point is None


def test_a_price_card_is_checked_against_what_the_provider_says(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, PASS, cost_usd=1.0, reported_cost_usd=1.005),
        made("a", 2, PASS, cost_usd=1.0, reported_cost_usd=1.02),
        made("b", 1, PASS, cost_usd=None, reported_cost_usd=7.0),
        made("b", 2, PASS, cost_usd=1.0, reported_cost_usd=None),
    ]
    spoiled = [made("c", 1, UNGRADED, cost_usd=0.5, reported_cost_usd=0.0)]
    check = run_figures(shown(*trials, spoiled=spoiled)).models[0].measures.cost.check

    assert (check.differing.hits, check.differing.known, check.differing.of) == (2, 3, 5)
    assert check.ours.value == 2.5
    assert check.theirs.value == pytest.approx(2.025)
    assert check.reported.value is None
    assert check.reported.known_part == pytest.approx(9.025)


def test_served_models_are_counted_over_every_try(made: Made, shown: Shown) -> None:
    trials = [made("a", 1, PASS, served_models=("x", "y")), made("b", 1, PASS)]
    spoiled = [made("a", 1, UNGRADED, attempt=2, served_models=("y",))]
    served = run_figures(shown(*trials, spoiled=spoiled)).models[0].measures.served

    assert list(served.items()) == [("y", 2), ("x", 1)]


def test_harm_is_counted_over_failed_trials_and_passes_apart(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, FAIL, harm=(Harm.BROKEN_TYPES, Harm.BROKEN_TESTS)),
        made("a", 2, FAIL, harm=(Harm.BROKEN_TYPES,)),
        made("b", 1, FAIL, harm=()),
        made("b", 2, FAIL, harm=None),
        made("c", 1, PASS, harm=(Harm.FORBIDDEN_FILES,)),
        made("c", 2, UNGRADED, harm=(Harm.ESCAPE_ATTEMPT,)),
    ]
    harms = run_figures(shown(*trials)).models[0].measures.harms

    assert harms.failed == {"broken_types": 2, "broken_tests": 1}
    assert (harms.harmless.hits, harms.harmless.known, harms.harmless.of) == (1, 3, 4)
    assert harms.passed == {"forbidden_files": 1}
    assert (harms.passed_harmless.hits, harms.passed_harmless.known) == (0, 1)


def a_preflight(*failed: str, cost: float | None) -> Preflight:
    return Preflight(
        model="m",
        card="d",
        base_url="https://models.example/v1",
        served_models=("m-1",),
        started_at="2026-11-22T12:59:00+00:00",
        seconds=2.0,
        requests=6,
        usage=None,
        cost_usd=cost,
        probes=tuple(
            Probe(
                id=name,
                outcome=Outcome.FAILED if name in failed else Outcome.OK,
                detail="",
            )
            for name in ("answers", "tools_whole")
        ),
    )


def test_the_last_preflight_counts_and_all_of_them_are_paid(made: Made, shown: Shown) -> None:
    asked = (a_preflight("tools_whole", cost=0.5), a_preflight(cost=0.25))
    models = (ModelView(name="m", scripted=False, preflights=asked),)
    (model,) = run_figures(shown(made("a", 1, PASS, cost_usd=1.0), models=models)).models

    assert model.preflight is not None
    assert model.preflight.failed == ()
    assert model.preflight.outcomes == {"answers": "ok", "tools_whole": "ok"}
    assert (model.preflight.times, model.preflight.requests) == (2, 12)
    assert model.preflight.cost.value == 0.75
    assert model.measures.cost.with_judges.value == 1.0


def test_a_red_preflight_names_its_probes(shown: Shown) -> None:
    models = (
        ModelView(name="m", scripted=False, preflights=(a_preflight("tools_whole", cost=None),)),
        ModelView(name="n", scripted=False),
    )
    red, unasked = run_figures(shown(models=models)).models

    assert red.preflight is not None
    assert red.preflight.failed == ("tools_whole",)
    assert red.preflight.cost.value is None
    assert unasked.preflight is None


def random_trial(made: Made, rng: random.Random, scenario: str, repeat: int) -> Trial:
    def perhaps(value: object) -> object:
        return value if rng.random() < 0.7 else None

    cost = rng.random() / 3
    return made(
        scenario,
        repeat,
        rng.choice(list(Verdict)),
        cost_usd=perhaps(cost),
        reported_cost_usd=perhaps(cost * rng.uniform(0.98, 1.02)),
        usage=perhaps(Usage(fresh_input=rng.randrange(900), output=rng.randrange(90))),
        funnel=Funnel(
            stages={"effective": rng.randrange(9), "parsed": rng.randrange(3)},
            causes={rng.choice("xyz"): 1, rng.choice("xyz"): 1},
        ),
        latencies=tuple(
            Latency(
                response_s=rng.random(), ttft_s=None, ttfo_s=None, output_tokens_per_s=rng.random()
            )
            for _ in range(rng.randrange(4))
        ),
        phases={"total": rng.random(), "waiting": rng.random()},
        patch=perhaps(patch(rng.randrange(1, 5))),
        violations=perhaps(("v",) * rng.randrange(2)),
        unused=perhaps(rng.randrange(3)),
        harm=perhaps(tuple(rng.sample(list(Harm), rng.randrange(3)))),
        prompts=perhaps((FAIL,) * rng.randrange(2) + (rng.choice((PASS, FAIL)),)) or (),
        served_models=tuple(rng.sample("pqr", rng.randrange(3))),
        tool_replies=3,
        schema_valid_replies=rng.randrange(4),
    )


def covered(figures: object) -> list[tuple[int, int]]:
    """Collect `known` and `of` of everything that has both."""
    if not isinstance(figures, dict):
        return (
            [pair for item in figures for pair in covered(item)]
            if isinstance(figures, list | tuple)
            else []
        )
    own = [(figures["known"], figures["of"])] if {"known", "of"} <= figures.keys() else []
    return own + [pair for item in figures.values() for pair in covered(item)]


@pytest.mark.parametrize("seed", range(25))
def test_figures_keep_their_laws(made: Made, shown: Shown, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  (data, no secret)
    trials = [random_trial(made, rng, s, r) for s in "abc" for r in (1, 2) if rng.random() < 0.9]
    spoiled = [
        random_trial(made, rng, s, 1).model_copy(update={"verdict": UNGRADED, "attempt": 2})
        for s in "ab"
    ]
    view = shown(*trials, spoiled=spoiled, follow_ups=seed % 3)
    figures = run_figures(view)
    shuffled = run_figures(
        shown(*rng.sample(trials, len(trials)), spoiled=spoiled[::-1], follow_ups=seed % 3)
    )
    (model,) = figures.models

    assert asdict(figures) == asdict(shuffled)
    assert all(0 <= known <= of for known, of in covered(asdict(figures)))
    assert sum(k.counts.valid for k in model.kinds.values()) == model.counts.valid
    assert sum(c.passes > 0 for c in figures.cells) == model.best_of_k.hits
    cost = model.measures.cost
    assert (cost.counted.known_part or 0) <= (cost.all_tries.known_part or 0) + 1e-12
    for tool_calls in (model.measures.tool_calls, *(k.tool_calls for k in model.kinds.values())):
        assert list(tool_calls.reached.values()) == sorted(tool_calls.reached.values())[::-1]
    if model.prompts:
        ends = [rate.left_out for rate in model.prompts.solved_by.values()]
        rates = [rate.value for rate in ends if rate]
        assert rates == sorted(rates)
