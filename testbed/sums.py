"""Shares, sums, means and quantiles that know how much of them is known.

`None` is "not reported". Each gives the same value whatever the order of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from statistics import fmean
from typing import TYPE_CHECKING, Self, TypeVar

from testbed.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T", bool, int, float)


@dataclass(frozen=True, kw_only=True)
class Share:
    """`hits` of the `known` ones, among `of`."""

    hits: int
    known: int
    of: int
    rate: float | None
    """hits / known."""

    @classmethod
    def over(cls, facts: Sequence[bool | None]) -> Self:
        """Count what is true; `None` is a fact that nobody knows."""
        found = known(facts)
        return cls.counted(sum(found), len(found), of=len(facts))

    @classmethod
    def counted(cls, hits: int, known: int, *, of: int | None = None) -> Self:
        """Take what was counted elsewhere; all of it is known unless `of` says more."""
        rate = hits / known if known else None
        return cls(hits=hits, known=known, of=known if of is None else of, rate=rate)


@dataclass(frozen=True, kw_only=True)
class Total:
    """A sum that is unknown as soon as a part is."""

    value: float | None
    known_part: float | None
    """The sum of the known parts: a lower bound; `None` when no part is known."""
    known: int
    of: int

    @classmethod
    def over(cls, parts: Sequence[float | None]) -> Self:
        """Add up; nothing to add is unknown, not zero."""
        found = known(parts)
        part = exact_sum(found) if found else None
        value = part if len(found) == len(parts) else None
        return cls(value=value, known_part=part, known=len(found), of=len(parts))

    def divided(self, by: float) -> Total:
        """Share it out among `by`, which is not zero."""
        return Total(
            value=None if self.value is None else self.value / by,
            known_part=None if self.known_part is None else self.known_part / by,
            known=self.known,
            of=self.of,
        )


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean of the `known` ones among `of`."""

    value: float | None
    known: int
    of: int

    @property
    def whole(self) -> float | None:
        """Give the mean where all is known: what it is ranked and drawn by."""
        return self.value if self.known == self.of else None

    @classmethod
    def over(cls, values: Sequence[float | None]) -> Self:
        """Average the values that are known."""
        found = known(values)
        return cls(value=fmean(found) if found else None, known=len(found), of=len(values))


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Median and 90th percentile of the `known` ones among `of`."""

    median: float | None
    p90: float | None
    known: int
    of: int

    @classmethod
    def over(cls, values: Sequence[float | None]) -> Self:
        """Take the quantiles of the values that are known."""
        found = known(values)
        median, p90 = quantiles(found, 0.5, 0.9)
        return cls(median=median, p90=p90, known=len(found), of=len(values))


def known(values: Sequence[T | None]) -> list[T]:
    """Leave out what is not reported."""
    return [value for value in values if value is not None]


def exact_sum(parts: Sequence[float]) -> float:
    """Add without rounding on the way: counts stay whole, dollars do not depend on order."""
    return sum(parts) if all(isinstance(p, int) for p in parts) else fsum(parts)
