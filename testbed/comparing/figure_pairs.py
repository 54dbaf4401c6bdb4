"""Every figure of two models side by side, and whether the scenarios tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from statistics import fmean
from typing import TYPE_CHECKING, Final

from testbed.comparing.comparison import Direction, FigurePair
from testbed.comparing.paired import cost_per_solved_ratio, geometric_ratio, mean_difference
from testbed.quality_figures import MEASURES
from testbed.records import Verdict
from testbed.stats import pass_all_k, pass_at_k
from testbed.sums import known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from testbed.comparing.comparison import Difference, Ratio
    from testbed.comparing.halves import Half
    from testbed.figures import CellFigures, Measures, ModelFigures
    from testbed.records import Trial
    from testbed.sums import Mean, Total


class _Scale(Enum):
    """How a figure is compared."""

    SHARE = auto()
    """By its difference, which is at most 1."""
    AMOUNT = auto()
    """By its difference."""
    RATIO = auto()
    """By its ratio: money, times and tokens differ by factors from scenario to scenario."""


@dataclass(frozen=True)
class _Figure:
    """One figure: of all trials as the leaderboard has it, and of the trials of one scenario."""

    id: str
    direction: Direction
    scale: _Scale
    whole: Callable[[ModelFigures, Sequence[Trial]], float | None]
    part: Callable[[CellFigures, Sequence[Trial]], float | None]
    """Never asked without a valid trial."""


_HIGH, _LOW, _NEITHER = Direction.HIGHER, Direction.LOWER, Direction.NEITHER


def _measured(
    id_: str, direction: Direction, scale: _Scale, value: Callable[[Measures], float | None]
) -> _Figure:
    """Compare a figure that is the same function of all trials and of those of a scenario."""
    return _Figure(
        id_, direction, scale, lambda m, _: value(m.measures), lambda c, _: value(c.measures)
    )


def _averaged(
    id_: str, direction: Direction, scale: _Scale, value: Callable[[Trial], float | None]
) -> _Figure:
    """Compare the mean of a figure that every trial has; one unknown makes the mean unknown."""
    return _Figure(
        id_,
        direction,
        scale,
        lambda _, trials: _mean([value(t) for t in trials]),
        lambda _, trials: _mean([value(t) for t in trials]),
    )


def _first(
    id_: str,
    rate: Callable[[ModelFigures], float | None],
    fact: Callable[[Trial], bool | None],
    kind: str = "",
) -> _Figure:
    """Compare a share of the scenarios' first valid trials [those of one kind]."""
    return _Figure(
        id_,
        _HIGH,
        _Scale.SHARE,
        lambda m, _: rate(m),
        lambda _, trials: None if kind not in ("", trials[0].kind) else _as_share(fact(trials[0])),
    )


def _passed(trial: Trial) -> bool:
    return trial.verdict is Verdict.PASS


FIRSTS: Final = (
    _Figure(
        "single_prompt",
        _HIGH,
        _Scale.SHARE,
        lambda m, _: m.single_prompt.rate,
        lambda c, _: _as_share(c.first_passed),
    ),
    _first("bug_detection", lambda m: m.bug_detection.rate, _passed, "bug"),
    _first("localisation", lambda m: m.localisation.rate, lambda t: t.localised, "bug"),
    _first(
        "adherence",
        lambda m: m.adherence.rate,
        lambda t: None if t.violations is None else not t.violations,
    ),
)
CALLS: Final = (
    _measured("tool_call_accuracy", _HIGH, _Scale.SHARE, lambda m: m.tool_calls.micro),
    _measured(
        "tool_call_accuracy_per_trial", _HIGH, _Scale.SHARE, lambda m: m.tool_calls.macro.value
    ),
    _measured("schema_accuracy", _HIGH, _Scale.SHARE, lambda m: m.tool_calls.schema.rate),
    _measured("unused_per_trial", _LOW, _Scale.AMOUNT, lambda m: m.unused.per_trial.value),
    _measured("trials_with_unused", _LOW, _Scale.SHARE, lambda m: m.unused.trials_with.rate),
    _averaged("turns", _NEITHER, _Scale.AMOUNT, lambda t: t.turns),
    _averaged("tool_calls_per_trial", _NEITHER, _Scale.AMOUNT, lambda t: t.funnel.emitted),
)
TIMES: Final = (
    _measured("response", _LOW, _Scale.RATIO, lambda m: m.times.response.median),
    _measured("ttft", _LOW, _Scale.RATIO, lambda m: m.times.ttft.median),
    _measured("ttfo", _LOW, _Scale.RATIO, lambda m: m.times.ttfo.median),
    _measured("output_speed", _HIGH, _Scale.RATIO, lambda m: m.times.output_speed.median),
    _measured("wall", _LOW, _Scale.RATIO, lambda m: m.times.wall.median),
    _measured("rate_limits", _LOW, _Scale.AMOUNT, lambda m: m.waits.per_100_requests),
    _measured("waited_per_try", _LOW, _Scale.AMOUNT, lambda m: _each(m.waits.seconds)),
    _measured("waited_share", _LOW, _Scale.SHARE, lambda m: m.waits.share_of_wall),
)
TOKENS: Final = (
    _averaged("tokens_input", _LOW, _Scale.RATIO, lambda t: t.usage.read if t.usage else None),
    _averaged("tokens_output", _LOW, _Scale.RATIO, lambda t: t.usage.output if t.usage else None),
)
MONEY: Final = (
    _Figure(
        "cost_per_trial",
        _LOW,
        _Scale.RATIO,
        lambda m, _: m.measures.cost.per_trial.value,
        lambda c, _: _whole(c.measures.cost.per_trial),
    ),
)
HARM: Final = (
    _measured("failed_harmlessly", _HIGH, _Scale.SHARE, lambda m: m.harms.harmless.rate),
)
WANTED_LOW: Final = {
    "longest_function",
    "most_complex_function",
    "single_letter_names",
    "deepest_nesting",
    "duplicated_lines",
    "type_escapes",
    "unused_exports",
    "lint_findings",
}
"""Measures of which less is better, other things equal; of the others nobody can say."""


