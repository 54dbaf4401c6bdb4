"""A comparison as GitHub-flavoured Markdown: the verdict first, the rest folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import words
from reports.markdown import escape
from reports.versus import certainty, rows
from reports.versus.contest import standings
from reports.versus.sentence import contest_line, verdict_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.versus.tables import Cell, Row, Table
    from testbed.comparing.comparison import Comparison, Contest


def markdown_comparison(comparison: Comparison) -> str:
    """Write the verdict, both models side by side, and the details, ending with a newline."""
    return _joined([*_comparison(comparison), *_scripted(comparison)])


def markdown_contest(contest: Contest) -> str:
    """Write how each candidate did, and each comparison folded away, ending with a newline."""
    table = standings(contest)
    parts = [f"**{escape(contest_line(contest))}**", *([_table(table)] if table else [])]
    for comparison in contest.comparisons:
        parts += _folded(verdict_line(comparison), _comparison(comparison)[1:])
    return _joined([*parts, *_scripted(*contest.comparisons)])


def _comparison(comparison: Comparison) -> list[str]:
    details = (
        certainty.scenarios(comparison),
        rows.kinds(comparison),
        rows.funnel(comparison),
        rows.causes(comparison),
        rows.quality(comparison),
        certainty.certainty(comparison),
    )
    parts = [f"**{escape(verdict_line(comparison))}**"]
    if comparison.notes:
        parts.append("\n".join(f"- {escape(words.clean(note))}" for note in comparison.notes))
    parts += _with_caption(rows.side_by_side(comparison))
    unlike = certainty.conditions(comparison)
    if unlike:
        parts += [f"{escape(unlike.title)}:", *_with_caption(unlike)]
    for table in details:
        if table:
            parts += _folded(table.title, _with_caption(table))
    return parts


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _folded(summary: str, inner: Sequence[str]) -> list[str]:
    """Fold parts away; the summary is HTML, where a backslash would show."""
    text = summary.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [f"<details><summary>{text}</summary>", *inner, "</details>"]


def _with_caption(table: Table) -> list[str]:
    return [_table(table), escape(table.caption)]


def _table(table: Table) -> str:
    side = "---" if table.prose else "---:"
    lines = [
        [escape(heading) for heading in table.columns],
        ["---", *(side for _ in table.columns[1:])],
        *([_name(row), *map(_cell, row.cells)] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _name(row: Row) -> str:
    return escape(row.name) + (f"<br>{escape(row.small)}" if row.small else "")


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    bold = f"**{text}**" if cell.winner else text
    return bold + (f"<br>{escape(cell.small)}" if cell.small else "")


def _scripted(*comparisons: Comparison) -> list[str]:
    sides = [side for one in comparisons for side in (one.a, one.b)]
    return [escape(words.SCRIPTED_NOTE)] if any(side.scripted for side in sides) else []
