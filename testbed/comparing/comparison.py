"""The shapes of a comparison of a candidate B with a baseline A: frozen, `None` is "unknown".

Rates and differences of rates are fractions of 1; differences and ratios are always B against A.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from testbed.comparing.paired import Difference, Ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.figures import Counts, ModelFigures
    from testbed.stats import Tally

__all__ = [
    "Comparison",
    "Contest",
    "Difference",
    "Direction",
    "FigurePair",
    "KindPair",
    "Outcome",
    "Ratio",
    "ScenarioPair",
    "Settling",
    "Severity",
    "Side",
    "Unlike",
]


class Outcome(StrEnum):
    """What the paired interval of the pass rates says."""

    BETTER = "better"
    """It lies above 0."""
    WORSE = "worse"
    """It lies below 0."""
    NOT_WORSE = "not_worse"
    """It holds 0, and lies above minus the margin."""
    INCONCLUSIVE = "inconclusive"


class Direction(StrEnum):
    """Which way a figure is good."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Severity(StrEnum):
    """What a difference between the conditions of two runs does to their comparison."""

    REFUSED = "refused"
    """It changes results: only `--across` compares all the same."""
    LISTED = "listed"
    """It is said, and no more."""


@dataclass(frozen=True, kw_only=True)
class ScenarioPair:
    """Both models at one scenario."""

    scenario: str
    title: str
    kind: str
    a: Tally | None
    """Its valid trials; `None` without one."""
    b: Tally | None
    planned: int
    """Trials that were planned of each, the fewer where the two differ."""
    fisher_p: float | None
    """Fisher's exact test of both tallies, two-sided, Holm over the scenarios."""

    @property
    def gain(self) -> float | None:
        """Give the difference of the two rates."""
        return None if self.a is None or self.b is None else self.b.rate - self.a.rate


@dataclass(frozen=True, kw_only=True)
class KindPair:
    """Both models on the scenarios of one kind."""

    kind: str
    scenarios: int
    """Those that both models have a valid trial of."""
    a: float
    b: float
    difference: Difference


@dataclass(frozen=True, kw_only=True)
class FigurePair:
    """One figure of both models, and whether it tells them apart."""

    id: str
    """Names the figure, e.g. `pass_1`, `tool_call_accuracy`, `cost_per_trial`."""
    direction: Direction
    a: float | None
    """The headline figure, as the leaderboard has it."""
    b: float | None
    difference: Difference | None
    """Of the means per scenario; `None` for a figure that is compared as a ratio."""
    ratio: Ratio | None
    """Of the means per scenario, for money and times."""

    @property
    def winner(self) -> str | None:
        """Name the better one, `a` or `b`; `None` when the interval does not tell."""
        if self.direction is Direction.NEITHER:
            return None
        found, even = (
            (self.ratio.interval, 1.0)
            if self.ratio
            else (self.difference.interval if self.difference else None, 0.0)
        )
        if found is None or found.low <= even <= found.high:
            return None
        return "b" if (found.low > even) is (self.direction is Direction.HIGHER) else "a"


@dataclass(frozen=True, kw_only=True)
class Settling:
    """What would settle an inconclusive result, were the difference as seen; `None`: nothing."""

    repeats: int | None
    """Repeats per scenario and model, with the scenarios as they are."""
    scenarios: int | None
    """Scenarios, with the repeats as they are."""


@dataclass(frozen=True, kw_only=True)
class Unlike:
    """One condition that differs between the two sides."""

    condition: str
    a: str
    """Empty: it was not recorded."""
    b: str
    severity: Severity


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two models."""

    model: str
    scripted: bool
    runs: tuple[str, ...]
    """Ids of the runs that its trials come from."""
    counts: Counts
    figures: ModelFigures


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A candidate B against a baseline A, over the scenarios that both have a valid trial of."""

    a: Side
    b: Side
    scenarios: tuple[ScenarioPair, ...]
    """Every scenario of either side, in the order of the plan; unpaired ones are in no estimate."""
    paired: int
    """Scenarios that the estimates rest on."""
    rate_a: float | None
    """pass@1 over the paired scenarios."""
    rate_b: float | None
    tasks: Difference | None
    """Tasks like these: over scenarios as a sample. The headline."""
    suite: Difference | None
    """This very suite: over repeats alone. The gate."""
    sign_flip_p: float | None
    """Exact, for at most 12 scenarios."""
    mcnemar_p: float | None
    """Mid-p, when both made one trial of every paired scenario."""
    bounds: Difference | None
    """The headline with every ungraded trial of B failed and every one of A passed: the worst case
    for B; `None` when no trial is ungraded."""
    holm_p: float | None
    """The headline's p, corrected for several candidates; `None` with one."""
    margin: float
    outcome: Outcome
    """By `tasks`; with several candidates `better` and `worse` also need `holm_p` below 0.05."""
    up: tuple[str, ...]
    """Scenarios where B passes more often."""
    down: tuple[str, ...]
    kinds: tuple[KindPair, ...]
    figures: tuple[FigurePair, ...]
    detectable: float | None
    """Minimal detectable effect at 80 % power of this plan with these variances."""
    settling: Settling | None
    """`None` unless inconclusive."""
    unlike: tuple[Unlike, ...]
    notes: tuple[str, ...] = ()
    """What puts the comparison in doubt, in plain sentences."""

    def figure(self, id: str) -> FigurePair | None:  # noqa: A002  (the figure's own word)
        """Find a figure by its id."""
        return next((figure for figure in self.figures if figure.id == id), None)


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Several models on the same scenarios: each candidate against the baseline, and the ranks."""

    baseline: str
    comparisons: tuple[Comparison, ...]
    """One per candidate, in the leaderboard's order."""
    ranks: Mapping[str, int]
    """Model -> rank from 1; models whose paired interval holds 0 share one."""
