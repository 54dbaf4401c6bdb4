"""The shapes of the figures: frozen, `None` is "not reported", coverage beside every sum.

Shares and rates are fractions of 1, times are seconds, money is US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from testbed.stats import Tally, estimate_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.mark_figures import AgreementFigures, RaterFigures
    from testbed.quality_figures import OwnTestFigures, QualityFigures
    from testbed.stats import Interval, RateEstimate
    from testbed.sums import Mean, Share, Spread, Total


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The planned trials: planned = valid + ungraded + not_run."""

    planned: int
    valid: int
    ungraded: int
    not_run: int


@dataclass(frozen=True, kw_only=True)
class PassRate:
    """pass@1 with its two bounds; they are the same when every planned trial is valid."""

    left_out: RateEstimate | None
    """Trials without a verdict left out."""
    as_fail: RateEstimate | None
    """Trials without a verdict counted as failed."""
    interval: Interval | None
    """Spans the intervals of both bounds; `None` when one of them has none."""

    @classmethod
    def over(cls, cells: Sequence[tuple[int, int, int]]) -> Self:
        """Estimate from the passes, the trials that count and the planned ones per scenario."""
        return cls.between(
            estimate_rate([Tally(passes=p, trials=counted) for p, counted, _ in cells if counted]),
            estimate_rate([Tally(passes=p, trials=planned) for p, _, planned in cells]),
        )

    @classmethod
    def between(cls, left_out: RateEstimate | None, as_fail: RateEstimate | None) -> Self:
        """Span both: nobody knows how the trials without a verdict would have ended."""
        low = as_fail.interval if as_fail else None
        high = left_out.interval if left_out else None
        span = low.spanning(high) if low and high else None
        return cls(left_out=left_out, as_fail=as_fail, interval=span)


@dataclass(frozen=True, kw_only=True)
class ToolCalls:
    """The funnel of the calls that the valid trials emitted."""

    emitted: int
    executable: int
    micro: float | None
    """executable / emitted."""
    macro: Mean
    """The mean of the same per trial, over the trials that made a call."""
    reached: Mapping[str, int]
    """Stage -> calls that got at least so far, in the funnel's order."""
    causes: Mapping[str, int]
    """Why calls went no further, most frequent first."""
    causes_by_tool: Mapping[str, Mapping[str, int]]
    """Tool -> the same of its calls, by name."""
    schema: Share
    """Schema accuracy: replies whose every call is schema-valid, of those that end in calls."""


@dataclass(frozen=True, kw_only=True)
class Unused:
    """Unused names that patches introduced."""

    total: Total
    per_trial: Mean
    trials_with: Share


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens of the valid trials; `reasoning` is part of `output`, the others are disjoint."""

    fresh_input: Total
    cache_read: Total
    cache_write: Total
    output: Total
    reasoning: Total


@dataclass(frozen=True, kw_only=True)
class PriceCheck:
    """The price card against what the provider itself says, over every try."""

    reported: Total
    """What the provider says."""
    differing: Share
    """Tries whose two costs differ by more than 1 % of the reported one, where both are known."""
    ours: Total
    """What the price card says of the tries whose both costs are known."""
    theirs: Total
    """What the provider says of the same."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """US dollars. What a preflight spent is in none of them."""

    counted: Total
    """The valid trials."""
    all_tries: Total
    """The valid trials and every ungraded or spoiled try."""
    with_judges: Total
    """All tries, and every mark that a judge gave."""
    judges: Total
    """The judges' marks alone."""
    per_trial: Mean
    per_solved: Total | None
    """Cost of all valid trials / those that passed; `None` when none passed."""
    check: PriceCheck


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds per request (output speed: tokens per second); `wall` is per trial."""

    response: Spread
    ttft: Spread
    ttfo: Spread
    output_speed: Spread
    wall: Spread


@dataclass(frozen=True, kw_only=True)
class Waits:
    """What quotas cost, over every try."""

    requests: int
    rate_limited: int
    per_100_requests: float | None
    seconds: Total
    share_of_wall: float | None
    """Seconds waited / wall seconds, over the tries that know both."""
    quota: Mapping[str, str]
    """The limits that response headers told, by header, as last seen."""


@dataclass(frozen=True, kw_only=True)
class Harms:
    """What trials left behind, those that failed apart from those that passed all the same."""

    harmless: Share
    """Failed trials that left nothing harmful, of those that failed."""
    failed: Mapping[str, int]
    """Harm -> failed trials with it, most frequent first."""
    passed_harmless: Share
    """The same of the trials that passed."""
    passed: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What a set of trials did, beside whether it passed."""

    tool_calls: ToolCalls
    unused: Unused
    tokens: Tokens
    cost: Cost
    times: Times
    waits: Waits
    harms: Harms
    served: Mapping[str, int]
    """What the endpoint called the model it served -> tries, most frequent first."""
    endings: Mapping[str, int]
    """Ending -> trials, ungraded ones included."""
    verdicts: Mapping[str, int]
    spoiled_by: Mapping[str, int]
    """Origin of the failure -> ungraded tries, those that were run again included."""


