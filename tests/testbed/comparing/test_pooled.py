"""Several runs of one model as one run with more repeats."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from testbed.comparing.pooled import alone, pool, renamed
from testbed.errors import RunError
from testbed.findings import Quality
from testbed.marks import Factor, Mark
from testbed.metrics import run_figures
from testbed.records import Trial, Verdict
from testbed.stats import Tally, estimate_rate
from testbed.view import ModelView, RunView

if TYPE_CHECKING:
    from collections.abc import Callable

    Made = Callable[..., Trial]
    Shown = Callable[..., RunView]

PASS, FAIL, UNGRADED = Verdict.PASS, Verdict.FAIL, Verdict.UNGRADED
OLD, NEW = "2026-11-20T08:00:00+00:00", "2026-11-21T08:00:00+00:00"
LIKE = {"prompt": "p", "scenarios.a": "a1", "models.m": "m1"}


def a_mark(repeat: int) -> Mark:
    return Mark(
        model="m",
        scenario="a",
        repeat=repeat,
        attempt=1,
        patch="d",
        by="human:Ada",
        scores=dict.fromkeys(Factor, 3),
        rubric="r",
        cost_usd=0.0,
        at=OLD,
    )


@pytest.fixture
def old(made: Made, shown: Shown) -> RunView:
    """Models m and n at a, b and c, two repeats; n always fails."""
    trials = [
        made(s, repeat, PASS if model == "m" else FAIL, model=model)
        for model in ("m", "n")
        for s in ("a", "b", "c")
        for repeat in (1, 2)
    ]
    return shown(
        *trials,
        run_id="r1",
        created=OLD,
        models=(ModelView(name="m", scripted=False), ModelView(name="n", scripted=False)),
        spoiled=[made("a", 2, UNGRADED)],
        conditions=LIKE | {"models.n": "n1", "scenarios.b": "b1"},
        marks=[a_mark(2)],
        references={"a": Quality(longest_function=3), "b": None},
    )


@pytest.fixture
def new(made: Made, shown: Shown) -> RunView:
    """Model m at a alone, three repeats, all failed."""
    trials = [made("a", repeat, FAIL) for repeat in (1, 2, 3)]
    view = shown(
        *trials,
        run_id="r2",
        created=NEW,
        repeats=3,
        spoiled=[made("a", 1, UNGRADED)],
        conditions=LIKE,
        marks=[a_mark(1)],
        references={"b": Quality(longest_function=9)},
    )
    return replace(view, scenarios=view.scenarios[:1])


def test_repeats_of_later_runs_follow_those_of_earlier_ones(old: RunView, new: RunView) -> None:
    pooled = pool([new, old], "m")

    told = [(t.scenario, t.repeat, t.verdict) for t in pooled.trials]
    assert told[:2] == [("a", 1, PASS), ("a", 2, PASS)]
    assert told[-3:] == [("a", 3, FAIL), ("a", 4, FAIL), ("a", 5, FAIL)]
    assert pooled.run_id == "r1,r2"
    assert (pooled.repeats, pooled.planned[("m", "a")], pooled.planned[("m", "b")]) == (5, 5, 2)


def test_the_figures_of_a_pool_are_those_of_all_its_trials(old: RunView, new: RunView) -> None:
    (figures,) = run_figures(pool([old, new], "m")).models

    two, five = Tally(passes=2, trials=2), Tally(passes=2, trials=5)
    assert figures.pass_1.left_out == estimate_rate([five, two, two])
    assert (figures.counts.planned, figures.counts.valid) == (9, 9)
    assert figures.single_prompt.hits == 3


def test_marks_and_spoiled_tries_move_with_their_trials(old: RunView, new: RunView) -> None:
    pooled = pool([old, new], "m")

    assert [mark.repeat for mark in pooled.marks] == [2, 3]
    assert [t.repeat for t in pooled.spoiled] == [2, 3]


def test_what_one_run_measured_of_a_reference_is_known(old: RunView, new: RunView) -> None:
    references = pool([old, new], "m").references

    assert references == {"a": Quality(longest_function=3), "b": Quality(longest_function=9)}


def test_conditions_of_other_models_stay_behind(old: RunView, new: RunView) -> None:
    assert pool([old], "m").conditions == LIKE | {"scenarios.b": "b1"}
    assert pool([old, new], "m").conditions == LIKE | {"scenarios.b": "b1"}


def test_one_run_keeps_its_id_and_its_repeats(old: RunView) -> None:
    pooled = pool([old], "m")

    assert (pooled.run_id, pooled.repeats, pooled.planned) == ("r1", 2, {})
    assert [m.name for m in pooled.models] == ["m"]
    assert {t.model for t in pooled.trials} == {"m"}


@pytest.mark.parametrize("condition", ["prompt", "scenarios.a", "models.m", "something-new"])
def test_runs_under_different_conditions_are_not_pooled_silently(
    condition: str, old: RunView, new: RunView
) -> None:
    other = replace(new, conditions={**new.conditions, condition: "other"})

    with pytest.raises(RunError, match="r1 and r2"):
        pool([old, other], "m")
    told = pool([old, other], "m", across=True).conditions[condition]
    assert told.split(" + ")[-1] == "other"


def test_a_third_run_is_held_against_the_first_as_well(old: RunView, new: RunView) -> None:
    silent = {name: told for name, told in new.conditions.items() if name != "scenarios.a"}
    middle = replace(new, run_id="r1b", conditions=silent)
    last = replace(new, conditions={**new.conditions, "scenarios.a": "a2"})

    with pytest.raises(RunError, match=r"r1 and r2.*scenarios\.a"):
        pool([old, middle, last], "m")


def test_a_difference_that_changes_no_result_does_not_keep_runs_apart(
    old: RunView, new: RunView
) -> None:
    other = replace(new, conditions={**new.conditions, "testbed": "0.2.0"})
    first = replace(old, conditions={**old.conditions, "testbed": "0.1.0"})

    assert pool([first, other], "m").conditions["testbed"] == "0.1.0 + 0.2.0"


def test_follow_ups_are_not_pooled_with_single_prompts_even_across(
    old: RunView, new: RunView
) -> None:
    with pytest.raises(RunError, match="never mixed"):
        pool([old, replace(new, follow_ups=1)], "m", across=True)


def test_a_run_counts_once(old: RunView) -> None:
    with pytest.raises(RunError, match="given twice"):
        pool([old, old], "m")


def test_a_run_without_the_model_says_which_it_has(old: RunView, new: RunView) -> None:
    with pytest.raises(RunError, match=r"run r2 has no model `n`.*It has: m"):
        pool([old, new], "n")


def test_no_run_is_no_pool() -> None:
    with pytest.raises(RunError, match="no run"):
        pool([], "m")


def test_a_model_alone_can_be_kept_to_some_scenarios(old: RunView) -> None:
    view = alone(old, "n", {"b"})

    assert [s.id for s in view.scenarios] == ["b"]
    assert {t.key for t in view.trials} == {("n", "b", 1), ("n", "b", 2)}
    assert view.marks == []
    assert view.spoiled == []


def test_another_name_leaves_every_figure_as_it_was(old: RunView, new: RunView) -> None:
    pooled = pool([old, new], "m")
    (before,), (after,) = (run_figures(v).models for v in (pooled, renamed(pooled, "m@r1")))

    assert after.model == "m@r1"
    assert replace(after, model="m") == before
