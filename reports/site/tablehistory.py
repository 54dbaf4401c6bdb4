"""What changed over runs and dates, and under which conditions the runs were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import words
from reports.site.tables import Cell, Heading, Note, Row, Table, rate_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.site.board import Board, Past
    from testbed.comparing.comparison import Unlike


def history_table(board: Board) -> Table | None:
    """Arrange each model's runs, the oldest first; `None` when no model has two."""
    if not board.history:
        return None
    scripted = {m.name for m in board.view.models if m.scripted}
    before = [None, *board.history]
    return Table(
        id="history",
        title="History",
        caption="Each model's runs, the oldest first. One scenario that passes less often is a "
        "hint, not yet a regression.",
        definition="history",
        first=Heading(text="model"),
        headings=(
            Heading(text="run", prose=True),
            Heading(text="pass@1", definition="pass-1"),
            Heading(text="passes less often than in the run before", prose=True),
            Heading(text="conditions that changed", prose=True),
        ),
        rows=tuple(
            _past(
                past,
                last if last and last.model == past.model else None,
                scripted=past.model in scripted,
            )
            for past, last in zip(board.history, before, strict=False)
        ),
    )


def _past(past: Past, before: Past | None, *, scripted: bool) -> Row:
    return Row(
        name=words.clean(past.model),
        scripted=scripted,
        cells=(
            Cell(text=words.clean(past.run_id), small=words.moment(past.created), kind="prose"),
            Cell(text=words.rate(past.rate), bar=rate_bar(past.rate)),
            Cell(text=_worse(past, before), kind="prose"),
            Cell(text=_unlike(past.unlike) if before else "", kind="prose"),
        ),
    )


def _worse(past: Past, before: Past | None) -> str:
    """Print `pagination 3/3 → 1/3`."""
    if before is None:
        return "first run"
    fell = (
        f"{words.clean(scenario)} {words.passed(before.tallies.get(scenario))} "
        f"\N{RIGHTWARDS ARROW} {words.passed(past.tallies.get(scenario))}"
        for scenario in past.worse
    )
    return ", ".join(fell) or "none"


def _unlike(found: Sequence[Unlike]) -> str:
    return ", ".join(words.clean(one.condition) for one in found) or "none"


def conditions_table(board: Board) -> Table:
    """Arrange the conditions, those that differ between the runs first."""
    told = [run.conditions for run in board.runs]
    names = sorted({name for conditions in told for name in conditions})
    differing = [n for n in names if len({conditions.get(n) for conditions in told}) > 1]
    return Table(
        id="conditions",
        title="Conditions of the run" if len(told) == 1 else "Conditions of the runs",
        caption="What has to be alike before two runs are compared; what differs stands first.",
        kind="pairs",
        first=Heading(text="condition"),
        headings=tuple(
            Heading(text=f"{words.clean(run.id)}, {words.moment(run.created)}", prose=True)
            for run in board.runs
        ),
        rows=tuple(
            Row(
                name=words.clean(name),
                notes=(Note(text="differs", kind="warning"),) if name in differing else (),
                cells=tuple(
                    Cell(text=words.clean(conditions.get(name, "")) or words.UNKNOWN, kind="prose")
                    for conditions in told
                ),
            )
            for name in sorted(names, key=lambda name: (name not in differing, name))
        ),
    )
