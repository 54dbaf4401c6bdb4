"""The table of several candidates against one baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import words
from reports.versus import amounts
from reports.versus.names import side_names
from reports.versus.sentence import outcome_words
from reports.versus.tables import Cell, Row, Table

if TYPE_CHECKING:
    from testbed.comparing.comparison import Comparison, Contest, Side


def standings(contest: Contest) -> Table | None:
    """Arrange the baseline and its candidates by rank; `None` without a candidate."""
    if not contest.comparisons:
        return None
    first = contest.comparisons[0]
    baseline = Row(
        name=side_names(first)[0],
        cells=(
            Cell(text=_rank(contest, first.a.model)),
            _rate(first.a),
            *(Cell(text="") for _ in range(3)),
            Cell(text="baseline"),
        ),
    )
    rows = [(first.a.model, baseline)]
    rows += [(one.b.model, _row(contest, one)) for one in contest.comparisons]
    return Table(
        id="standings",
        title="Standings",
        caption="The difference is that from the baseline, paired by scenario; models whose "
        "paired 95 % interval holds 0 share a rank. p is corrected by Holm's method.",
        columns=(
            "model",
            "rank",
            "pass@1",
            "difference, 95 % interval",
            "p",
            "cost per trial",
            "verdict",
        ),
        rows=tuple(
            row for _, row in sorted(rows, key=lambda r: contest.ranks.get(r[0], len(rows)))
        ),
    )


def _row(contest: Contest, comparison: Comparison) -> Row:
    return Row(
        name=side_names(comparison)[1],
        cells=(
            Cell(text=_rank(contest, comparison.b.model)),
            _rate(comparison.b),
            _difference(comparison),
            Cell(text=_p(comparison)),
            _cost(comparison),
            Cell(text=outcome_words(comparison)),
        ),
    )


def _rate(side: Side) -> Cell:
    text, _, interval = words.rate(side.figures.pass_1).partition(" [")
    return Cell(text=text, small=f"[{interval}" if interval else "")


def _difference(comparison: Comparison) -> Cell:
    found = comparison.tasks
    if found is None:
        return Cell(text=words.UNKNOWN)
    interval = amounts.span(
        found.interval, lambda end: amounts.points(end, margin=comparison.margin)
    )
    return Cell(text=amounts.as_points(found.value), small=interval or "no interval")


def _rank(contest: Contest, model: str) -> str:
    return words.number(contest.ranks.get(model))


def _p(comparison: Comparison) -> str:
    """Print the corrected p, and the plain one when there is nothing to correct for."""
    plain = comparison.tasks.p if comparison.tasks else None
    return amounts.chance(plain if comparison.holm_p is None else comparison.holm_p)


def _cost(comparison: Comparison) -> Cell:
    figure = comparison.figure("cost_per_trial")
    if figure is None or figure.ratio is None:
        return Cell(text=words.UNKNOWN)
    return Cell(text=amounts.ratio(figure.ratio), small=amounts.ratio_span(figure.ratio))
