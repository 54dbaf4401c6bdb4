"""The heat map: scenario by model, passes of valid trials in every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports import words
from reports.leaderboard import cell, cells_by_scenario
from reports.site.links import model_fragment, scenario_target, trial_target
from reports.site.tables import Cell, Heading, Note, Row, Table, model_heading

if TYPE_CHECKING:
    from reports.site.board import Board
    from reports.site.links import Links
    from testbed.figures import CellFigures
    from testbed.view import ScenarioView

MANY: Final = 9
"""Models from which on their names stand upright."""


def heat_map(board: Board, links: Links) -> Table:
    """Arrange the cells: one row per scenario of the plan, one column per model in order."""
    return Table(
        id="heat",
        title="Scenarios",
        caption="Passed / valid trials, from none (red) to all (green).",
        definition="heat",
        kind="sortable heat" if len(board.models) < MANY else "sortable heat many",
        first=Heading(text="scenario"),
        headings=tuple(map(model_heading, board.models)),
        rows=tuple(
            Row(
                name=words.clean(scenario.id),
                href=links.to(scenario_target(scenario.id)),
                notes=(_note(scenario),),
                cells=tuple(_cell(board, figures, links) for figures in row),
            )
            for scenario, row in zip(
                board.view.scenarios,
                cells_by_scenario(board.view, board.figures, board.models),
                strict=True,
            )
        ),
    )


def _note(scenario: ScenarioView) -> Note:
    told = (scenario.title, f"{scenario.kind}, {scenario.difficulty}")
    return Note(text=" \N{MIDDLE DOT} ".join(map(words.clean, told)))


def _cell(board: Board, figures: CellFigures, links: Links) -> Cell:
    valid = figures.counts.valid
    text, _, short = cell(figures).partition(" of ")
    return Cell(
        text=text,
        small=f"of {short}" if short else "",
        kind=f"h{shade(figures.passes, valid)}" if valid else "",
        href=_address(board, figures, links),
    )


def _address(board: Board, figures: CellFigures, links: Links) -> str | None:
    """Lead to the one trial of a cell, or to the model's row at the scenario."""
    if board.view.repeats_of(figures.model, figures.scenario) == 1:
        found = links.to(trial_target((figures.model, figures.scenario, 1)))
        if found:
            return found
    return links.to(scenario_target(figures.scenario), model_fragment(figures.model))


def shade(passes: int, valid: int) -> int:
    """Choose a shade: 0 for none passed, 4 for all, 1 to 3 between."""
    if passes in (0, valid):
        return 4 if passes else 0
    return 1 + 3 * passes // valid
