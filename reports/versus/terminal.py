"""A comparison in a terminal: the verdict first, then tables that read well from 80 columns up."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table as Drawn
from rich.text import Text

from reports import words
from reports.versus import certainty, rows
from reports.versus.contest import standings
from reports.versus.sentence import contest_line, verdict_line
from testbed.comparing.comparison import Outcome

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod

    from reports.versus.tables import Cell, Table
    from testbed.comparing.comparison import Comparison, Contest

LONGEST: Final = 15
"""Columns that a word may claim for itself."""
STYLES: Final = {Outcome.BETTER: "green", Outcome.WORSE: "red"}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the verdict, and every table that there is something to show in."""
    console.print(Text(verdict_line(comparison), style=_style(comparison)))
    for note in comparison.notes:
        console.print(Text(f"- {words.clean(note)}", style="yellow"))
    for table in _tables(comparison):
        _print(table, console)
    _print_scripted(console, comparison)


def print_contest(contest: Contest, console: Console) -> None:
    """Print how each candidate did against the baseline, in one table and a sentence each."""
    console.print(Text(contest_line(contest), style="bold"))
    table = standings(contest)
    if table:
        _print(table, console)
    for comparison in contest.comparisons:
        console.print()
        console.print(Text(verdict_line(comparison)))
    _print_scripted(console, *contest.comparisons)


def _style(comparison: Comparison) -> str:
    return f"bold {STYLES.get(comparison.outcome, '')}".strip()


def _tables(comparison: Comparison) -> list[Table]:
    found = (
        rows.side_by_side(comparison),
        certainty.flips(comparison),
        rows.kinds(comparison),
        rows.funnel(comparison),
        rows.causes(comparison),
        rows.quality(comparison),
        certainty.certainty(comparison),
        certainty.conditions(comparison),
    )
    return [table for table in found if table]


def _print(table: Table, console: Console) -> None:
    console.print()
    console.print(_drawn(table))
    console.print(Text(table.caption, style="dim"))


def _drawn(table: Table) -> Drawn:
    drawn = Drawn(
        title=table.title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    side: JustifyMethod = "left" if table.prose else "right"
    first, *others = table.columns
    names = (first, *(row.name for row in table.rows))
    drawn.add_column(Text(first), min_width=_longest_word(*names), overflow="fold")
    for heading in others:
        text = Text(heading.replace(", ", ",\n"))
        drawn.add_column(text, justify=side, min_width=_longest_word(heading), overflow="fold")
    for _, group in groupby(table.rows, key=lambda row: row.group):
        for row in group:
            drawn.add_row(Text(row.name), *map(_cell, row.cells))
        drawn.add_section()
    return drawn


def _longest_word(*texts: str) -> int:
    """Keep words whole, names of models among them, unless they are very long."""
    return min(max(cell_len(word) for text in texts for word in (text or " ").split(" ")), LONGEST)


def _cell(cell: Cell) -> Text:
    """Keep foreign names from being read as markup."""
    text = Text(cell.text, style="bold" if cell.winner else "")
    return text + Text(f"\n{cell.small}", style="dim") if cell.small else text


def _print_scripted(console: Console, *comparisons: Comparison) -> None:
    sides = [side for one in comparisons for side in (one.a, one.b)]
    if any(side.scripted for side in sides):
        console.print()
        console.print(Text(words.SCRIPTED_NOTE, style="dim"))
