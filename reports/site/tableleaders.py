"""The leaderboard: every headline figure of a model in one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports import columns, words
from reports.site.links import compare_target
from reports.site.tables import Cell, Heading, Note, Row, Table, model_notes, rate_bar
from reports.versus import amounts
from reports.versus.sentence import outcome_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.columns import Column
    from reports.site.board import Board
    from reports.site.links import Links
    from testbed.comparing.comparison import Comparison
    from testbed.figures import ModelFigures

KNOWN: Final[Mapping[str, Column]] = {
    column.heading: column for column in (*columns.TIMES, *columns.COSTS, *columns.RESULTS)
}
"""Where two tables have the same heading, the median alone is shown."""


def _per_solved(model: ModelFigures) -> float | None:
    spent = model.measures.cost.per_solved
    return spent.value if spent else None


SHOWN: Final[tuple[tuple[str, Callable[[ModelFigures], float | None]], ...]] = (
    ("pass@1", lambda m: m.pass_1.left_out.value if m.pass_1.left_out else None),
    ("single prompt", lambda m: m.single_prompt.rate),
    ("tool calls", lambda m: m.measures.tool_calls.micro),
    ("unused per trial", lambda m: m.measures.unused.per_trial.value),
    ("adherence", lambda m: m.adherence.rate),
    ("cost per trial", lambda m: m.measures.cost.per_trial.whole),
    ("cost per solved", _per_solved),
    ("response", lambda m: m.measures.times.response.median),
    ("TTFT", lambda m: m.measures.times.ttft.median),
    ("waited / wall", lambda m: m.measures.waits.share_of_wall),
    ("ungraded", lambda m: m.counts.ungraded + m.counts.not_run),
)
"""Heading of a column -> what it is sorted by."""
HEADINGS: Final = {"waited / wall": "quota wait", "ungraded": "errors"}


def leaderboard(board: Board, links: Links) -> Table:
    """Arrange the models in their order, each with its rank."""
    against = _against(board)
    difference = (Heading(text="difference", definition="difference"),) if against else ()
    return Table(
        id="results",
        title="Leaderboard",
        caption="By pass@1, with its 95 % interval; the pale end of a bar are trials without a "
        "verdict (errors). “=” is a rank shared with models that the data cannot tell apart.",
        kind="sortable leaders",
        first=Heading(text="model", definition="rank"),
        headings=(
            *(_heading(name) for name, _ in SHOWN[:1]),
            *difference,
            *(_heading(name) for name, _ in SHOWN[1:]),
        ),
        rows=tuple(_row(board, model, against, links) for model in board.models),
    )


def ranks(board: Board) -> dict[str, str]:
    """Print each model's rank; `=` follows one that is shared."""
    found = board.contest.ranks if board.contest else {m.model: 1 for m in board.models}
    told = list(found.values())
    return {
        model: f"{rank}=" if told.count(rank) > 1 else str(rank) for model, rank in found.items()
    }


def _heading(name: str) -> Heading:
    return Heading(text=HEADINGS.get(name, name), definition=KNOWN[name].definition)


def _against(board: Board) -> dict[str, Comparison]:
    compared = board.contest.comparisons if board.contest else ()
    return {comparison.b.model: comparison for comparison in compared}


def _row(board: Board, model: ModelFigures, against: Mapping[str, Comparison], links: Links) -> Row:
    beside = (_difference(against.get(model.model), links),) if against else ()
    first, *others = (
        Cell(
            text=KNOWN[name].cell(model),
            value=value(model),
            bar=rate_bar(model.pass_1) if name == "pass@1" else None,
        )
        for name, value in SHOWN
    )
    return Row(
        name=words.clean(model.model),
        rank=ranks(board).get(model.model, words.UNKNOWN),
        scripted=model.scripted,
        notes=(*model_notes(model), *_prompts(model)),
        cells=(first, *beside, *others),
    )


def _prompts(model: ModelFigures) -> tuple[Note, ...]:
    found = model.prompts
    return (
        (Note(text=f"with up to {words.plural(found.follow_ups, 'follow-up')}"),) if found else ()
    )


def _difference(comparison: Comparison | None, links: Links) -> Cell:
    """Print the difference to the baseline in points, and what it amounts to."""
    if comparison is None:
        return Cell(text="baseline", kind="soft")
    found = comparison.tasks
    return Cell(
        text=_points(comparison),
        value=found.value if found else None,
        small=outcome_words(comparison),
        kind=f"outcome {comparison.outcome}",
        href=links.to(compare_target(comparison.a.model, comparison.b.model)),
    )


def _points(comparison: Comparison) -> str:
    """Print `+26 [+1, +51]`."""
    found = comparison.tasks
    if found is None:
        return words.UNKNOWN
    ends = (found.interval.low, found.interval.high) if found.interval else ()
    told = [amounts.points(end, margin=comparison.margin) for end in ends]
    return f"{amounts.points(found.value)} [{', '.join(told)}]".removesuffix(" []")
