"""The scoreboard in a terminal: tables that read well from 80 columns up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

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
    from collections.abc import Iterator, Sequence

    from rich.console import Console, JustifyMethod

    from reports.columns import Column
    from reports.grids import Grid
    from testbed.figures import ModelFigures, RunFigures
    from testbed.view import RunView

COLUMNS: Final = 5
"""So many of them can be read side by side in 80 columns."""


def print_scoreboard(view: RunView, console: Console, *, whole: bool = False) -> None:
    """Print what the run is, how the models did, what it cost, and each scenario's passes.

    `whole` also prints every further table that the run has anything for; else it is said
    how to see them.
    """
    figures = run_figures(view)
    models = ranked(figures)
    for line in (sentence(view), *mode(models)):
        console.print(Text(line))
    _say(console, _model_table("Results", RESULTS, models))
    _print_notes(models, console)
    _say(console, _model_table("Cost and median times", COSTS, models))
    for table in _grid_tables(passes_grid(view, figures, models), models):
        _say(console, table)
    further = _further(view, figures, models)
    for table in further if whole else ():
        _say(console, table)
    if further and not whole:
        count = words.plural(sum(bool(t.title) for t in further), "further table")
        console.print(Text(f"{count}: testbed report {words.clean(view.run_id)} --all"))
    for note in scripted(models):
        console.print(Text(note, style="dim"))


def _further(view: RunView, figures: RunFigures, models: Sequence[ModelFigures]) -> list[Table]:
    sections = [_model_table(s.title, s.columns, models) for s in further_sections(models)]
    grids = (
        best_grid(view, figures, models),
        causes_grid(models),
        quota_grid(models),
        agreement_grid(figures),
        probe_grid(models),
    )
    return [*sections, *(table for grid in grids if grid for table in _grid_tables(grid, models))]


def _say(console: Console, table: Table) -> None:
    console.print()
    console.print(table)


def _print_notes(models: Sequence[ModelFigures], console: Console) -> None:
    for model in models:
        for note in notes(model):
            name = words.player(model.model, scripted=model.scripted)
            console.print(Text(f"{name}: {note}", style="yellow"))


def _model_table(title: str, columns: Sequence[Column], models: Sequence[ModelFigures]) -> Table:
    table = _table(title, "model")
    for column in columns:
        _add(table, column.heading, whole=column.whole, prose=column.prose)
    for model in models:
        name = words.player(model.model, scripted=model.scripted)
        table.add_row(*_texts(name, *(column.cell(model) for column in columns)))
    return table


def _grid_tables(grid: Grid, models: Sequence[ModelFigures]) -> Iterator[Table]:
    """Make one table, or several with some of the columns each when there are many."""
    named = [words.player(m.model, scripted=m.scripted) for m in models]
    headings = grid.columns or named
    for first in range(0, len(headings), COLUMNS):
        table = _table(grid.title if first == 0 else "", grid.first)
        for heading in headings[first : first + COLUMNS]:
            _add(table, heading)
        for row in grid.rows:
            cells = row.cells[first : first + COLUMNS]
            table.add_row(*_texts(row.name, *(cell.text for cell in cells)))
        yield table


def _table(title: str, first: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column(first, overflow="fold")
    return table


def _add(table: Table, heading: str, *, whole: bool = False, prose: bool = False) -> None:
    """Add a column; a heading of several words stands on two lines."""
    lines = Text(heading.replace(" ", "\n", 1))
    side: JustifyMethod = "left" if prose else "right"
    table.add_column(lines, justify=side, overflow="fold", no_wrap=whole)


def _texts(*cells: str) -> list[Text]:
    """Keep foreign names from being read as markup."""
    return [Text(text) for text in cells]
