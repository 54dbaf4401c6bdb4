"""The shapes of the figures: frozen, `None` is "not reported", coverage beside every sum.

Shares and rates are fractions of 1, times are seconds, money is US dollars.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Self, TypeVar

from testbed.records import Stage
from testbed.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.records import Funnel
    from testbed.stats import Interval, RateEstimate

T = TypeVar("T", bool, float)


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
        known = _known(facts)
        rate = sum(known) / len(known) if known else None
        return cls(hits=sum(known), known=len(known), of=len(facts), rate=rate)


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
        known = _known(parts)
        part = sum(known) if known else None
        value = part if len(known) == len(parts) else None
        return cls(value=value, known_part=part, known=len(known), of=len(parts))

    def divided(self, by: int) -> Total:
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

    @classmethod
    def over(cls, values: Sequence[float | None]) -> Self:
        """Average the values that are known."""
        known = _known(values)
        return cls(value=fmean(known) if known else None, known=len(known), of=len(values))


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
        known = _known(values)
        median, p90 = quantiles(known, 0.5, 0.9)
        return cls(median=median, p90=p90, known=len(known), of=len(values))


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

    @classmethod
    def over(cls, funnels: Sequence[Funnel]) -> Self:
        """Pour the trials' funnels together."""
        stages, causes = _summed([f.stages for f in funnels]), _summed([f.causes for f in funnels])
        emitted, executable = sum(f.emitted for f in funnels), sum(f.executable for f in funnels)
        order = list(Stage)
        return cls(
            emitted=emitted,
            executable=executable,
            micro=executable / emitted if emitted else None,
            macro=Mean.over([f.executable / f.emitted if f.emitted else None for f in funnels]),
            reached={s: sum(stages[later] for later in order[i:]) for i, s in enumerate(order)},
            causes=dict(causes.most_common()),
        )


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
class Cost:
    """US dollars."""

    counted: Total
    """The valid trials."""
    all_tries: Total
    """The valid trials and every ungraded or spoiled try."""
    per_trial: Mean
    per_solved: Total | None
    """Cost of all valid trials / those that passed; `None` when none passed."""


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


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What a set of trials did, beside whether it passed."""

    tool_calls: ToolCalls
    unused: Unused
    tokens: Tokens
    cost: Cost
    times: Times
    waits: Waits
    endings: Mapping[str, int]
    """Ending -> trials, ungraded ones included."""
    verdicts: Mapping[str, int]
    spoiled_by: Mapping[str, int]
    """Origin of the failure -> ungraded tries, those that were run again included."""


@dataclass(frozen=True, kw_only=True)
class ModelFigures:
    """One model over the whole run."""

    model: str
    scripted: bool
    card: str
    counts: Counts
    single_prompt: Share
    pass_1: PassRate
    pass_at: Mapping[int, float]
    """k -> pass@k, for k up to the fewest valid trials of a scenario."""
    pass_all: Mapping[int, float]
    """k -> pass^k, likewise."""
    bug_detection: Share
    localisation: Share
    adherence: Share
    measures: Measures


@dataclass(frozen=True, kw_only=True)
class CellFigures:
    """One model on one scenario."""

    model: str
    scenario: str
    counts: Counts
    passes: int
    first_passed: bool | None
    """Whether the first valid trial passed; `None` without one."""
    measures: Measures


@dataclass(frozen=True, kw_only=True)
class RunFigures:
    """Every figure of a run, in the order of its plan."""

    models: tuple[ModelFigures, ...]
    cells: tuple[CellFigures, ...]


def _known(values: Sequence[T | None]) -> list[T]:
    return [value for value in values if value is not None]


def _summed(counts: Sequence[Mapping[str, int]]) -> Counter[str]:
    total = Counter[str]()
    for count in counts:
        for word, times in count.items():
            total[word] += times
    return total
