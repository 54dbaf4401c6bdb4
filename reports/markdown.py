"""The scoreboard as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports import words
from reports.columns import COSTS, RESULTS
from reports.grids import (
    agreement_grid,
    best_grid,
    causes_grid,
    passes_grid,
    probe_grid,
    quota_grid,
)
from reports.leaderboard import ranked, sentence
from reports.phrases import mode, notes, scripted
from reports.sections import further_sections
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reports.columns import Column
    from reports.grids import Cell, Grid
    from testbed.figures import ModelFigures
    from testbed.view import RunView


def markdown_scoreboard(view: RunView) -> str:
    """Write what the run is and the terminal's tables, ending with a newline."""
    figures = run_figures(view)
    models = ranked(figures)
    further = (
        part
        for section in further_sections(models)
        for part in (f"{escape(section.title)}:", _model_table(section.columns, models))
    )
    passes, best = passes_grid(view, figures, models), best_grid(view, figures, models)
    parts = [
        *map(escape, (sentence(view), *mode(models))),
        _model_table(RESULTS, models),
        *_notes(models),
        _model_table(COSTS, models),
        *_titled(passes, models),
        *further,
        *_titled(best, models),
        *_titled(causes_grid(models), models),
        *_titled(quota_grid(models), models),
        *_titled(agreement_grid(figures), models),
        *_titled(probe_grid(models), models),
        *map(escape, scripted(models)),
    ]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Make foreign text plain: no emphasis, link, HTML, code or table cell."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", text)


def _name(model: ModelFigures) -> str:
    return escape(words.clean(model.model)) + (f" ({words.SCRIPTED})" if model.scripted else "")


def _notes(models: Sequence[ModelFigures]) -> list[str]:
    """List in one part what has to be said beside rows; no part without notes."""
    lines = [f"- {_name(m)}: {escape(note)}" for m in models for note in notes(m)]
    return ["\n".join(lines)] if lines else []


def _model_table(columns: Sequence[Column], models: Sequence[ModelFigures]) -> str:
    return _table(
        ["model", *(column.heading for column in columns)],
        [[_name(m), *(_cell(column, m) for column in columns)] for m in models],
        left={column.heading for column in columns if column.prose},
    )


def _cell(column: Column, model: ModelFigures) -> str:
    text = column.cell(model)
    return escape(text) if column.prose else text


def _titled(grid: Grid | None, models: Sequence[ModelFigures]) -> list[str]:
    if grid is None:
        return []
    table = _table(
        [grid.first, *(map(escape, grid.columns) if grid.columns else map(_name, models))],
        [[escape(row.name), *(_grid_cell(grid, cell) for cell in row.cells)] for row in grid.rows],
    )
    return [f"{grid.title}:", table]


def _grid_cell(grid: Grid, cell: Cell) -> str:
    return escape(cell.text) if grid.prose else cell.text


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[str] = ()
) -> str:
    rule = ["---", *("---" if heading in left else "---:" for heading in headings[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rule, *rows))
