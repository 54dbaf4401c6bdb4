"""Forms that a foretold figure takes, and how figures are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isclose
from typing import Protocol


class Expectation(Protocol):
    """What a figure must be; its text is what a table shows."""

    def holds(self, measured: object) -> bool:
        """Say whether a measured figure is as expected."""


@dataclass(frozen=True)
class Exactly:
    """One value and no other."""

    value: object

    def __str__(self) -> str:
        return shown(self.value)

    def holds(self, measured: object) -> bool:
        """Compare for equality; 0 and "not reported" are not the same."""
        return measured == self.value


@dataclass(frozen=True)
class AtLeast:
    """A collection that holds these values, and maybe more."""

    values: tuple[object, ...]

    def __str__(self) -> str:
        return f"{shown(self.values)}, …"

    def holds(self, measured: object) -> bool:
        """Look for every value."""
        return isinstance(measured, Collection) and set(self.values) <= set(measured)


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{shown(self.low)} to {shown(self.high)}"

    def holds(self, measured: object) -> bool:
        """Compare with both ends."""
        return isinstance(measured, int | float) and self.low <= measured <= self.high


@dataclass(frozen=True, kw_only=True)
class Near:
    """A number whose ratio to `value` is from 1 - `below` to 1 + `above`."""

    value: float
    below: float
    above: float

    def __str__(self) -> str:
        return f"{shown(self.value)} (-{self.below:.0%}, +{self.above:.0%})"

    def holds(self, measured: object) -> bool:
        """Compare the ratio with its bounds; 0 is near 0 alone."""
        low, high = self.value * (1 - self.below), self.value * (1 + self.above)
        return isinstance(measured, int | float) and low <= measured <= high


@dataclass(frozen=True)
class Computed:
    """A number that must be this but for the last digits of binary fractions."""

    value: float

    def __str__(self) -> str:
        return shown(self.value)

    def holds(self, measured: object) -> bool:
        """Compare to nine digits."""
        return isinstance(measured, int | float) and isclose(measured, self.value, rel_tol=1e-9)


def shown(value: object) -> str:
    """Write a figure for people."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(value[key])}" for key in sorted(value)) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(shown, value)) or "none"
    return str(value)
