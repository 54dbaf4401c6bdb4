"""Several runs as one scoreboard: which run's trials count, and what was planned of each model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from testbed.errors import RunError
from testbed.findings import Quality
from testbed.marks import Factor, Mark
from testbed.merged import merge_views
from testbed.metrics import run_figures
from testbed.records import Trial, Verdict
from testbed.stats import Tally, estimate_rate
from testbed.view import ModelView, RunView, ScenarioView

if TYPE_CHECKING:
    from collections.abc import Callable

    Made = Callable[..., Trial]
    Shown = Callable[..., RunView]

PASS, FAIL, UNGRADED = Verdict.PASS, Verdict.FAIL, Verdict.UNGRADED
OLD, NEW = "2026-11-20T08:00:00+00:00", "2026-11-21T08:00:00+00:00"


def at(view: RunView, run_id: str, created: str, *scenarios: str, **changes: Any) -> RunView:  # noqa: ANN401  (any field)
    """Give a view its id and time, and keep the scenarios named."""
    kept = tuple(s for s in view.scenarios if not scenarios or s.id in scenarios)
    return replace(view, run_id=run_id, created=created, scenarios=kept, **changes)


@pytest.fixture
def old(made: Made, shown: Shown) -> RunView:
    """Models m and n at bugs a and b, two repeats."""
    trials = [
        made(scenario, repeat, PASS if model == "m" else FAIL, model=model)
        for model in ("m", "n")
        for scenario in ("a", "b")
        for repeat in (1, 2)
    ]
    models = (ModelView(name="m", scripted=False), ModelView(name="n", scripted=False))
    return at(shown(*trials), "r1", OLD, "a", "b", models=models)


@pytest.fixture
def new(made: Made, shown: Shown) -> RunView:
    """Model m at the bug b and the feature c, one repeat."""
    trials = [made("b", 1, FAIL, cost_usd=0.5), made("c", 1, PASS, cost_usd=0.25)]
    return at(shown(*trials), "r2", NEW, "b", "c", repeats=1)


def test_one_run_is_left_exactly_as_it_is(old: RunView) -> None:
    assert merge_views([old]) is old


def test_the_latest_run_of_a_model_counts_and_no_other(old: RunView, new: RunView) -> None:
    merged = merge_views([new, old])
    figures = {m.model: m for m in run_figures(merged).models}

    assert [(m.name, m.run_id) for m in merged.models] == [("m", "r2"), ("n", "r1")]
    assert [t.key for t in merged.trials if t.model == "m"] == [("m", "b", 1), ("m", "c", 1)]
    assert figures["m"].pass_1.left_out == estimate_rate(
        [Tally(passes=0, trials=1), Tally(passes=1, trials=1)]
    )
    assert figures["m"].measures.cost.counted.value == 0.75
    assert figures["n"].counts.valid == 4


def test_every_figure_of_a_row_is_that_of_its_own_run_alone(old: RunView, new: RunView) -> None:
    m, n = run_figures(merge_views([old, new])).models
    alone_m, alone_n = run_figures(new).models[0], run_figures(old).models[1]

    assert replace(m, kinds={}) == replace(alone_m, kinds={})
    assert replace(n, kinds={}) == replace(alone_n, kinds={})
    assert {k: m.kinds[k] for k in alone_m.kinds} == alone_m.kinds
    assert {k: n.kinds[k] for k in alone_n.kinds} == alone_n.kinds


def test_scenarios_are_united_in_the_order_of_the_runs(old: RunView, new: RunView) -> None:
    assert [s.id for s in merge_views([new, old]).scenarios] == ["a", "b", "c"]


def test_a_cell_that_was_not_planned_is_no_scenario_of_that_model(
    old: RunView, new: RunView
) -> None:
    merged = merge_views([old, new])
    figures = run_figures(merged)
    m, n = figures.models

    assert (merged.repeats_of("m", "a"), merged.repeats_of("m", "b")) == (0, 1)
    assert (merged.repeats_of("n", "a"), merged.repeats_of("n", "c")) == (2, 0)
    assert (m.single_prompt.hits, m.single_prompt.known, m.single_prompt.of) == (1, 2, 2)
    assert (n.single_prompt.hits, n.single_prompt.known, n.single_prompt.of) == (0, 2, 2)
    assert (m.counts.planned, m.counts.not_run) == (2, 0)
    assert m.pass_1.left_out == m.pass_1.as_fail
    assert (m.bug_detection.known, n.bug_detection.known) == (1, 2)
    cells = {(c.model, c.scenario): c.counts.planned for c in figures.cells}
    assert cells["m", "a"] == cells["n", "c"] == 0


def test_a_kind_that_was_not_planned_for_a_model_has_a_place_and_no_rate(
    old: RunView, new: RunView
) -> None:
    _, n = run_figures(merge_views([old, new])).models

    assert (n.kinds["feature"].scenarios, n.kinds["feature"].pass_1.left_out) == (0, None)
    assert n.kinds["bug"].scenarios == 2


def test_a_run_without_a_valid_trial_of_a_model_does_not_replace_one_that_has(
    old: RunView, new: RunView, made: Made
) -> None:
    spoiled = replace(new, trials=[made("b", 1, UNGRADED)])

    assert merge_views([old, spoiled]).models[0].run_id == "r1"


def test_a_model_that_was_never_graded_is_shown_by_its_latest_run(
    old: RunView, new: RunView, made: Made
) -> None:
    before = replace(old, trials=[t for t in old.trials if t.model == "n"])
    (m, _) = run_figures(
        merge_views([before, replace(new, trials=[made("b", 1, UNGRADED)])])
    ).models

    assert (m.counts.planned, m.counts.ungraded, m.counts.not_run) == (2, 1, 1)


def test_a_trial_beyond_what_its_own_run_planned_is_refused(
    old: RunView, new: RunView, made: Made
) -> None:
    more = replace(new, trials=[*new.trials, made("b", 2, PASS)])

    with pytest.raises(RunError, match="was not planned"):
        run_figures(merge_views([old, more]))


def test_what_runs_share_is_a_condition_and_the_rest_differs(old: RunView, new: RunView) -> None:
    one = {"engine": "docker", "prompt": "p1", "models.m": "1", "models.n": "9", "scenarios.a": "s"}
    two = {
        "engine": "docker",
        "prompt": "p2",
        "models.m": "2",
        "scenarios.c": "t",
        "preflight": "!",
    }

    merged = merge_views([replace(old, conditions=one), replace(new, conditions=two)])

    assert merged.conditions == {
        "engine": "docker",
        "prompt": "differs",
        "models.m": "2",
        "models.n": "9",
        "scenarios.a": "s",
        "scenarios.c": "t",
        "preflight": "differs",
    }


def test_a_reference_on_which_runs_disagree_is_unknown(old: RunView, new: RunView) -> None:
    two, three = Quality(type_escapes=2), Quality(type_escapes=3)

    merged = merge_views(
        [
            replace(old, references={"a": two, "b": two}),
            replace(new, references={"b": three, "c": None, "a": None}),
        ]
    )

    assert merged.references == {"a": two, "b": None, "c": None}


def test_marks_come_from_the_run_that_counts(old: RunView, new: RunView) -> None:
    def mark(model: str, note: str) -> Mark:
        return Mark(
            model=model,
            scenario="b",
            repeat=1,
            attempt=1,
            patch="p",
            by="human:Ada",
            scores=dict.fromkeys(Factor, 3),
            rubric="r",
            note=note,
            at=OLD,
        )

    merged = merge_views(
        [
            replace(old, marks=[mark("m", "past"), mark("n", "kept")]),
            replace(new, marks=[mark("m", "now")]),
        ]
    )

    assert {m.note for m in merged.marks} == {"kept", "now"}


def test_the_order_in_which_runs_are_named_changes_nothing(old: RunView, new: RunView) -> None:
    third = at(old, "r3", NEW, models=(ModelView(name="n", scripted=False),), trials=[])

    assert merge_views([old, new, third]) == merge_views([third, old, new])


def test_runs_with_follow_ups_and_plain_runs_are_never_seen_as_one(
    old: RunView, new: RunView
) -> None:
    with pytest.raises(RunError, match=r"r2 has 1.*Report them apart"):
        merge_views([old, replace(new, follow_ups=1)])


def test_a_run_given_twice_and_no_run_at_all_are_refused(old: RunView) -> None:
    with pytest.raises(RunError, match="r1 is given 2 times"):
        merge_views([old, old])
    with pytest.raises(RunError, match="no run is given"):
        merge_views([])


def test_a_scenario_is_described_as_the_latest_run_has_it(old: RunView, new: RunView) -> None:
    renamed = tuple(
        ScenarioView(id=s.id, title=s.title.upper(), kind=s.kind, difficulty="hard")
        for s in new.scenarios
    )

    merged = merge_views([old, replace(new, scenarios=renamed)])

    assert [s.title for s in merged.scenarios] == ["a", "B", "C"]
