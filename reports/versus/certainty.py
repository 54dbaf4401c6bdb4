"""The tables about the comparison itself: scenario by scenario, how sure, what differs."""

from __future__ import annotations

from re import sub
from typing import TYPE_CHECKING, Final

from reports import words
from reports.versus import amounts
from reports.versus.names import side_names
from reports.versus.sentence import settling_words
from reports.versus.tables import Cell, Mark, Row, Scale, Table
from testbed.comparing.comparison import Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbed.comparing.comparison import Comparison, Difference, ScenarioPair

SEVERITIES: Final = {Severity.REFUSED: "yes", Severity.LISTED: "no"}
FLIP: Final = (
    "A scenario that moves is a flip, not yet a gain or a regression, unless its p is below 0.05: "
    "Fisher's exact test, corrected over the scenarios by Holm's method."
)


def scenarios(comparison: Comparison) -> Table:
    """Arrange every scenario, the candidate's gains first, with the mean of all at the end."""
    return Table(
        id="scenarios",
        title="Scenario by scenario",
        caption=f"Passed / valid trials. {FLIP}",
        columns=("scenario", *side_names(comparison), "difference", "p"),
        rows=(*map(_scenario, _ordered(comparison.scenarios)), *_pooled(comparison)),
        scale=Scale.POINTS,
    )


def flips(comparison: Comparison) -> Table | None:
    """Arrange the scenarios that went up or down alone."""
    moved = {*comparison.up, *comparison.down}
    pairs = [pair for pair in comparison.scenarios if pair.scenario in moved]
    if not pairs:
        return None
    up, down = len(comparison.up), len(comparison.down)
    return Table(
        id="flips",
        title=f"Flips: {up:,} up, {down:,} down, {comparison.paired - up - down:,} the same",
        caption=f"Passed / valid trials. {FLIP}",
        columns=("scenario", *side_names(comparison), "difference", "p"),
        rows=tuple(map(_scenario, _ordered(pairs))),
    )


def certainty(comparison: Comparison) -> Table:
    """Arrange how sure the result is, by which method, and what would settle it."""
    rows = (
        *_coverage(comparison),
        *_estimates(comparison),
        *_tests(comparison),
        *_outlook(comparison),
    )
    return Table(
        id="certainty",
        title="How sure this is",
        caption="pass@1 of the candidate minus that of the baseline, in percentage points.",
        columns=("what", "result"),
        rows=tuple(Row(name=n, cells=(Cell(text=text, small=small),)) for n, text, small in rows),
        prose=True,
    )


def conditions(comparison: Comparison) -> Table | None:
    """Arrange the conditions that differ; `None` when all that was recorded is alike."""
    if not comparison.unlike:
        return None
    return Table(
        id="conditions",
        title="Conditions that differ",
        caption="What the two sides were made under, where it is not the same; a dash was not "
        "recorded.",
        columns=("condition", *side_names(comparison), "changes results"),
        rows=tuple(
            Row(
                name=words.clean(one.condition),
                cells=(
                    Cell(text=_condition(one.a)),
                    Cell(text=_condition(one.b)),
                    Cell(text=SEVERITIES[one.severity]),
                ),
            )
            for one in comparison.unlike
        ),
        prose=True,
    )


def _condition(told: str) -> str:
    """Print a condition; the begin of a digest tells it from another."""
    return sub(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b", r"\1…", words.clean(told)) or words.UNKNOWN


def _ordered(pairs: Sequence[ScenarioPair]) -> list[ScenarioPair]:
    """Put gains first, losses after them, and what cannot be compared last."""
    return sorted(pairs, key=lambda p: (p.gain is None, -(p.gain or 0.0)))


def _scenario(pair: ScenarioPair) -> Row:
    gain = pair.gain
    return Row(
        name=words.clean(pair.scenario),
        small=words.clean(pair.title),
        scenario=pair.scenario,
        cells=(
            Cell(text=words.passed(pair.a)),
            Cell(text=words.passed(pair.b)),
            Cell(text=words.UNKNOWN if gain is None else _moved(gain)),
            Cell(text=amounts.chance(pair.fisher_p)),
        ),
        mark=None if gain is None else Mark(value=gain),
    )


def _moved(gain: float) -> str:
    return amounts.as_points(gain) if gain else "the same"


def _pooled(comparison: Comparison) -> Iterator[Row]:
    found = comparison.tasks
    if found is None:
        return
    interval = amounts.span(
        found.interval, lambda end: amounts.points(end, margin=comparison.margin)
    )
    yield Row(
        name="mean",
        small=f"of {words.plural(comparison.paired, 'scenario')}, with its 95 % interval",
        cells=(
            Cell(text=words.percent(comparison.rate_a)),
            Cell(text=words.percent(comparison.rate_b)),
            Cell(text=amounts.as_points(found.value), small=interval),
            Cell(text=amounts.chance(found.p), small="paired t test" if found.p else ""),
        ),
        mark=Mark(value=found.value, interval=found.interval, pooled=True),
    )


def _coverage(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    of = words.plural(len(comparison.scenarios), "scenario")
    yield "scenarios compared", f"{comparison.paired:,} of {of}", ""
    for name, side in zip(side_names(comparison), (comparison.a, comparison.b), strict=True):
        counts, runs = side.counts, ", ".join(map(words.clean, side.runs))
        missing = f", {counts.not_run:,} not run" if counts.not_run else ""
        yield (
            f"trials of {name}",
            f"{counts.valid:,} valid, {counts.ungraded:,} ungraded{missing}",
            f"run {runs}" if runs else "",
        )


def _estimates(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    margin = comparison.margin
    for name, found, note in (
        ("tasks like these", comparison.tasks, "paired t test over scenarios: the headline"),
        ("this very suite", comparison.suite, "only the repeats vary: what a gate asks"),
        (
            "at worst",
            comparison.bounds,
            "every trial without a verdict counted against the candidate",
        ),
    ):
        if found:
            smoothed = "; the same in every scenario: error smoothed" if found.degenerate else ""
            yield name, _estimate(found, margin), f"{note}{smoothed}"


def _estimate(found: Difference, margin: float) -> str:
    text = amounts.as_points(found.value)
    if found.interval is None:
        return f"{text}, no interval"
    p = "" if found.p is None else f", p {amounts.chance(found.p)}"
    return f"{text}, 95 % interval {amounts.points_span(found.interval, margin=margin)}{p}"


def _tests(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    for name, p, note in (
        ("sign-flip test", comparison.sign_flip_p, "exact, over all ways to swap the two models"),
        ("McNemar's test", comparison.mcnemar_p, "mid-p; one trial of each scenario"),
        ("Holm's correction", comparison.holm_p, "the headline's p, for several candidates"),
    ):
        if p is not None:
            yield name, f"p {amounts.chance(p)}", note


def _outlook(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    effect = comparison.detectable
    if effect is not None:
        yield (
            "smallest difference it would likely show",
            f"{amounts.rounded(100 * effect)} points" if effect <= 1 else "none: too few scenarios",
            "minimal detectable effect: 80 % power, 5 % level, these variances",
        )
    if comparison.tasks and comparison.outcome is Outcome.INCONCLUSIVE:
        yield "what would settle it", settling_words(comparison.settling), ""
    yield "margin of “not worse”", amounts.margin_points(comparison.margin), ""
