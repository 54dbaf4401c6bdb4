"""Where the time of a trial went: per turn its requests, waits, tokens and tools, on one axis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.foreign import line
from testbed.records import NO_USAGE, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbed.dossier import Dossier
    from testbed.records import Exchange, Turn

WIDTH: Final = 100
"""The axis in percent."""
THINNEST: Final = 0.25
"""Percent of a bar that would be too thin to see."""
_DETAIL_CHARS: Final = 200
_MARKS: Final = 5
_STEPS: Final = tuple(base * 10.0**power for power in range(-3, 5) for base in (1, 2, 5))
"""Seconds between two marks of the axis."""
KINDS: Final = {
    "failed": "failed request",
    "wait": "waiting before the next try",
    "first": "until the first token",
    "think": "reasoning",
    "stream": "streaming",
    "model": "request",
    "tool": "tools",
}
"""Kind of a span -> what it is."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time within a turn."""

    kind: str
    """One of `KINDS`."""
    start: float
    """Seconds since the first request was sent."""
    seconds: float
    note: str = ""

    @property
    def label(self) -> str:
        """Say what it is and how long it took."""
        return f"{KINDS[self.kind]} {words.seconds(self.seconds)}{self.note}"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A span on the axis."""

    kind: str
    x: float
    width: float
    label: str


@dataclass(frozen=True, kw_only=True)
class TurnRow:
    """One turn; `None` is "not recorded"."""

    index: int
    bars: tuple[Bar, ...]
    requests: int | None
    failures: tuple[str, ...]
    """Its requests that failed, in words."""
    waited_s: float
    response_s: float | None
    ttft_s: float | None
    tool_s: float | None
    calls: int
    usage: Usage | None
    cost_usd: float | None

    @property
    def told(self) -> str:
        """Say in words what its bars show."""
        return ", then ".join(bar.label for bar in self.bars) or "nothing recorded"


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All turns on one axis."""

    rows: tuple[TurnRow, ...]
    seconds: float
    """Length of the axis."""
    measured: bool
    """Whether requests were recorded; else turns are laid end to end."""

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """List the kinds of bars that there are, for a legend."""
        found = {bar.kind for row in self.rows for bar in row.bars}
        return tuple((kind, what) for kind, what in KINDS.items() if kind in found)

    @property
    def marks(self) -> tuple[tuple[float, str], ...]:
        """List a few round moments: place on the axis and text."""
        if not self.seconds:
            return ()
        step = next((s for s in _STEPS if self.seconds / s <= _MARKS), _STEPS[-1])
        moments = (n * step for n in range(int(self.seconds / step) + 1))
        return tuple((round(WIDTH * m / self.seconds, 2), f"{m:.10g} s") for m in moments)


def timeline(dossier: Dossier) -> Timeline:
    """Lay a trial's turns on one axis."""
    turns = {turn.index: turn for turn in dossier.turns}
    if dossier.requests is None:
        spans = _end_to_end(dossier.turns)
        attempts: dict[int, list[Exchange]] = {}
    else:
        spans, attempts = _measured(dossier.requests, turns)
    seconds = max((s.start + s.seconds for row in spans.values() for s in row), default=0.0)
    return Timeline(
        rows=tuple(
            _row(index, spans.get(index, ()), attempts.get(index), turns.get(index), seconds)
            for index in sorted({*turns, *spans})
        ),
        seconds=seconds,
        measured=dossier.requests is not None,
    )


def _row(
    index: int,
    spans: Sequence[Span],
    attempts: Sequence[Exchange] | None,
    turn: Turn | None,
    seconds: float,
) -> TurnRow:
    reply = next((e for e in attempts or () if e.error is None), None)
    return TurnRow(
        index=index,
        bars=tuple(_bars(spans, seconds)),
        requests=len(attempts) if attempts else None,
        failures=tuple(_failure(e) for e in attempts or () if e.error is not None),
        waited_s=sum(e.waited_s for e in attempts or ()),
        response_s=reply.last_byte_s
        if reply
        else (turn.model_s if turn and not attempts else None),
        ttft_s=reply.first_token_s if reply else None,
        tool_s=turn.tool_s if turn else None,
        calls=len(turn.tool_calls) if turn else 0,
        usage=_usage(attempts),
        cost_usd=_cost(attempts),
    )


