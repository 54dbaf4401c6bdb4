"""A comparison in one sentence that a manager can read and cannot take for more than it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports import words
from reports.versus import amounts
from reports.versus.names import side_names
from testbed.comparing.comparison import Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.comparing.comparison import Comparison, Contest, Difference, Ratio, Settling

OUTCOMES: Final = {
    Outcome.BETTER: "better",
    Outcome.NOT_WORSE: "not worse by more than {}",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.WORSE: "worse",
}
"""What is told comes first."""
NOTHING: Final = "nothing to compare"
SHOWN: Final = 5
"""Candidates of one outcome that a sentence names."""
COSTS: Final = (("cost_per_trial", "per trial"), ("cost_per_solved", "per solved task"))


def verdict_line(comparison: Comparison) -> str:
    """Say in one sentence what the comparison found: clean text, the candidate as its subject.

    What is told (its 95 % interval leaves out "no difference") stands in the present tense;
    what was only measured stands in the past, or is said not to be told apart. Unknown costs are
    left out.
    """
    return "; ".join(verdict_parts(comparison)) + "."


def verdict_parts(comparison: Comparison) -> tuple[str, ...]:
    """Give the clauses of the verdict line: what was found, then what is to be known of it."""
    main = _main(comparison)
    further = _further(comparison) if comparison.tasks else [_conditions(comparison)]
    return tuple(part for part in (main, *further) if part)


def outcome_words(comparison: Comparison) -> str:
    """Name the outcome in a few words: `better`, `not worse by more than 10 points`."""
    if comparison.tasks is None:
        return NOTHING
    return OUTCOMES[comparison.outcome].format(amounts.margin_points(comparison.margin))


def headline(comparison: Comparison) -> str:
    """Say the outcome alone, for the title of a page."""
    a, b = side_names(comparison)
    if comparison.tasks is None or comparison.outcome is Outcome.INCONCLUSIVE:
        return f"{b} against {a}: {outcome_words(comparison)}"
    if comparison.outcome is Outcome.NOT_WORSE:
        return f"{b} is not worse than {a} by more than {amounts.margin_points(comparison.margin)}"
    return f"{b} is {outcome_words(comparison)} than {a}"


def contest_line(contest: Contest) -> str:
    """Say in one sentence how each candidate did against the baseline."""
    found = contest.comparisons
    if not found:
        return f"{words.clean(contest.baseline)} has no candidate beside it."
    groups: dict[str, list[str]] = {}
    for outcome in OUTCOMES:
        for one in found:
            if one.outcome is outcome:
                groups.setdefault(outcome_words(one), []).append(_brief(one))
    parts = [_told_of(members, outcome) for outcome, members in groups.items()]
    if len(found) > 1:
        parts.append(
            f"better and worse are corrected for {len(found)} candidates by Holm's method, "
            "the intervals are not"
        )
    return f"Against {side_names(found[0])[0]}, {'; '.join(parts)}."


def _told_of(members: Sequence[str], outcome: str) -> str:
    """Say what was found of some candidates."""
    more = len(members) - SHOWN
    named = ", ".join(members[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    if outcome == NOTHING:
        return f"{named} {'has' if len(members) == 1 else 'have'} {outcome}"
    return f"{named} {'is' if len(members) == 1 else 'are'} {outcome}"


def _brief(comparison: Comparison) -> str:
    """Name the candidate and its difference from the baseline."""
    _, name = side_names(comparison)
    found = comparison.tasks
    if found is None:
        return name
    interval = f"95 % interval {_span(comparison)}" if found.interval else "no interval"
    return f"{name} ({amounts.as_points(found.value)}, {interval})"


def _span(comparison: Comparison) -> str:
    """Print the headline's interval without its unit; nothing without one."""
    found = comparison.tasks.interval if comparison.tasks else None
    return amounts.span(found, lambda end: amounts.points(end, margin=comparison.margin))


def _main(comparison: Comparison) -> str:
    a, b = side_names(comparison)
    found = comparison.tasks
    if found is None:
        return f"{b} and {a} have no scenario with graded trials of both: nothing to compare"
    digits = _digits(comparison)
    where, gap, rates = _where(comparison), _gap(found, digits), _rates(comparison, digits)
    if comparison.outcome in (Outcome.BETTER, Outcome.WORSE):
        return (
            f"{b} solves {gap} than {a} {where}: {rates}, {_interval(comparison)}: "
            f"{comparison.outcome}"
        )
    if comparison.outcome is Outcome.NOT_WORSE:
        return (
            f"{b} is not worse than {a} by more than {amounts.margin_points(comparison.margin)} "
            f"{where}: it solved {gap}, {rates}, {_interval(comparison)}"
            f"{_corrected(comparison)}"
        )
    than = "than" if found.value else "as"
    return (
        f"{b} solved {gap} {than} {a} {where}: {rates}, {_interval(comparison)}"
        f"{_open(comparison)}: inconclusive"
    )


