"""The one form of every table of a comparison: clean text, for all outputs alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testbed.stats import Interval


class Scale(StrEnum):
    """What a row's mark is drawn on."""

    POINTS = "points"
    """Differences of rates, from -1 to +1."""
    RATIO = "ratio"
    """Ratios, by their logarithm."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a page draws beside a row: a dot, and its 95 % interval where there is one."""

    value: float
    interval: Interval | None = None
    pooled: bool = False
    """It stands for all rows."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell; its text is clean, not escaped."""

    text: str
    small: str = ""
    """What stands below it."""
    winner: bool = False
    """It is the better one of the row, and told apart."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: its name, and its cells in the order of the columns."""

    name: str
    cells: tuple[Cell, ...]
    small: str = ""
    definition: str = ""
    """Anchor of its meaning: `def-<definition>` in `templates/definitions.html`."""
    group: str = ""
    """What it belongs to; rows of a group stand together."""
    scenario: str = ""
    """The scenario that it is about: its id as it is, for a link."""
    mark: Mark | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a comparison."""

    id: str
    title: str
    caption: str
    columns: tuple[str, ...]
    """Headings, that of the rows first."""
    rows: tuple[Row, ...]
    definition: str = ""
    """Anchor of what all its rows mean, as a row has it."""
    scale: Scale | None = None
    """What the rows' marks are drawn on; `None`: nothing is drawn."""
    prose: bool = False
    """Its cells are words, not figures."""
