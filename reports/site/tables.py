"""The tables of the index as data: what a template prints cell by cell; every text is clean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import phrases, words
from reports.site.axes import place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reports.grids import Grid
    from reports.sections import Section
    from testbed.figures import ModelFigures, PassRate


@dataclass(frozen=True, kw_only=True)
class Part:
    """One stretch of a bar, in percent of the bar's length."""

    kind: str
    """Its class: how it is coloured."""
    width: str
    start: str = "0"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar in a cell. It repeats what the cell says in words."""

    parts: tuple[Part, ...]
    whisker: tuple[str, str] | None = None
    """Where an interval begins and ends, in percent of the bar's length."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """A line below a name."""

    text: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One figure, or words."""

    text: str
    small: str = ""
    kind: str = ""
    """Its class; empty for a plain figure."""
    bar: Bar | None = None
    value: float | None = None
    """What it is sorted by; `None` stands last."""
    href: str | None = None

    @property
    def prose(self) -> bool:
        """Say whether it holds words, which may break anywhere."""
        return self.kind == "prose"


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The heading of a column."""

    text: str
    definition: str = ""
    """Anchor of its meaning: `def-<definition>`."""
    prose: bool = False
    scripted: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row, named by its first cell."""

    name: str
    cells: tuple[Cell, ...]
    rank: str = ""
    href: str | None = None
    scripted: bool = False
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the page."""

    id: str
    title: str
    first: Heading
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    definition: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    """Class of a bar's part -> what it stands for."""
    kind: str = ""
    """Its classes, e.g. `sortable`, `heat`."""


def percent(share: float) -> str:
    """Scale a share to a bar's length of 100."""
    return place(100 * min(max(share, 0.0), 1.0))


def rate_bar(rate: PassRate) -> Bar | None:
    """Draw a rate, its lower bound and its interval; `None` without any trial that counts."""
    if rate.left_out is None or rate.as_fail is None:
        return None
    ends = rate.interval
    return Bar(
        parts=(
            Part(kind="left-out", width=percent(rate.left_out.value)),
            Part(kind="as-fail", width=percent(rate.as_fail.value)),
        ),
        whisker=(percent(ends.low), percent(ends.high)) if ends else None,
    )


def model_heading(model: ModelFigures) -> Heading:
    """Head a column of one model."""
    return Heading(text=words.clean(model.model), scripted=model.scripted)


def section_table(
    section: Section,
    models: Sequence[ModelFigures],
    bars: Callable[[ModelFigures, int], Bar | None] = lambda _model, _column: None,
) -> Table:
    """Arrange a table with a row per model; `bars` draws the cell of a column, by its index."""
    return Table(
        id=section.id,
        title=section.title,
        caption=section.caption,
        first=Heading(text="model"),
        headings=tuple(
            Heading(text=c.heading, definition=c.definition, prose=c.prose) for c in section.columns
        ),
        rows=tuple(
            Row(
                name=words.clean(model.model),
                scripted=model.scripted,
                cells=tuple(
                    Cell(
                        text=column.cell(model),
                        kind="prose" if column.prose else "",
                        bar=bars(model, place),
                    )
                    for place, column in enumerate(section.columns)
                ),
            )
            for model in models
        ),
    )


def grid_table(grid: Grid, models: Sequence[ModelFigures], *, brief: bool) -> Table:
    """Arrange a table whose rows are scenarios, probes or factors.

    `brief`: leave out what stands in small print, in a table too large for it.
    """
    return Table(
        id=grid.id,
        title=grid.title,
        caption=grid.caption,
        definition=grid.definition,
        kind="grid",
        first=Heading(text=grid.first),
        headings=tuple(Heading(text=name) for name in grid.columns)
        or tuple(map(model_heading, models)),
        rows=tuple(
            Row(
                name=row.name,
                cells=tuple(Cell(text=c.text, small="" if brief else c.small) for c in row.cells),
            )
            for row in grid.rows
        ),
    )


def model_notes(model: ModelFigures) -> tuple[Note, ...]:
    """Say of a model what its figures have to be read with."""
    card = (Note(text=words.clean(model.card)),) if model.card else ()
    return (*card, *(Note(text=text, kind="warning") for text in phrases.notes(model)))
