"""Numbers -> text. A dash stands for "not reported"; an unknown is never shown as zero."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.figures import Cost, Counts, PassRate
    from testbed.stats import Interval, Tally
    from testbed.sums import Mean, Share, Spread, Total

UNKNOWN: Final = "\N{EN DASH}"
SCRIPTED: Final = "scripted"
SCRIPTED_NOTE: Final = "Scripted players stand in for models; they say nothing about any model."
LONGEST: Final = 500
"""Characters of a name or a remark of a foreign hand."""
MINUTE: Final = 60
HOUR: Final = 3600


def clean(name: str) -> str:
    """Make control and direction characters of a foreign name visible and harmless.

    Of a name that is longer than any name the beginning is kept, and the cut is shown.
    """
    kept = name if len(name) <= LONGEST else f"{name[:LONGEST]}\N{HORIZONTAL ELLIPSIS}"
    return "".join("\N{REPLACEMENT CHARACTER}" if _hidden(c) else c for c in kept)


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def player(name: str, *, scripted: bool) -> str:
    """Name a model; a scripted player is never shown as if it were one."""
    return f"{clean(name)} ({SCRIPTED})" if scripted else clean(name)


def percent(share: float | None) -> str:
    """Print a share in whole percent; 100 % and 0 % are kept for all and none."""
    return UNKNOWN if share is None else f"{_hundredths(share)} %"


def _hundredths(share: float) -> str:
    rounded = round(100 * share)
    if rounded == 100 and share < 1:  # noqa: PLR2004  (whole percent)
        return ">99"
    if rounded == 0 and share > 0:
        return "<1"
    return str(rounded)


def bounds(interval: Interval | None) -> str:
    """Print an interval of a rate as `[52, 92]`; nothing without one."""
    return f"[{100 * interval.low:.0f}, {100 * interval.high:.0f}]" if interval else ""


def rate(estimate: PassRate) -> str:
    """Print pass@1 as `78 % [52, 92]`, and both bounds when trials have no verdict."""
    if estimate.left_out is None:
        return UNKNOWN
    high = _hundredths(estimate.left_out.value)
    low = _hundredths(estimate.as_fail.value) if estimate.as_fail else high
    text = f"{high} %" if low == high else f"{low}\N{EN DASH}{high} %"
    return f"{text} {bounds(estimate.interval)}".rstrip()


def accuracy(share: Share) -> str:
    """Print a rate and what it counts: `97 % (n 120)`."""
    return f"{percent(share.rate)} (n {share.known:,})" if share.known else UNKNOWN


def score(share: Share) -> str:
    """Print `6/9`, and how many there are when some have no verdict: `6/8 of 9`."""
    if not share.known:
        return UNKNOWN
    return f"{share.hits}/{share.known}{_missing(share.known, share.of)}"


def _missing(known: int, of: int) -> str:
    return "" if known == of else f" of {of}"


def coverage(known: int, of: int) -> str:
    """Say how much of a figure is known, when not all of it is."""
    return "" if known == of else f" ({known:,} of {of:,} known)"


def money(dollars: float | None) -> str:
    """Print US dollars: cents at least, three significant digits below a dollar."""
    if dollars is None:
        return UNKNOWN
    if dollars >= 1 or dollars == 0:
        return f"${dollars:,.2f}"
    if dollars < 1e-6:  # noqa: PLR2004  (a price of a single token)
        return "<$0.000001"
    digits = 2
    while digits < 6 and round(dollars, digits) != float(f"{dollars:.3g}"):  # noqa: PLR2004
        digits += 1
    return f"${dollars:.{digits}f}"


def money_total(total: Total | None) -> str:
    """Print a sum of money: `≥ $0.12 (7 of 9 known)` when a part is unknown."""
    return UNKNOWN if total is None else _lower_bound(total, money(total.known_part))


def per_solved(cost: Cost) -> str:
    """Print the cost per solved trial, or that none was solved."""
    if cost.counted.of and cost.per_solved is None:
        return "none solved"
    return money_total(cost.per_solved)


def count_total(total: Total) -> str:
    """Print a sum of counts, as a lower bound when a part is unknown."""
    return _lower_bound(total, count(total.known_part))


def seconds_total(total: Total) -> str:
    """Print a sum of seconds, as a lower bound when a part is unknown."""
    return _lower_bound(total, seconds(total.known_part))


def _lower_bound(total: Total, text: str) -> str:
    if total.known == total.of or total.known_part is None:
        return text
    return f"≥ {text}{coverage(total.known, total.of)}"


def money_mean(mean: Mean) -> str:
    """Print a mean of money with its coverage."""
    return _covered(money(mean.value), mean)


def number_mean(mean: Mean) -> str:
    """Print a mean of counts with its coverage."""
    return _covered(number(mean.value), mean)


def percent_mean(mean: Mean) -> str:
    """Print a mean of shares with its coverage."""
    return _covered(percent(mean.value), mean)


def _covered(text: str, mean: Mean) -> str:
    return text if mean.value is None else text + coverage(mean.known, mean.of)


def number(value: float | None, *, digits: int = 2) -> str:
    """Print a number with at most `digits` decimals; a small one is never shown as zero."""
    if value is None:
        return UNKNOWN
    if value and abs(value) < 0.5 * 10**-digits:
        least = f"{10**-digits:.{digits}f}"
        return f">-{least}" if value < 0 else f"<{least}"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def count(value: float | None) -> str:
    """Print a number without decimals."""
    return number(value, digits=0)


def seconds(value: float | None) -> str:
    """Print a duration: `0.42 s`, `12.3 s`, `5 min 12 s`, `2 h 05 min`."""
    if value is None:
        return UNKNOWN
    if value < 0.005:  # noqa: PLR2004  (would round to 0.00)
        return "<0.01 s" if value else "0 s"
    if value < 9.995:  # noqa: PLR2004  (would round to 10.00)
        return f"{value:.2f} s"
    if value < 99.95:  # noqa: PLR2004  (would round to 100.0)
        return f"{value:.1f} s"
    whole = round(value)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"


def median(spread: Spread) -> str:
    """Print a median of seconds."""
    return seconds(spread.median)


def median_p90(spread: Spread) -> str:
    """Print `median / p90` of seconds."""
    return f"{seconds(spread.median)} / {seconds(spread.p90)}" if spread.known else UNKNOWN


def speed(spread: Spread) -> str:
    """Print a median of tokens per second, and over how many replies."""
    if spread.median is None:
        return UNKNOWN
    return f"{spread.median:,.0f} tokens/s (n {spread.known:,})"


def largest_k(rates: Mapping[int, float]) -> str:
    """Print the rate of the largest k: `89 % (k = 3)`."""
    k = max(rates, default=0)
    return f"{percent(rates[k])} (k = {k})" if k else UNKNOWN


def passed(found: Tally | None) -> str:
    """Print passes of valid trials: `2/3`."""
    return UNKNOWN if found is None else f"{found.passes}/{found.trials}"


def tally(counts: Mapping[str, int]) -> str:
    """Print counted words: `turn limit 4, finished 2`."""
    named = (f"{clean(word).replace('_', ' ')} {count:,}" for word, count in counts.items())
    return ", ".join(named) or "none"


def ungraded(counts: Counts) -> str:
    """Print the trials without a verdict: `0 of 27`, `1 of 27, 4 not run`."""
    text = f"{counts.ungraded:,} of {counts.planned:,}"
    return f"{text}, {counts.not_run:,} not run" if counts.not_run else text


def plural(count: int, noun: str) -> str:
    """Print `1 model`, `3 models`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def moment(stamp: str) -> str:
    """Print a UTC time to the minute; anything else is shown as it is."""
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return clean(stamp)
