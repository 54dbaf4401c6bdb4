"""Everything that the pages of a site show, computed once from the runs' views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.comparison import Contest, Unlike
    from testbed.figures import ModelFigures, RunFigures
    from testbed.stats import RateEstimate, Tally
    from testbed.view import RunView


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run that the board is made of."""

    id: str
    created: str
    conditions: Mapping[str, str]
    rows: tuple[str, ...]
    """The models whose leaderboard row is this run's; none for a run of the past alone."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """One model in one run, for the history."""

    model: str
    run_id: str
    created: str
    rate: RateEstimate | None
    tallies: Mapping[str, Tally]
    """Scenario -> its valid trials."""
    unlike: tuple[Unlike, ...] = ()
    """How its conditions differ from those of the model's run before."""
    worse: tuple[str, ...] = ()
    """Scenarios that it passes less often than the model's run before."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """One scoreboard."""

    view: RunView
    """All runs seen as one: of a model in several runs, the latest counts."""
    figures: RunFigures
    models: tuple[ModelFigures, ...]
    """In the leaderboard's order."""
    contest: Contest | None
    """`None` with one model."""
    runs: tuple[RunRow, ...]
    """The oldest first."""
    history: tuple[Past, ...] = ()
    """By model in the leaderboard's order, the oldest first; empty when no model has two runs."""
    pictures: Mapping[tuple[str, str, int], tuple[str, ...]] = field(default_factory=dict)
    """Trial -> paths of its pictures below the site's folder, the animation last."""
