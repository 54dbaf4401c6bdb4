"""What every bench prints: a figure, what was measured, what it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its budget."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def held(self) -> bool:
        """Say whether the budget is held."""
        above = self.at_most is not None and self.value > self.at_most
        below = self.at_least is not None and self.value < self.at_least
        return not above and not below

    @property
    def budget(self) -> str:
        """Write the budget; a dash where there is none."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "-" if self.at_least is None else f"≥ {self.at_least:g}"


def show(title: str, figures: Iterable[Figure]) -> bool:
    """Print a table; return whether every budget is held."""
    figures = list(figures)
    width = max(len(figure.name) for figure in figures)
    print(f"\n{title}")
    for f in figures:
        mark = "" if f.held else "   OVER BUDGET"
        print(f"  {f.name:<{width}}  {f.value:>9.3g} {f.unit:<8} {f.budget:>9}{mark}")
    return all(figure.held for figure in figures)
