from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports import phrases
from reports.leaderboard import ranked
from reports.sections import all_sections, further_sections
from testbed.marks import Agreement
from testbed.metrics import run_figures
from testbed.quality_figures import Beside
from testbed.sums import Mean

if TYPE_CHECKING:
    from testbed.figures import ModelFigures
    from testbed.view import RunView

NONE = "\N{EN DASH}"


def models(view: RunView) -> dict[str, ModelFigures]:
    return {m.model: m for m in ranked(run_figures(view))}


def beside(own: list[float | None], reference: list[float | None]) -> Beside:
    pairs = [o if r is not None else None for o, r in zip(own, reference, strict=True)]
    return Beside(own=Mean.over(own), paired=Mean.over(pairs), reference=Mean.over(reference))


def test_what_puts_a_row_in_doubt_is_said_beside_it(rich_view: RunView) -> None:
    found = models(rich_view)

    assert phrases.notes(found["oracle"]) == []
    assert phrases.notes(found["moonbeam-2"]) == [
        "preflight red: tools_whole",
        "served as moonbeam-2-0905-b, asked for moonbeam-2-0905",
        (
            "the provider says $0.335 where the price card says $0.281: "
            "7 of 7 tries with both differ by more than 1 %"
        ),
    ]
    assert phrases.notes(found["halyard-4-fast"]) == [
        "more than one model was served (tries): halyard-4-fast 5, halyard-4-fast-0915 3"
    ]


def test_a_row_without_doubts_has_no_notes(view: RunView) -> None:
    assert not [note for m in models(view).values() for note in phrases.notes(m)]


def test_a_player_is_asked_for_by_no_name(view: RunView) -> None:
    trials = [t.model_copy(update={"served_models": ("any",)}) for t in view.trials]

    assert phrases.notes(models(replace(view, trials=trials))["oracle"]) == []


def test_a_run_with_follow_ups_says_why_a_figure_is_missing(
    view: RunView, rich_view: RunView
) -> None:
    assert phrases.mode(list(models(view).values())) == []
    (line,) = phrases.mode(list(models(rich_view).values()))
    assert line.startswith("Follow-ups: 2.")
    assert "single-prompt success is not measured" in line


def test_there_are_no_tables_without_anything_to_show(view: RunView, rich_view: RunView) -> None:
    plain = [s.id for s in further_sections(list(models(view).values()))]
    full = [s.id for s in all_sections(list(models(rich_view).values()))]

    assert plain == ["kind-1", "kind-2", "kind-3", "money"]
    assert {
        "money-beside",
        "prompts",
        "quality-modularity",
        "quality-testability",
        "own-tests",
        "harm",
        "marks-1",
        "marks-2",
        "preflight",
    } <= set(full)
    assert len(full) == len(set(full))


def test_scenarios_of_one_kind_need_no_table_per_kind(view: RunView) -> None:
    same = tuple(replace(s, kind="bug") for s in view.scenarios)
    found = models(replace(view, scenarios=same))

    assert not [s for s in further_sections(list(found.values())) if s.id.startswith("kind")]


def test_a_measure_stands_before_the_references_over_the_same_trials() -> None:
    assert phrases.beside(beside([12.0, 13.0], [10.0, 12.0])) == "12.5 / 11"
    assert phrases.beside(beside([12.0, 99.0], [10.0, None])) == "12 / 10 (1 of 2 known)"
    assert phrases.beside(beside([12.0, None], [None, None])) == f"12 / {NONE} (1 of 2 known)"
    assert phrases.beside(beside([None], [3.0])) == NONE
    assert phrases.beside(beside([0.125], [0.5]), share=True) == "12 % / 50 %"


def test_agreement_without_pairs_is_unknown() -> None:
    assert phrases.agreement(None) == NONE
    assert phrases.agreement(Agreement(pairs=0, within_one=None, alpha=None)) == NONE
    assert (
        phrases.agreement(Agreement(pairs=3, within_one=1.0, alpha=None))
        == f"100 %, alpha {NONE} (n 3)"
    )


def test_an_endpoint_that_nobody_asked_says_so(view: RunView) -> None:
    oracle = models(view)["oracle"]

    assert phrases.preflight(oracle) == "not asked"
    assert phrases.probe(oracle.preflight, "answers") == "not asked"
    assert phrases.answered_as(oracle) == NONE