@dataclass(frozen=True, kw_only=True)
class KindFigures:
    """One model on the scenarios of one kind."""

    scenarios: int
    counts: Counts
    single_prompt: Share
    pass_1: PassRate
    tool_calls: ToolCalls
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class PromptFigures:
    """How many prompts it took, in a run with follow-ups."""

    follow_ups: int
    """How many could follow the first prompt."""
    solved_by: Mapping[int, PassRate]
    """Prompts -> trials solved by then, as a mean over scenarios."""
    solved: Share
    """Trials that were solved at all, of those whose prompts were recorded, among the planned."""
    prompts: Spread
    """Prompts of the solved trials."""


@dataclass(frozen=True, kw_only=True)
class PreflightFigures:
    """What the endpoint was last found to do before trials, and what asking it has cost."""

    failed: tuple[str, ...]
    """Probes not passed; the preflight is red when there is one."""
    outcomes: Mapping[str, str]
    """Probe -> outcome, in the order of asking."""
    details: Mapping[str, str]
    served: tuple[str, ...]
    times: int
    """Preflights in all; the sums below are over them, and in no figure of the trials."""
    requests: int
    seconds: float
    cost: Total


@dataclass(frozen=True, kw_only=True)
class ModelFigures:
    """One model over the whole run."""

    model: str
    scripted: bool
    card: str
    asked: str
    """Id of the model that the card asks the endpoint for; empty for a player."""
    counts: Counts
    single_prompt: Share
    """Unknown throughout in a run with follow-ups: see `prompts`."""
    pass_1: PassRate
    pass_at: Mapping[int, float]
    """k -> pass@k, for k up to the fewest valid trials of a scenario."""
    pass_all: Mapping[int, float]
    """k -> pass^k, likewise."""
    best_of_k: Share
    """Scenarios whose best valid trial passed."""
    bug_detection: Share
    localisation: Share
    adherence: Share
    cost_per_scenario: Mean
    """The cost of a scenario's valid trials together, mean over scenarios."""
    cost_per_point: Total | None
    """Cost of all valid trials / percentage points of pass@1; `None` at 0 %."""
    measures: Measures
    kinds: Mapping[str, KindFigures]
    """Kind of scenario -> the model's figures on these, in the order of the plan."""
    quality: QualityFigures
    own_tests: OwnTestFigures
    raters: Mapping[str, RaterFigures]
    """Who gave marks -> the marks: opinions, never mixed with what was measured."""
    prompts: PromptFigures | None
    """`None` in a run without follow-ups."""
    preflight: PreflightFigures | None
    """`None` when the endpoint was not asked."""


@dataclass(frozen=True, kw_only=True)
class BestTrial:
    """The best valid trial at a scenario.

    Best is what passed, then has the fewest violations, the fewest unused names, the smallest
    diff, the lowest cost, the lowest index. An unknown is worse than any number.
    """

    repeat: int
    passed: bool
    violations: int | None
    unused: int | None
    changed_lines: int | None
    """Lines added and deleted."""
    cost_usd: float | None
    of: int
    """Valid trials it was chosen from."""


@dataclass(frozen=True, kw_only=True)
class CellFigures:
    """One model on one scenario."""

    model: str
    scenario: str
    counts: Counts
    passes: int
    first_passed: bool | None
    """Whether the first valid trial passed at one prompt; `None` without one, or when follow-ups
    were given.
    """
    best: BestTrial | None
    """`None` without a valid trial."""
    measures: Measures


@dataclass(frozen=True, kw_only=True)
class RunFigures:
    """Every figure of a run, in the order of its plan."""

    models: tuple[ModelFigures, ...]
    cells: tuple[CellFigures, ...]
    agreement: AgreementFigures
