"""Everything that the pages of a site show, computed once from the runs' views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.comparing.comparison import Contest, Unlike
    from testbed.figures import ModelFigures, PassRate, RunFigures
    from testbed.stats import Tally
    from testbed.view import Key, RunView

Baseline = Literal["seed", "reference"]


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
    rate: PassRate
    tallies: Mapping[str, Tally]
    """Scenario -> its valid trials."""
    unlike: tuple[Unlike, ...] = ()
    """How its conditions differ from those of the model's run before."""
    worse: tuple[str, ...] = ()
    """Scenarios that it passes less often than the model's run before."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One picture of what a tree became."""

    path: str
    """POSIX path below the site's folder, or a `data:` address; empty for one that is left out."""
    caption: str
    """The tour's own words; of a failure, in foreign words, the step that failed."""
    width: int
    """Pixels."""
    height: int
    failure: bool = False
    """Taken where the tour stopped, not where it wanted to."""
    moving: bool = False


@dataclass(frozen=True, kw_only=True)
class Album:
    """What one tour through one tree brought home."""

    shown: tuple[Shown, ...]
    """In the tour's order, the animation last."""
    stopped: str | None = None
    """Where and why the tour stopped, in foreign words; `None` when it came to its end."""

    @property
    def left_out(self) -> int:
        """Count the pictures that are left out for their size."""
        return sum(not one.path for one in self.shown)


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
    pictures: Mapping[Key, Album] = field(default_factory=dict)
    """Trial -> what can be seen of what it left."""
    baselines: Mapping[str, Mapping[Baseline, Album]] = field(default_factory=dict)
    """Scenario -> the same of the seeded tree and of the reference."""
