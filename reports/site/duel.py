"""Two trials of one scenario as data for their page: figures, checks that differ, one time axis."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import fsum
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.foreign import line
from reports.site.outcomes import check_name
from reports.site.waterfall import WIDTH
from testbed.comparing.comparison import Direction
from testbed.records import Verdict
from testbed.sums import Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reports.site.waterfall import Bar, Timeline
    from testbed.dossier import Dossier
    from testbed.records import Check, Trial

MOST_CHECKS: Final = 100
MOST_TURNS: Final = 120
"""Of each time line; later turns are left out."""
ROW: Final = 8
"""Height of a turn's bar with its gap, in pixels."""
_DETAIL_CHARS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of both trials."""

    name: str
    left: str
    right: str
    better: str
    """`left`, `right`, or empty: they are even, unknown, or neither way is better."""


@dataclass(frozen=True, kw_only=True)
class SplitCheck:
    """A check with another outcome on either side."""

    name: str
    place: str
    left: bool
    right: bool
    detail: str
    """What was found where it failed."""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """How the checks of both sides agree."""

    differ: tuple[SplitCheck, ...]
    more: int
    """Checks that differ and are not shown."""
    both_pass: int
    both_fail: int


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One side's turns on the axis that both share; places are percent of it."""

    bars: tuple[tuple[str, float, float, int, str], ...]
    """Kind, place, width, distance from the top in pixels, and what it is in words."""
    height: int
    told: str


def figures(left: Dossier, right: Dossier) -> tuple[Figure, ...]:
    """Lay the key figures of both trials beside each other."""
    return tuple(row.beside(left.trial, right.trial) for row in _ROWS)


@dataclass(frozen=True)
class _Row:
    """How a figure is read, printed and judged."""

    name: str
    read: Callable[[Trial], float | None]
    text: Callable[[float], str]
    direction: Direction
    effort: bool = field(default=False, kw_only=True)
    """Less of it is no merit in a trial that failed: told apart at the same verdict alone."""

    def beside(self, left: Trial, right: Trial) -> Figure:
        a, b = self.read(left), self.read(right)
        texts = [words.UNKNOWN if value is None else self.text(value) for value in (a, b)]
        # What is printed alike is even: nobody could see what was better.
        told = texts[0] != texts[1] and (not self.effort or left.verdict is right.verdict)
        better = self._better(a, b) if told and a is not None and b is not None else ""
        return Figure(name=self.name, left=texts[0], right=texts[1], better=better)

    def _better(self, left: float, right: float) -> str:
        if self.direction is Direction.NEITHER:
            return ""
        return "right" if (right > left) is (self.direction is Direction.HIGHER) else "left"


def _violations(trial: Trial) -> float | None:
    return None if trial.violations is None else len(trial.violations)


def _accuracy(trial: Trial) -> float | None:
    return trial.funnel.executable / trial.funnel.emitted if trial.funnel.emitted else None


def _changed(trial: Trial) -> float | None:
    return None if trial.patch is None else trial.patch.added + trial.patch.deleted


def _read(trial: Trial) -> float | None:
    return trial.usage.read if trial.usage else None


def _written(trial: Trial) -> float | None:
    return trial.usage.output if trial.usage else None


def _response(trial: Trial) -> float | None:
    return Spread.over([reply.response_s for reply in trial.latencies]).median


def _ttft(trial: Trial) -> float | None:
    return Spread.over([reply.ttft_s for reply in trial.latencies]).median


def _phase(name: str) -> Callable[[Trial], float | None]:
    return lambda trial: trial.phases.get(name)


_ROWS: Final = (
    _Row("constraints violated", _violations, words.count, Direction.LOWER),
    _Row("unused names", lambda t: t.unused, words.count, Direction.LOWER),
    _Row("changed lines", _changed, words.count, Direction.NEITHER),
    _Row("cost", lambda t: t.cost_usd, words.money, Direction.LOWER, effort=True),
    _Row("time at work", _phase("agent"), words.seconds, Direction.LOWER, effort=True),
    _Row("of it the model", _phase("model"), words.seconds, Direction.LOWER, effort=True),
    _Row("of it tools", _phase("tools"), words.seconds, Direction.NEITHER),
    _Row("of it waiting for quota", _phase("waiting"), words.seconds, Direction.LOWER, effort=True),
    _Row("response time, median", _response, words.seconds, Direction.LOWER),
    _Row("TTFT, median", _ttft, words.seconds, Direction.LOWER),
    _Row("turns", lambda t: t.turns, words.count, Direction.NEITHER),
    _Row("tool calls", lambda t: t.funnel.emitted, words.count, Direction.NEITHER),
    _Row("tool-call accuracy", _accuracy, words.percent, Direction.HIGHER),
    _Row("tokens read", _read, words.count, Direction.NEITHER),
    _Row("tokens written", _written, words.count, Direction.NEITHER),
)


def ahead(left: Trial, right: Trial) -> str:
    """Name the side whose trial passed while the other failed; empty for all else."""
    verdicts = (left.verdict, right.verdict)
    sides = {(Verdict.PASS, Verdict.FAIL): "left", (Verdict.FAIL, Verdict.PASS): "right"}
    return sides.get(verdicts, "")


def checks(left: Dossier, right: Dossier) -> Checks | None:
    """Sort the checks of both grades; `None` when one of them was not graded."""
    if left.grade is None or right.grade is None:
        return None
    mine = {check.id: check for check in left.grade.checks}
    other = {check.id: check for check in right.grade.checks}
    both = [(mine[name], other[name]) for name in mine if name in other]
    differ = [(a, b) for a, b in both if a.passed is not b.passed]
    return Checks(
        differ=tuple(_split(a, b) for a, b in differ[:MOST_CHECKS]),
        more=max(0, len(differ) - MOST_CHECKS),
        both_pass=sum(a.passed and b.passed for a, b in both),
        both_fail=sum(not a.passed and not b.passed for a, b in both),
    )


def _split(left: Check, right: Check) -> SplitCheck:
    place, name = check_name(left.id)
    found = (right if left.passed else left).detail
    return SplitCheck(
        name=name,
        place=place,
        left=left.passed,
        right=right.passed,
        detail=line(" ".join(found.split()), _DETAIL_CHARS),
    )


def lane(own: Timeline, other: Timeline) -> Lane:
    """Lay a side's turns on an axis as long as the longer side."""
    longest = max(own.seconds, other.seconds)
    scale = 100 / WIDTH * (own.seconds / longest if longest else 0.0)
    bars = tuple(
        (bar.kind, round(bar.x * scale, 2), round(bar.width * scale, 2), ROW * place, told)
        for place, bar, told in _bars(own)
    )
    height = ROW * min(len(own.rows), MOST_TURNS)
    return Lane(bars=bars, height=height, told=_told(own))


def _bars(own: Timeline) -> Iterator[tuple[int, Bar, str]]:
    for place, row in enumerate(own.rows[:MOST_TURNS]):
        for bar in row.bars:
            yield place, bar, f"turn {row.index}: {bar.label}"


def _told(own: Timeline) -> str:
    waited = fsum(row.waited_s for row in own.rows)
    tools = fsum(row.tool_s or 0.0 for row in own.rows)
    parts = [f"tools {words.seconds(tools)}"] + (
        [f"waiting {words.seconds(waited)}"] if waited else []
    )
    turns = words.plural(len(own.rows), "turn")
    return f"{turns} in {words.seconds(own.seconds)}, of it {', '.join(parts)}"
