"""The two tables that bars make readable: tokens by class, and the funnel of the tool calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.tables import Bar, Cell, Heading, Part, Table, percent, section_table
from testbed.records import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.sections import Section
    from testbed.figures import ModelFigures
    from testbed.sums import Total

CLASSES: Final = ("fresh input", "cache read", "cache write", "output")
STAGES: Final = tuple(Stage)


def funnel_table(section: Section, models: Sequence[ModelFigures]) -> Table:
    """Arrange how far calls got; a bar is the share of the calls that were emitted."""

    def bar(model: ModelFigures, place: int) -> Bar | None:
        calls = model.measures.tool_calls
        if place >= len(STAGES) or not calls.emitted:
            return None
        reached = percent(calls.reached[STAGES[place]] / calls.emitted)
        return Bar(parts=(Part(kind="c1", width=reached),))

    return section_table(section, models, bar)


def token_table(section: Section, models: Sequence[ModelFigures]) -> Table:
    """Arrange the tokens, with a bar per trial by class; all bars have one scale."""
    table = section_table(section, models)
    longest = max((_per_trial(model) for model in models), default=0.0)
    rows = (
        replace(row, cells=(_bar_cell(model, longest), *row.cells))
        for row, model in zip(table.rows, models, strict=True)
    )
    heading = Heading(text="reported per trial", definition="tokens")
    return replace(
        table,
        headings=(heading, *table.headings),
        rows=tuple(rows),
        legend=tuple((f"c{n}", name) for n, name in enumerate(CLASSES, 1)),
    )


def _classes(model: ModelFigures) -> tuple[Total, ...]:
    tokens = model.measures.tokens
    return (tokens.fresh_input, tokens.cache_read, tokens.cache_write, tokens.output)


def _means(model: ModelFigures) -> list[float]:
    """Give the tokens of each class per trial that reports them."""
    return [(t.known_part or 0) / max(1, t.known) for t in _classes(model)]


def _per_trial(model: ModelFigures) -> float:
    return sum(_means(model))


def _bar_cell(model: ModelFigures, longest: float) -> Cell:
    mean = _per_trial(model)
    if not mean:
        return Cell(text=words.UNKNOWN)
    parts, start = list[Part](), 0.0
    for number, reported in enumerate(_means(model), 1):
        width = reported / longest
        parts.append(Part(kind=f"c{number}", start=percent(start), width=percent(width)))
        start += width
    most = max(_classes(model), key=lambda total: total.known)  # few providers tell every class
    text = words.count(mean) + words.coverage(most.known, most.of)
    return Cell(text=text, bar=Bar(parts=tuple(parts)))
