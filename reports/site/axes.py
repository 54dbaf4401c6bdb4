"""Scales of charts: numbers -> places, and the marks that a reader counts by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDE: Final = 12.0
"""Largest / smallest value from which on an axis counts in powers."""
STEPS: Final = (1.0, 2.0, 5.0, 10.0)
ROUND: Final = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,), ())
"""What a power of ten is parted by, the finest first."""
MARKS: Final = 5


@dataclass(frozen=True)
class Mark:
    """One mark of an axis."""

    at: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A scale from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    powers: bool = False
    """It counts in powers of ten."""

    def at(self, value: float) -> float:
        """Place a value; one beyond the ends stands at the end."""
        inside = min(max(value, self.low), self.high)
        low, high, place = (self._bent(v) for v in (self.low, self.high, inside))
        return self.start + (self.end - self.start) * (place - low) / (high - low)

    def marks(self, text: Callable[[float], str]) -> tuple[Mark, ...]:
        """Choose round values between the ends."""
        values = self._powers() if self.powers else self._rounds()
        return tuple(Mark(place(self.at(value)), text(value)) for value in values)

    def _bent(self, value: float) -> float:
        return math.log10(value) if self.powers else value

    def _rounds(self) -> list[float]:
        rough = (self.high - self.low) / MARKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(s for s in STEPS if s * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _powers(self) -> list[float]:
        lowest, highest = (math.floor(math.log10(v)) for v in (self.low, self.high))
        choices = (
            [
                s * 10.0**p
                for p in range(lowest, highest + 1)
                for s in steps
                if self._holds(s * 10.0**p)
            ]
            for steps in ROUND
        )
        return next((marks for marks in choices if len(marks) <= MARKS), [])

    def _holds(self, value: float) -> bool:
        return self.low * 0.999 <= value <= self.high * 1.001


def axis(values: Sequence[float], *, start: float, end: float) -> Axis:
    """Choose a scale that holds all values, of which there is one: in powers when they lie wide."""
    low, high = min(values), max(values)
    if low > 0 and high > WIDE * low:
        return Axis(low=low / 1.25, high=high * 1.25, start=start, end=end, powers=True)
    return Axis(low=0.0, high=high * 1.08 or 1.0, start=start, end=end)


def place(value: float) -> str:
    """Print a coordinate."""
    return f"{value:.1f}".removesuffix(".0")


def cut(name: str, longest: int) -> str:
    """Shorten a name for which there is little room."""
    return name if len(name) <= longest else f"{name[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
