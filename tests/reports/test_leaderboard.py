from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.leaderboard import cell, cells_by_scenario, ranked, sentence
from testbed.metrics import run_figures
from testbed.records import Verdict
from testbed.view import ModelView, RunView

if TYPE_CHECKING:
    from testbed.records import Trial


def test_models_are_ordered_by_rate(view: RunView) -> None:
    names = [m.model for m in ranked(run_figures(view))]

    assert names == ["oracle", "moonbeam-2", "halyard-4-fast", "noop"]


def test_equal_rates_are_ordered_by_single_prompt_success_then_name(view: RunView) -> None:
    def pair(name: str, *verdicts: Verdict) -> list[Trial]:
        return [
            view.trials[0].model_copy(update={"model": name, "repeat": n, "verdict": verdict})
            for n, verdict in enumerate(verdicts, 1)
        ]

    early, late = (Verdict.PASS, Verdict.FAIL), (Verdict.FAIL, Verdict.PASS)
    names = ("zeta", "late", "alpha", "silent")
    even = RunView(
        run_id="even",
        created="",
        models=tuple(ModelView(name=name, scripted=False) for name in names),
        scenarios=view.scenarios[:1],
        repeats=2,
        trials=[*pair("zeta", *early), *pair("late", *late), *pair("alpha", *early)],
    )

    assert [m.model for m in ranked(run_figures(even))] == ["alpha", "zeta", "late", "silent"]


def test_cells_follow_the_plan_and_the_order_of_models(view: RunView) -> None:
    figures = run_figures(view)
    rows = cells_by_scenario(view, figures, ranked(figures))

    assert [row[0].scenario for row in rows] == [s.id for s in view.scenarios]
    assert {tuple(c.model for c in row) for row in rows} == {
        ("oracle", "moonbeam-2", "halyard-4-fast", "noop")
    }


def test_a_cell_shows_what_has_no_verdict(view: RunView) -> None:
    figures = run_figures(view)
    halyard = {c.scenario: cell(c) for c in figures.cells if c.model == "halyard-4-fast"}

    assert halyard["docx-upload"] == "3/3"
    assert halyard["search-filter"] == "2/2 of 3"
    assert halyard["timezone-shift"] == "\N{EN DASH}"


def test_the_sentence_says_what_ran_where(view: RunView) -> None:
    assert sentence(view) == (
        "Run 2026-11-22-1355-a7f3 of 2026-11-22 13:55 UTC: 2 models and 2 scripted players, "
        "9 scenarios \N{MULTIPLICATION SIGN} 3 repeats, sandbox engine docker 20.10.24."
    )
    assert "sandbox engine not stated" in sentence(replace(view, conditions={}))


def test_several_runs_are_named_as_several(view: RunView) -> None:
    first, *others = view.models
    merged = replace(
        view,
        models=(replace(first, run_id="r1"), *(replace(m, run_id="r2") for m in others)),
        planned={
            (m.name, s.id): 2 if m is first else 3 for m in view.models for s in view.scenarios
        },
    )

    assert sentence(merged).startswith("2 runs seen as one, the latest of 2026-11-22 13:55 UTC: ")
    assert "9 scenarios \N{MULTIPLICATION SIGN} 2 to 3 repeats" in sentence(merged)


def test_what_differs_between_several_runs_is_said(view: RunView) -> None:
    few = {"engine": "docker", "limits.max_turns": "differs", "prompt": "differs"}
    many = {f"scenarios.{n}": "differs" for n in range(9)}

    assert sentence(replace(view, conditions=few)).endswith(
        "engine docker. Their conditions differ: limits.max_turns, prompt."
    )
    assert sentence(replace(view, conditions=many)).endswith("scenarios.5 and 3 more.")
