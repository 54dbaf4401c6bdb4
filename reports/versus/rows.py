"""The tables with a row per figure: both models side by side, and what tells them apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reports import words
from reports.sections import KIND_TITLES
from reports.versus import amounts
from reports.versus.figures import GROUPS, LINES, QUALITY, Line, named, success_lines
from reports.versus.names import side_names
from reports.versus.tables import Cell, Mark, Row, Scale, Table
from testbed.comparing.comparison import Direction, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.comparing.comparison import Comparison, FigurePair, KindPair
    from testbed.figures import ModelFigures, ToolCalls

NOT_TOLD: Final = "not told apart"
NO_SIDE: Final = "neither"
DIFFERENCE: Final = "difference, 95 % interval"
WINNER: Final = {Outcome.BETTER: "b", Outcome.WORSE: "a"}
UNKNOWNS: Final = {words.UNKNOWN, "none", "0 of 0"}


def side_by_side(comparison: Comparison) -> Table:
    """Arrange every figure of both, what differs, and who is better where that is told."""
    others = [_unnamed(pair) for pair in comparison.figures if pair.id not in named()]
    groups = {"success": success_lines(_k(comparison)), **GROUPS, "others": others}
    return Table(
        id="figures",
        title="Side by side",
        caption="The difference is that of the candidate from the baseline, paired by scenario: it "
        "need not be the difference of the two columns. Each interval stands by itself; one in "
        "twenty misses by chance.",
        columns=("figure", *side_names(comparison), DIFFERENCE, "better"),
        rows=tuple(
            replace(row, group=group)
            for group, lines in groups.items()
            for row in _lines(comparison, lines)
        ),
    )


def quality(comparison: Comparison) -> Table | None:
    """Arrange the measured quality of both models' patches beside the references'."""
    rows = tuple(
        replace(row, group=row.definition.replace("-", " ")) for row in _lines(comparison, QUALITY)
    )
    if not rows:
        return None
    return Table(
        id="quality",
        title="Code quality",
        caption="Means of the valid trials with a patch, and of the reference solutions to the "
        "same tasks. A difference is of the patches' own figures.",
        columns=("measure", *side_names(comparison), DIFFERENCE, "better"),
        rows=rows,
    )


def ratios(comparison: Comparison) -> Table | None:
    """Arrange what is compared as a ratio: money, times and tokens."""
    known = {pair.id for pair in comparison.figures if pair.ratio and pair.ratio.value}
    rows = _lines(comparison, [line for line in LINES if line.id in known])
    if not rows:
        return None
    return Table(
        id="ratios",
        title="Money and time",
        caption="What the candidate takes of what the baseline takes, paired by scenario.",
        columns=("figure", *side_names(comparison), DIFFERENCE, "better"),
        rows=rows,
        scale=Scale.RATIO,
    )


def kinds(comparison: Comparison) -> Table | None:
    """Arrange the kinds of scenario, unless all are of one."""
    if len(comparison.kinds) < 2:  # noqa: PLR2004  (one kind is the whole)
        return None
    return Table(
        id="kinds",
        title="By kind of scenario",
        caption="pass@1 over the scenarios of one kind; a kind has few, so the intervals are wide.",
        definition="kinds",
        columns=("kind", "scenarios", *side_names(comparison), DIFFERENCE),
        rows=tuple(map(_kind, comparison.kinds)),
        scale=Scale.POINTS,
    )


def funnel(comparison: Comparison) -> Table | None:
    """Arrange how far the tool calls of both got."""
    a, b = (side.figures.measures.tool_calls for side in (comparison.a, comparison.b))
    if not a.emitted and not b.emitted:
        return None
    return Table(
        id="funnel",
        title="Tool calls",
        caption="Calls of the valid trials that got at least so far, and their share of all.",
        definition="tool-calls",
        columns=("stage", *side_names(comparison)),
        rows=tuple(
            Row(
                name=stage.replace("_", "-"),
                cells=(_reached(a, stage), _reached(b, stage)),
            )
            for stage in a.reached
        ),
    )


def causes(comparison: Comparison) -> Table | None:
    """Arrange why calls went no further."""
    found = [side.figures.measures.tool_calls.causes for side in (comparison.a, comparison.b)]
    names = dict.fromkeys(name for one in found for name in one)
    if not names:
        return None
    return Table(
        id="causes",
        title="Why calls went no further",
        caption="Calls of the valid trials, by cause.",
        definition="tool-calls",
        columns=("cause", *side_names(comparison)),
        rows=tuple(
            Row(
                name=words.clean(name).replace("_", " "),
                cells=tuple(Cell(text=f"{one.get(name, 0):,}") for one in found),
            )
            for name in names
        ),
    )


def _reached(calls: ToolCalls, stage: str) -> Cell:
    count = calls.reached[stage]
    share = words.percent(count / calls.emitted) if calls.emitted else words.UNKNOWN
    return Cell(text=f"{count:,} ({share})")


def _kind(kind: KindPair) -> Row:
    found = kind.difference
    return Row(
        name=KIND_TITLES.get(kind.kind, words.clean(kind.kind)),
        cells=(
            Cell(text=f"{kind.scenarios:,}"),
            Cell(text=words.percent(kind.a)),
            Cell(text=words.percent(kind.b)),
            Cell(
                text=amounts.as_points(found.value),
                small=amounts.span(found.interval, amounts.points) or "no interval",
            ),
        ),
        mark=Mark(value=found.value, interval=found.interval),
    )


def _k(comparison: Comparison) -> int:
    """Find the largest k that both have pass@k of: another k is another figure."""
    return min(max(side.figures.pass_at, default=0) for side in (comparison.a, comparison.b))


def _unnamed(pair: FigurePair) -> Line:
    """Show a figure that has no line of its own by its id and its bare numbers."""
    name = words.clean(pair.id).replace("_", " ")
    return Line(id=pair.id, name=name, definition="", text=None)


def _lines(comparison: Comparison, lines: Sequence[Line]) -> tuple[Row, ...]:
    """Make a row of each figure that either model has."""
    rows = (_pair_row(comparison, line, comparison.figure(line.id)) for line in lines)
    return tuple(row for row in rows if {cell.text for cell in row.cells[:2]} - UNKNOWNS)


def _pair_row(comparison: Comparison, line: Line, pair: FigurePair | None) -> Row:
    better = winner_of(comparison, pair)
    a, b = (
        _own(line, side.figures, value, better=better == which)
        for which, side, value in (
            ("a", comparison.a, pair.a if pair else None),
            ("b", comparison.b, pair.b if pair else None),
        )
    )
    return Row(
        name=line.name,
        cells=(a, b, _difference(line, pair), Cell(text=_better(comparison, pair, better))),
        definition=line.definition,
        mark=_mark(pair),
    )


def _own(line: Line, figures: ModelFigures, value: float | None, *, better: bool) -> Cell:
    """Put a figure's bare number first, and below it what it rests on or stands beside."""
    if line.text is None:
        return Cell(text=line.number(value), winner=better)
    text, slash, beside = amounts.with_minus(line.text(figures)).partition(" / ")
    if slash:
        return Cell(text=text, small=f"{line.beside} {beside}", winner=better)
    text, bracket, rest = _parted(text)
    return Cell(text=text, small=bracket + rest, winner=better)


