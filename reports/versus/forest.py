"""Where dots and whiskers stand: differences on a straight scale, ratios on a logarithmic one."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import TYPE_CHECKING, Final

from reports.versus.amounts import MINUS
from reports.versus.tables import Mark, Scale
from testbed.stats import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.versus.tables import Table

WIDEST: Final = 10
"""Powers of two that the scale of ratios reaches at most; what lies beyond stands at its end."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One label of the scale; places are in percent of its width."""

    at: str
    text: str
    anchor: str
    """The end labels stay within the scale: `start`, `middle` or `end`."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One row's mark."""

    at: str
    whisker: tuple[str, str] | None
    pooled: bool


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What a table draws beside its rows."""

    ticks: tuple[Tick, ...]
    dots: tuple[Dot | None, ...]
    """One per row."""
    margin: str | None
    """Where the margin of "not worse" stands."""


def plot(table: Table, *, margin: float) -> Plot:
    """Lay out the marks of a table that has a scale."""
    marks = [row.mark for row in table.rows]
    if table.scale is Scale.POINTS:
        ends = ((-1.0, f"{MINUS}100"), (0.0, "0"), (1.0, "+100 points"))
        return _plot(marks, ends, reach=1.0, margin=_at(-margin, 1.0))
    reach = _reach(marks)
    times = 2**reach
    less, more = ("half", "twice") if times == 2 else (f"1/{times}", f"{times} times")  # noqa: PLR2004
    ends = ((-reach, less), (0.0, "the same"), (reach, more))
    return _plot([_logarithmic(mark) for mark in marks], ends, reach=reach, margin=None)


def _plot(
    marks: Sequence[Mark | None],
    labels: Sequence[tuple[float, str]],
    *,
    reach: float,
    margin: str | None,
) -> Plot:
    anchors = ("start", "middle", "end")
    return Plot(
        ticks=tuple(
            Tick(at=_at(value, reach), text=text, anchor=anchor)
            for (value, text), anchor in zip(labels, anchors, strict=True)
        ),
        dots=tuple(_dot(mark, reach) if mark else None for mark in marks),
        margin=margin,
    )


def _dot(mark: Mark, reach: float) -> Dot:
    found = mark.interval
    return Dot(
        at=_at(mark.value, reach),
        whisker=(_at(found.low, reach), _at(found.high, reach)) if found else None,
        pooled=mark.pooled,
    )


def _at(value: float, reach: float) -> str:
    return f"{50 + 50 * max(-1.0, min(1.0, value / reach)):.2f}%"


def _reach(marks: Sequence[Mark | None]) -> int:
    """Choose the smallest power of two that holds every dot and whisker."""
    ends = [
        abs(log2(end))
        for mark in marks
        if mark
        for end in (mark.value, *((mark.interval.low, mark.interval.high) if mark.interval else ()))
        if end > 0
    ]
    return min(max(1, ceil(max(ends, default=1.0) - 1e-9)), WIDEST)


def _logarithmic(mark: Mark | None) -> Mark | None:
    if mark is None:
        return None
    found = mark.interval
    return Mark(
        value=_log(mark.value),
        interval=Interval(low=_log(found.low), high=_log(found.high)) if found else None,
        pooled=mark.pooled,
    )


def _log(ratio: float) -> float:
    return log2(ratio) if ratio > 0 else -float(WIDEST)
