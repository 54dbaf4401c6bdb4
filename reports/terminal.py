"""The scoreboard in a terminal: three tables that read well from 80 columns up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from reports import words
from reports.columns import COSTS, RESULTS
from reports.leaderboard import cell, cells_by_scenario, ranked, sentence
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from reports.columns import Column
    from testbed.figures import ModelFigures
    from testbed.metrics import RunView


def print_scoreboard(view: RunView, console: Console) -> None:
    """Print what the run is, how the models did, what it cost, and each scenario's passes."""
    figures = run_figures(view)
    models = ranked(figures)
    console.print(Text(sentence(view)))
    for title, columns in (("Results", RESULTS), ("Cost and median times", COSTS)):
        console.print()
        console.print(_model_table(title, columns, models))
    console.print()
    console.print(
        _scenario_table(
            view,
            models,
            [[cell(c) for c in row] for row in cells_by_scenario(view, figures, models)],
        )
    )
    if any(m.scripted for m in models):
        console.print(Text(words.SCRIPTED_NOTE, style="dim"))


def _model_table(title: str, columns: Sequence[Column], models: Sequence[ModelFigures]) -> Table:
    table = _table(title, "model")
    for column in columns:
        _add(table, column.heading, whole=column.whole)
    for model in models:
        name = words.player(model.model, scripted=model.scripted)
        table.add_row(*_texts(name, *(column.cell(model) for column in columns)))
    return table


def _scenario_table(
    view: RunView, models: Sequence[ModelFigures], passes: Sequence[Sequence[str]]
) -> Table:
    table = _table("Passed / valid trials", "scenario")
    for model in models:
        _add(table, words.player(model.model, scripted=model.scripted))
    for scenario, row in zip(view.scenarios, passes, strict=True):
        table.add_row(*_texts(words.clean(scenario.id), *row))
    return table


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


def _add(table: Table, heading: str, *, whole: bool = False) -> None:
    """Add a column of figures; a heading of several words stands on two lines."""
    lines = Text(heading.replace(" ", "\n", 1))
    table.add_column(lines, justify="right", overflow="fold", no_wrap=whole)


def _texts(*cells: str) -> list[Text]:
    """Keep foreign names from being read as markup."""
    return [Text(text) for text in cells]
