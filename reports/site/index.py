"""The index of the site: what a team opens every morning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports import phrases, words
from reports.grids import (
    agreement_grid,
    best_grid,
    causes_grid,
    cost_grid,
    probe_grid,
    quota_grid,
)
from reports.leaderboard import sentence
from reports.sections import RESULTS, all_sections
from reports.site.charts import scatter
from reports.site.links import HOME
from reports.site.page import Page, render
from reports.site.tablebars import funnel_table, token_table
from reports.site.tablebudget import LINES, budget_charts, budget_table
from reports.site.tableheat import heat_map
from reports.site.tablehistory import conditions_table, history_table
from reports.site.tableleaders import leaderboard
from reports.site.tables import Table, grid_table, section_table
from reports.site.tabletrials import trials_data
from reports.versus.sentence import verdict_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.site.board import Board
    from reports.site.charts import Scatter
    from reports.site.links import Links
    from testbed.figures import ModelFigures

FEW_MODELS: Final = 6
"""Up to so many, a chart has room beside the heat map."""
MANY_CELLS: Final = 300
"""From here on, tables of cells leave their small print to the pages of the scenarios."""
OPEN: Final = ("tokens", "tool-calls", "quality")
"""What sections begin with that stand open, not folded."""
DRAWN: Final = {"tokens": token_table, "tool-calls": funnel_table}
"""Sections with bars in their cells."""


def index_page(board: Board, links: Links) -> Page:
    """Make the index; the same board and links give the same page."""
    run = words.clean(board.view.run_id)
    tables = _tables(board)
    body = render(
        "index.html",
        line=_line(board),
        about=sentence(board.view),
        notes=[*phrases.mode(board.models), *phrases.scripted(board.models)],
        leaders=leaderboard(board, links),
        heat=heat_map(board, links),
        beside=len(board.models) <= FEW_MODELS,
        scatters=_scatters(board.models),
        budgets=budget_charts(board),
        first_lines=LINES,
        enough=budget_table(board),
        opened=[table for table in tables if table.id.startswith(OPEN)],
        closed=[table for table in tables if not table.id.startswith(OPEN)],
        history=history_table(board),
        conditions=conditions_table(board),
        data=trials_data(board, links),
        downloads=not links.single,
        trials=words.plural(len(board.view.trials), "trial"),
    )
    return Page(
        target=HOME,
        title=f"Testbed scoreboard, run {run}",
        body=body,
        styles=("base.css", "index.css"),
        scripts=("board.js",),
    )


def _line(board: Board) -> str:
    """Say in one sentence what was found."""
    compared = board.contest.comparisons if board.contest else ()
    if compared:
        return verdict_line(next((c for c in compared if not c.b.scripted), compared[0]))
    if not board.models:
        return "No model was run."
    model = board.models[0]
    return (
        f"{words.player(model.model, scripted=model.scripted)} passes "
        f"{words.rate(model.pass_1)} of all trials and solves {words.score(model.single_prompt)} "
        "scenarios at the first prompt; no other model is here to be compared with it."
    )


def _scatters(models: Sequence[ModelFigures]) -> list[Scatter]:
    found = (
        scatter(
            models,
            lambda m: m.measures.cost.per_trial.whole,
            words.money,
            id="cost-success",
            title="Cost against success",
            x_label="cost per trial",
        ),
        scatter(
            models,
            lambda m: m.measures.times.wall.median,
            words.seconds,
            id="time-success",
            title="Time against success",
            x_label="median time of a trial",
        ),
    )
    return [chart for chart in found if chart]


def _tables(board: Board) -> list[Table]:
    """Arrange every further table, each grid behind the section that it belongs to."""
    sections = [s for s in all_sections(board.models) if s is not RESULTS]
    grids = _grids(board, [section.id for section in sections])
    tables: list[Table] = []
    for section in sections:
        arrange = DRAWN.get(section.id, section_table)
        tables += [arrange(section, board.models), *grids.get(section.id, ())]
    return tables


def _grids(board: Board, sections: Sequence[str]) -> dict[str, list[Table]]:
    view, figures, models = board.view, board.figures, board.models
    opinions = [section for section in sections if section.startswith("marks-")]
    places = {
        "repeats": best_grid(view, figures, models),
        "money": cost_grid(view, figures, models),
        "tool-calls": causes_grid(models),
        "times": quota_grid(models),
        "preflight": probe_grid(models),
        **({opinions[-1]: agreement_grid(figures)} if opinions else {}),
    }
    brief = len(figures.cells) >= MANY_CELLS
    return {
        place: [grid_table(grid, models, brief=brief)] for place, grid in places.items() if grid
    }