def _parted(text: str) -> tuple[str, str, str]:
    """Part `48 % [25, 72]` and `$0.04 (24 of 27 known)` before the bracket."""
    head, bracket, rest = text.partition(" [")
    if not bracket:
        head, bracket, rest = text.partition(" (")
    return head, bracket.strip(), rest


def _difference(line: Line, pair: FigurePair | None) -> Cell:
    """Print how far they are apart; below it the interval, and what it rests on if not on all."""
    if pair is None:
        return Cell(text="")
    if pair.ratio:
        found = pair.ratio
        covered = "" if found.known == found.of else f"{found.known:,} of {found.of:,} scenarios"
        parts = (amounts.ratio_span(found), covered)
        return Cell(text=amounts.ratio(found), small=", ".join(filter(None, parts)))
    if pair.difference is None:
        return Cell(text=words.UNKNOWN)
    without = "everywhere alike" if pair.difference.degenerate else "no interval"
    span = amounts.span(pair.difference.interval, lambda end: line.change(end).split()[0])
    return Cell(text=line.change(pair.difference.value), small=span or without)


def winner_of(comparison: Comparison, pair: FigurePair | None) -> str | None:
    """Name the better side; that of the headline is as the verdict says."""
    if pair is None:
        return None
    return WINNER.get(comparison.outcome) if pair.id == "pass_1" else pair.winner


def _better(comparison: Comparison, pair: FigurePair | None, winner: str | None) -> str:
    if winner:
        a, b = side_names(comparison)
        return b if winner == "b" else a
    if pair is None:
        return ""
    if pair.direction is Direction.NEITHER:
        return NO_SIDE
    found = pair.ratio or pair.difference
    return NOT_TOLD if found and found.interval else words.UNKNOWN


def _mark(pair: FigurePair | None) -> Mark | None:
    if pair is None or pair.ratio is None or not pair.ratio.value:
        return None
    return Mark(value=pair.ratio.value, interval=pair.ratio.interval)