def _bars(spans: Sequence[Span], seconds: float) -> Iterator[Bar]:
    scale = WIDTH / seconds if seconds else 0.0
    for span in spans:
        width = max(span.seconds * scale, THINNEST)
        x = min(span.start * scale, WIDTH - width)
        yield Bar(kind=span.kind, x=round(x, 2), width=round(width, 2), label=span.label)


def _failure(exchange: Exchange) -> str:
    status = f" {exchange.status}" if exchange.status else ""
    detail = f": {exchange.error_detail}" if exchange.error_detail else ""
    return line(f"{(exchange.error or '').replace('_', ' ')}{status}{detail}", _DETAIL_CHARS)


def _usage(attempts: Sequence[Exchange] | None) -> Usage | None:
    """Sum the usage; unknown when none is known, or when a request that made tokens has none."""
    told = [e.usage for e in attempts or () if e.usage is not None]
    if not told or any(e.produced and e.usage is None for e in attempts or ()):
        return None
    return sum(told, NO_USAGE)


def _cost(attempts: Sequence[Exchange] | None) -> float | None:
    """Sum the costs; unknown when none is known, or when a request that made tokens has none."""
    told = [e.cost_usd for e in attempts or () if e.cost_usd is not None]
    if not told or any(e.produced and e.cost_usd is None for e in attempts or ()):
        return None
    return sum(told)


def _end_to_end(turns: Sequence[Turn]) -> dict[int, list[Span]]:
    spans: dict[int, list[Span]] = {}
    at = 0.0
    for turn in turns:
        mine = spans.setdefault(turn.index, [])
        for kind, seconds in (("model", turn.model_s), ("tool", turn.tool_s)):
            if seconds:
                mine.append(Span(kind=kind, start=at, seconds=seconds))
                at += seconds
    return spans


def _measured(
    requests: Sequence[Exchange], turns: dict[int, Turn]
) -> tuple[dict[int, list[Span]], dict[int, list[Exchange]]]:
    spans: dict[int, list[Span]] = {}
    attempts: dict[int, list[Exchange]] = {}
    times = [datetime.fromisoformat(exchange.sent_at) for exchange in requests]
    starts = [(time - times[0]).total_seconds() for time in times]
    following = [after - before for before, after in pairwise(starts)]
    for exchange, start, gap in zip(requests, starts, [*following, None], strict=False):
        attempts.setdefault(exchange.turn, []).append(exchange)
        spans.setdefault(exchange.turn, []).extend(_spans(exchange, start, gap))
    for index, mine in spans.items():
        turn = turns.get(index)
        if turn and turn.tool_s:
            end = max((span.start + span.seconds for span in mine), default=0.0)
            mine.append(Span(kind="tool", start=end, seconds=turn.tool_s))
    return spans, attempts


def _spans(exchange: Exchange, start: float, gap: float | None) -> Iterator[Span]:
    """Part a request; of one that ended without a time, the next one says when at the latest."""
    took = exchange.last_byte_s
    if took is None:
        took = max(0.0, gap - exchange.waited_s) if gap is not None else 0.0
    if exchange.error is not None:
        note = f" ({_failure(exchange)})"
        yield Span(kind="failed", start=start, seconds=took, note=note)
    else:
        yield from _reply(exchange, start, took)
    if exchange.waited_s:
        yield Span(kind="wait", start=start + took, seconds=exchange.waited_s)


def _reply(exchange: Exchange, start: float, took: float) -> Iterator[Span]:
    first = exchange.first_token_s
    if first is None:
        yield Span(kind="model", start=start, seconds=took)
        return
    output = exchange.first_output_s
    parts = (
        ("first", 0.0, first),
        ("think", first, output or first),
        ("stream", output or first, took),
    )
    for kind, begin, end in parts:
        if end > begin:
            yield Span(kind=kind, start=start + begin, seconds=end - begin)
