"""What the two sides of a comparison are called, so that nobody takes one for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import words

if TYPE_CHECKING:
    from testbed.comparing.comparison import Comparison, Side


def side_names(comparison: Comparison) -> tuple[str, str]:
    """Name the baseline and the candidate: clean text, and never the same for both."""
    a, b = comparison.a, comparison.b
    if words.clean(a.model) != words.clean(b.model):
        return _name(a), _name(b)
    if a.runs != b.runs:
        return _of_runs(a), _of_runs(b)
    return f"{_name(a)}, baseline", f"{_name(b)}, candidate"


def _name(side: Side) -> str:
    return words.player(side.model, scripted=side.scripted)


def _of_runs(side: Side) -> str:
    return f"{_name(side)} in {', '.join(map(words.clean, side.runs)) or 'no run'}"