def _quality(name: str) -> _Figure:
    return _Figure(
        f"quality_{name}",
        _LOW if name in WANTED_LOW else _NEITHER,
        _Scale.SHARE if name == "comment_share" else _Scale.AMOUNT,
        lambda m, _: m.quality.measures[name].own.value,
        lambda _, trials: _known_mean([getattr(t.quality, name, None) for t in trials]),
    )


FIGURES: Final = (
    *(*FIRSTS, *CALLS, *TIMES, *TOKENS, *MONEY, *HARM),
    *map(_quality, MEASURES),
)


def figure_pairs(
    a: Half, b: Half, paired: Sequence[str], tasks: Difference | None
) -> Iterator[FigurePair]:
    """Pair every figure, by its values at the scenarios that both have a valid trial of.

    `tasks` is the headline's own difference, which is that of pass@1.
    """
    yield _pass_1(a, b, tasks)
    yield from _several(a, b, paired)
    for figure in FIGURES:
        yield _pair(figure, a, b, paired)
    yield _per_solved(a, b, paired)


def _pass_1(a: Half, b: Half, tasks: Difference | None) -> FigurePair:
    rates = [half.figures.pass_1.left_out for half in (a, b)]
    left, right = (rate.value if rate else None for rate in rates)
    return FigurePair(id="pass_1", direction=_HIGH, a=left, b=right, difference=tasks, ratio=None)


def _several(a: Half, b: Half, paired: Sequence[str]) -> Iterator[FigurePair]:
    """Pair pass@k and pass^k at the largest k that both have of every scenario."""
    k = min((max(half.figures.pass_at, default=0) for half in (a, b)), default=0)
    for id_, estimate in (("pass_at_k", pass_at_k), ("pass_all_k", pass_all_k)):
        left, right = ([estimate([half.tallies[s]], k) for s in paired] for half in (a, b))
        whole = (
            half.figures.pass_at if id_ == "pass_at_k" else half.figures.pass_all for half in (a, b)
        )
        of_a, of_b = (rates.get(k) for rates in whole)
        yield FigurePair(
            id=id_,
            direction=_HIGH,
            a=of_a,
            b=of_b,
            difference=mean_difference(left, right, most=1.0),
            ratio=None,
        )


def _pair(figure: _Figure, a: Half, b: Half, paired: Sequence[str]) -> FigurePair:
    left, right = ([figure.part(half.cells[s], half.valid[s]) for s in paired] for half in (a, b))
    ratio = figure.scale is _Scale.RATIO
    most = 1.0 if figure.scale is _Scale.SHARE else float("inf")
    return FigurePair(
        id=figure.id,
        direction=figure.direction,
        a=figure.whole(a.figures, _all(a)),
        b=figure.whole(b.figures, _all(b)),
        difference=None if ratio else mean_difference(left, right, most=most),
        ratio=geometric_ratio(left, right) if ratio else None,
    )


def _per_solved(a: Half, b: Half, paired: Sequence[str]) -> FigurePair:
    totals = [half.figures.measures.cost.per_solved for half in (a, b)]
    left, right = (total.value if total else None for total in totals)
    return FigurePair(
        id="cost_per_solved",
        direction=_LOW,
        a=left,
        b=right,
        difference=None,
        ratio=cost_ratio(a, b, paired),
    )


def cost_ratio(a: Half, b: Half, paired: Sequence[str]) -> Ratio:
    """Compare the cost per solved task over these scenarios."""
    costs_a, costs_b = (
        [half.cells[s].measures.cost.counted.value for s in paired] for half in (a, b)
    )
    solved_a, solved_b = ([half.cells[s].passes for s in paired] for half in (a, b))
    return cost_per_solved_ratio(costs_a, costs_b, solved_a, solved_b)


def _all(half: Half) -> list[Trial]:
    return [trial for trials in half.valid.values() for trial in trials]


def _mean(values: Sequence[float | None]) -> float | None:
    found = known(values)
    return fmean(found) if found and len(found) == len(values) else None


def _known_mean(values: Sequence[float | None]) -> float | None:
    found = known(values)
    return fmean(found) if found else None


def _as_share(fact: bool | None) -> float | None:  # noqa: FBT001  (a fact, not an option)
    return None if fact is None else float(fact)


def _each(total: Total) -> float | None:
    return None if total.value is None else total.value / total.of


def _whole(mean: Mean) -> float | None:
    """Take a mean of all trials; what some of them cost says little about the others."""
    return mean.value if mean.known == mean.of else None
