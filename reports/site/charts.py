"""Charts as data: every place is computed here, a template draws it. Texts are clean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.axes import Axis, axis, cut, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reports.site.axes import Mark
    from testbed.figures import ModelFigures

WIDTH: Final = 480
LEFT, RIGHT, TOP, BOTTOM = 46, 468, 14, 284
"""Edges of the field that the dots lie in."""
LETTER: Final = 6.4
"""Width of a letter, about."""
LINE: Final = 13.0
LONGEST: Final = 26
NAMED: Final = 8
"""Up to so many dots are named."""
AROUND: Final = tuple(
    (side, drop)
    for drop in (4.0, -9.0, 17.0, -22.0, 30.0, -35.0, 43.0, 56.0, -48.0)
    for side in ("start", "end")
)
"""Where a label may stand about its dot: to the right or the left, so much lower; best first."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One model in a field."""

    name: str
    label: str
    """Its name, cut where it is long, or its number."""
    told: str
    """What it stands for, in words."""
    x: str
    y: str
    whisker: tuple[str, str] | None
    label_x: str
    label_y: str
    anchor: str
    kind: str
    """`front` when no other is both cheaper and better, else `other`; `scripted` for players."""


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """The pass rates of models over a figure that is better when it is lower."""

    id: str
    title: str
    caption: str
    x_label: str
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    dots: tuple[Dot, ...]
    front: str
    """Points of the line along the models that no other beats in both."""
    missing: tuple[str, ...]
    """Models without the figure."""
    numbered: bool
    """There is no room for names: labels are the dots' numbers."""


@dataclass(frozen=True)
class Spot:
    """A model before it is drawn."""

    model: ModelFigures
    x: float
    rate: float


@dataclass(frozen=True)
class Box:
    """What is taken up already."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Say whether two of them lie over each other."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def scatter(
    models: Sequence[ModelFigures],
    figure: Callable[[ModelFigures], float | None],
    text: Callable[[float | None], str],
    *,
    id: str,  # noqa: A002  (the element's own word)
    title: str,
    x_label: str,
) -> Scatter | None:
    """Draw the pass rates over a figure; `None` when no model has both."""
    spots = [
        Spot(model, x, model.pass_1.left_out.value)
        for model in models
        if (x := figure(model)) is not None and model.pass_1.left_out
    ]
    if not spots:
        return None
    across = axis([s.x for s in spots], start=LEFT, end=RIGHT)
    up = Axis(low=0.0, high=1.0, start=BOTTOM, end=TOP)
    best = pareto(spots)
    shown = {s.model.model for s in spots}
    return Scatter(
        id=id,
        title=title,
        caption="Up and to the left is better; whiskers are 95 % intervals of pass@1.",
        x_label=f"{x_label}{', in powers of ten' if across.powers else ''}",
        x_marks=across.marks(text),
        y_marks=up.marks(words.percent),
        dots=tuple(_dots(spots, best, across, up, text)),
        front=_stairs(best, across, up),
        missing=tuple(words.clean(m.model) for m in models if m.model not in shown),
        numbered=len(spots) > NAMED,
    )


def pareto(spots: Sequence[Spot]) -> list[Spot]:
    """Choose those that no other beats, the lowest figure first; players count among players."""
    rivals = [s for s in spots if not s.model.scripted] or list(spots)
    best: list[Spot] = []
    for spot in sorted(rivals, key=lambda s: (s.x, -s.rate)):
        level = best and spot.rate == best[-1].rate and spot.x == best[-1].x
        if not best or spot.rate > best[-1].rate or level:
            best.append(spot)
    return best


def _stairs(best: Sequence[Spot], across: Axis, up: Axis) -> str:
    """Climb from model to model: between two of them, nothing better is known than the first."""
    corners: list[tuple[float, float]] = []
    for spot in best:
        x, y = across.at(spot.x), up.at(spot.rate)
        corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
    if corners:
        corners.append((across.end, corners[-1][1]))
    return " ".join(f"{place(x)},{place(y)}" for x, y in corners)


def _dots(
    spots: Sequence[Spot],
    best: Sequence[Spot],
    across: Axis,
    up: Axis,
    text: Callable[[float | None], str],
) -> Iterable[Dot]:
    centres = [(across.at(s.x), up.at(s.rate)) for s in spots]
    taken = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in centres]
    for number, (spot, (x, y)) in enumerate(zip(spots, centres, strict=True), 1):
        model, rate = spot.model, spot.model.pass_1
        name = words.player(model.model, scripted=model.scripted)
        label = str(number) if len(spots) > NAMED else cut(words.clean(model.model), LONGEST)
        anchor, label_x, label_y = _room(label, x, y, taken)
        ends = (rate.interval.low, rate.interval.high) if rate.interval else None
        yield Dot(
            name=name,
            label=label,
            told=f"{name}: {words.rate(rate)}, {text(spot.x)}",
            x=place(x),
            y=place(y),
            whisker=(place(up.at(ends[0])), place(up.at(ends[1]))) if ends else None,
            label_x=place(label_x),
            label_y=place(label_y),
            anchor=anchor,
            kind="scripted" if model.scripted else "front" if spot in best else "other",
        )


def _room(label: str, x: float, y: float, taken: list[Box]) -> tuple[str, float, float]:
    """Find room for a label near its dot, and take it; the least crowded where none is free."""
    long = LETTER * len(label)
    choices: list[tuple[int, str, float, float, Box]] = []
    for anchor, drop in AROUND:
        label_x = x + 9 if anchor == "start" else x - 9
        left = label_x if anchor == "start" else label_x - long
        box = Box(left, y + drop - LINE + 3, left + long, y + drop + 3)
        outside = box.left < LEFT or box.right > WIDTH or box.top < 0 or box.bottom > BOTTOM
        crowd = sum(box.meets(other) for other in taken) + 9 * outside
        choices.append((crowd, anchor, label_x, y + drop, box))
    _, anchor, label_x, label_y, box = min(choices, key=lambda choice: choice[0])
    taken.append(box)
    return anchor, label_x, label_y
