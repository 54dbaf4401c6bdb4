"""Differences, ratios and p values -> text. Rounding never moves a number over what decides."""

from __future__ import annotations

from re import sub
from typing import TYPE_CHECKING, Final

from reports import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from testbed.comparing.comparison import Ratio
    from testbed.stats import Interval

MINUS: Final = "\N{MINUS SIGN}"
MANY: Final = 3.0
"""Ratios from here on are told as "3.5 times", not as "250 % more"."""
MOST_DIGITS: Final = 5


def rounded(value: float, *, digits: int = 0, edges: Sequence[float] = (0.0,)) -> str:
    """Round to `digits` decimals, and to more where less would put it on or over an edge."""
    for places in range(digits, MOST_DIGITS + 1):
        shown = round(value, places)
        if all(_side(shown, edge) == _side(value, edge) for edge in edges):
            return f"{abs(shown) if shown == 0 else shown:,.{places}f}".replace("-", MINUS)
    edge = min(edges, key=lambda edge: abs(value - edge))
    return f"just {'above' if value > edge else 'below'} {edge:g}".replace("-", MINUS)


def _side(value: float, edge: float) -> int:
    apart = value - edge
    return 0 if abs(apart) < 1e-9 else 1 if apart > 0 else -1  # noqa: PLR2004  (noise of sums)


def signed(text: str) -> str:
    """Put a plus before a number above zero."""
    return text if text[0] in f"{MINUS}j" or not text.strip("0.,") else f"+{text}"


def points(share: float, *, margin: float | None = None, digits: int = 0) -> str:
    """Print a difference of two rates in percentage points, signed: `+26`."""
    edges = (0.0,) if margin is None else (0.0, -100 * margin)
    return signed(rounded(100 * share, digits=digits, edges=edges))


def points_span(interval: Interval, *, margin: float | None = None) -> str:
    """Print an interval of a difference of rates: `+1 to +51 points`."""
    return f"{span(interval, lambda end: points(end, margin=margin))} points"


def span(interval: Interval | None, print_end: Callable[[float], str]) -> str:
    """Print both ends of an interval: `+1 to +51`; nothing without one."""
    return f"{print_end(interval.low)} to {print_end(interval.high)}" if interval else ""


def margin_points(margin: float) -> str:
    """Print the margin of "not worse": `10 points`."""
    return f"{words.number(100 * margin)} points"


def plain_number(value: float) -> str:
    """Print a difference of counts or seconds, signed: `+0.5`."""
    text = rounded(value, digits=2)
    return signed(text.rstrip("0").rstrip(".") if "." in text else text)


def as_points(share: float) -> str:
    """Print a difference of rates with its unit: `+26 points`."""
    return f"{points(share)} points"


def ratio(found: Ratio) -> str:
    """Print a ratio as `+9 %`, a large one as `3.5 times`."""
    return words.UNKNOWN if found.value is None else _change(found.value, times=_many(found))


def ratio_span(found: Ratio) -> str:
    """Print its 95 % interval in the same way; nothing without one."""
    if found.interval is None:
        return ""
    ends = (found.interval.low, found.interval.high)
    low, high = (_change(end, times=_many(found)) for end in ends)
    return f"{low.removesuffix(' times')} to {high}"


def more_or_less(found: Ratio) -> str:
    """Print a known ratio as words: `9 % more`, `30 % less`, `3.5 times as much`."""
    value = found.value or 0.0
    if _many(found):
        return f"{_change(value, times=True)} as much"
    text = rounded(100 * (value - 1), edges=(0.0, -100.0))
    if text == "0":
        return "as much"
    return f"{text.removeprefix(MINUS)} % {'less' if value < 1 else 'more'}"


def with_minus(text: str) -> str:
    """Print a true minus before the numbers of a text, as the differences beside them have it."""
    return sub(r"(?<!\S)-(?=\d)", MINUS, text)


def told(interval: Interval | None, even: float) -> bool:
    """Say whether an interval tells its figure from what "no difference" would give."""
    return interval is not None and not interval.low <= even <= interval.high


def _many(found: Ratio) -> bool:
    ends = (found.interval.high,) if found.interval else ()
    return max((found.value or 0.0), *ends, 0.0) >= MANY


def _change(value: float, *, times: bool) -> str:
    if times:
        digits = 0 if value >= 10 else 1 if value >= 1 else 2  # noqa: PLR2004  (3 digits at most)
        return f"{rounded(value, digits=digits, edges=(0.0, 1.0))} times"
    return f"{signed(rounded(100 * (value - 1), edges=(0.0, -100.0)))} %"


def chance(p: float | None) -> str:
    """Print a p value, on its own side of 0.05."""
    if p is None:
        return words.UNKNOWN
    return "<0.001" if p < 0.001 else rounded(p, digits=3, edges=(0.0, 0.05))  # noqa: PLR2004