def _digits(comparison: Comparison) -> int:
    """Keep the whole numbers of a sentence from contradicting each other: 67 - 62 is not 4."""
    if comparison.tasks is None or comparison.rate_a is None or comparison.rate_b is None:
        return 0
    a, b, gap = (
        round(100 * share)
        for share in (comparison.rate_a, comparison.rate_b, comparison.tasks.value)
    )
    return 0 if b - a == gap else 1


def _gap(found: Difference, digits: int) -> str:
    """Say `26 points more`, `as much`."""
    text = amounts.points(found.value, digits=digits)
    if not found.value:
        return "as much"
    size = text.removeprefix("+").removeprefix(amounts.MINUS)
    return f"{size} points {'more' if found.value > 0 else 'less'}"


def _where(comparison: Comparison) -> str:
    paired, of = comparison.paired, len(comparison.scenarios)
    if paired == of:
        return f"on {words.plural(paired, 'scenario')}"
    return f"on the {paired:,} of {words.plural(of, 'scenario')} that both have graded trials of"


def _rates(comparison: Comparison, digits: int) -> str:
    a, b = (_rate(share, digits) for share in (comparison.rate_a, comparison.rate_b))
    return f"{b} each" if a == b else f"{b} against {a}"


def _rate(share: float | None, digits: int) -> str:
    return f"{100 * share:.{digits}f} %" if share and digits else words.percent(share)


def _interval(comparison: Comparison) -> str:
    span = _span(comparison)
    return f"95 % interval {span} points" if span else "no interval"


def _open(comparison: Comparison) -> str:
    """Say what keeps the interval from telling."""
    if not _span(comparison):
        return " from a single scenario" if comparison.paired == 1 else ""
    return _corrected(comparison) or ", which leaves open which is better"


def _corrected(comparison: Comparison) -> str:
    """Say that the correction for several candidates has the last word, where it has."""
    found, p = comparison.tasks, comparison.holm_p
    if p is None or found is None or not amounts.told(found.interval, 0.0):
        return ""
    return f", but p {amounts.chance(p)} by Holm's correction for several candidates"


def _further(comparison: Comparison) -> list[str]:
    return [
        _flips(comparison),
        _worst_case(comparison),
        *_costs(comparison),
        _settling(comparison),
        _conditions(comparison),
    ]


def _flips(comparison: Comparison) -> str:
    up, down = len(comparison.up), len(comparison.down)
    if not up and not down:
        return "no scenario up or down"
    return f"{words.plural(up, 'scenario')} up, {down:,} down"


def _worst_case(comparison: Comparison) -> str:
    """Say what the trials without a verdict could make of it."""
    found = comparison.bounds
    if found is None:
        return ""
    _, b = side_names(comparison)
    trials = sum(side.counts.planned - side.counts.valid for side in (comparison.a, comparison.b))
    span = f", 95 % interval {amounts.points_span(found.interval)}" if found.interval else ""
    return (
        f"{words.plural(trials, 'trial')} without a verdict would, at worst for {b}, make it "
        f"{amounts.as_points(found.value)}{span}"
    )


def _costs(comparison: Comparison) -> list[str]:
    """Say what is known of money; a ratio that is not told apart claims nothing."""
    claims: dict[str, list[str]] = {}
    for id_, name in COSTS:
        figure = comparison.figure(id_)
        if figure and figure.ratio and figure.ratio.value is not None:
            claim, text = _cost(name, figure.ratio)
            claims.setdefault(claim, []).append(text)
    return [f"{claim} {', '.join(texts)}" for claim, texts in claims.items()]


def _cost(name: str, ratio: Ratio) -> tuple[str, str]:
    """Give what may be claimed of a ratio, and its figures."""
    covered = f"over {ratio.known:,} of {ratio.of:,} scenarios" if ratio.known < ratio.of else ""
    span = f"95 % interval {amounts.ratio_span(ratio)}" if ratio.interval else ""
    rest = ", ".join(filter(None, (span, covered)))
    text = f"{amounts.more_or_less(ratio)} {name}{f' ({rest})' if rest else ''}"
    if ratio.interval is None:
        return "cost, without an interval:", text
    return ("costs" if amounts.told(ratio.interval, 1.0) else "cost not told apart:"), text


def _settling(comparison: Comparison) -> str:
    """Say what would settle an inconclusive result."""
    if comparison.outcome is not Outcome.INCONCLUSIVE:
        return ""
    return f"to settle it would take {settling_words(comparison.settling)}"


def settling_words(found: Settling | None) -> str:
    """Say what it takes to settle it, were the difference as seen."""
    if found is None:
        return "more scenarios"
    ways = [
        f"{count:,} {unit}"
        for count, unit in (
            (found.repeats, "repeats of each scenario"),
            (found.scenarios, "scenarios"),
        )
        if count is not None
    ]
    what = " or ".join(ways) or "more than any number of repeats or scenarios"
    return f"{what}, were the difference as seen"


def _conditions(comparison: Comparison) -> str:
    found = [u.condition for u in comparison.unlike if u.severity is Severity.REFUSED]
    if not found:
        return ""
    return f"beware: made under different conditions ({', '.join(map(words.clean, found))})"
