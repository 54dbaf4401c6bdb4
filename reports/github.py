"""What GitHub shows of a comparison: the job's summary, one comment, a few annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from reports import words
from reports.markdown import escape
from reports.versus.markdown import markdown_comparison
from reports.versus.names import side_names
from reports.versus.rows import side_by_side
from reports.versus.sentence import verdict_line
from testbed.comparing.outcome import MARKER, MOST_CHARACTERS, ActionVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.versus.tables import Cell
    from testbed.comparing.comparison import Comparison, ScenarioPair
    from testbed.comparing.outcome import Outcome
    from testbed.stats import Tally

HEADINGS: Final = {
    ActionVerdict.BETTER: "Better on this suite",
    ActionVerdict.NOT_WORSE: "No regression on this suite",
    ActionVerdict.REGRESSION: "Regression on this suite",
    ActionVerdict.INCONCLUSIVE: "Inconclusive on this suite",
    ActionVerdict.INFRASTRUCTURE: "No result: infrastructure failed",
    ActionVerdict.OVER_BUDGET: "Over budget: nothing was run",
    ActionVerdict.REFUSED: "No result: the earlier results do not fit",
}
MOST_ANNOTATIONS: Final = 10
MOST_SUMMARY: Final = 900_000
"""Bytes: what is longer than 1 MiB the platform drops whole."""
MOST_FLIPS: Final = 100
MOST_FAULTS: Final = 30
MOST_FAULT: Final = 600
"""Characters of one."""
FIGURES: Final = frozenset(
    {
        *("pass@1", "single-prompt success", "ungraded trials", "tool-call accuracy"),
        *("response time", "wall time per trial", "cost per trial", "cost per solved task"),
    }
)
"""Rows of the whole table that the comment has too."""
TASKS: Final = "Beyond this suite, with its scenarios as a sample of tasks like these:"
LEVELS: Final[Mapping[ActionVerdict, Literal["error", "warning", "notice"]]] = {
    ActionVerdict.BETTER: "notice",
    ActionVerdict.NOT_WORSE: "notice",
    ActionVerdict.INCONCLUSIVE: "warning",
}


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """One thing that the job's page says beside its log."""

    level: Literal["error", "warning", "notice"]
    title: str
    text: str
    """Foreign text may be in it: whoever prints it escapes it."""


def summary(outcome: Outcome, comparison: Comparison | None) -> str:
    """Write the job's summary: the verdict first, the tables, the flips and the rest folded."""
    head = _head(outcome)
    if comparison is None:
        return _joined(head)
    whole = _joined([*head, *_flips(comparison), TASKS, markdown_comparison(comparison).rstrip()])
    if len(whole.encode()) < MOST_SUMMARY:
        return whole
    cut = "The tables are too long for this page: see the scoreboard."
    return _joined([*head, *_short(comparison), cut])


def comment(outcome: Outcome, comparison: Comparison | None, *, link: str | None = None) -> str:
    """Write the comment: marked, short, and never as long as the platform refuses.

    `link` is the address of the job's page, a plain one.
    """
    where = [f"[Summary, scoreboard and every trial]({link})"] if link else []
    parts = [MARKER, *_head(outcome)]
    tables = [*_short(comparison), *_flips(comparison)] if comparison else []
    whole = _joined([*parts, *tables, *where])
    if len(whole) < MOST_CHARACTERS:
        return whole
    return _joined([*parts, *where])


def remarks(outcome: Outcome, comparison: Comparison | None) -> tuple[Annotation, ...]:
    """Give at most ten: the verdict, what failed, then the scenarios that got worse."""
    level = LEVELS.get(outcome.verdict, "error")
    line = verdict_line(comparison) if comparison else "Nothing was compared."
    said = " ".join((*outcome.reasons[:3], TASKS, line) if comparison else (line,))
    found = [Annotation(level=level, title=HEADINGS[outcome.verdict], text=said)]
    found += [
        Annotation(
            level="error" if outcome.verdict is ActionVerdict.INFRASTRUCTURE else "warning",
            title="infrastructure",
            text=words.clean(fault),
        )
        for fault in outcome.faults
    ]
    down = [p for p in comparison.scenarios if p.scenario in comparison.down] if comparison else []
    found += [
        Annotation(level="warning", title=words.clean(pair.scenario), text=_moved(pair))
        for pair in down
    ]
    return tuple(found[:MOST_ANNOTATIONS])


def outputs(outcome: Outcome, *, report: str | None, results: str | None) -> dict[str, str]:
    """Give the action's outputs; one that is unknown is empty, never 0."""
    figures = {
        "delta": outcome.delta,
        "ci-low": outcome.ci_low,
        "ci-high": outcome.ci_high,
        "p-value": outcome.p_value,
        "cost-usd": outcome.cost_usd,
    }
    return {
        "verdict": outcome.verdict.value,
        **{name: "" if value is None else f"{value:.6g}" for name, value in figures.items()},
        "report-path": report or "",
        "results-path": results or "",
    }


def _head(outcome: Outcome) -> list[str]:
    names = [escape(words.clean(name)) for name in (outcome.candidate, outcome.baseline)]
    against = f": {names[0]} against {names[1]}" if all(names) else ""
    parts = [f"## {HEADINGS[outcome.verdict]}{against}"]
    if outcome.planned:
        parts.append(
            f"{outcome.valid:,} of {outcome.planned:,} planned trials have a verdict; "
            f"this run cost {_cost(outcome)}."
        )
    parts += _bullets("Infrastructure:", map(_quoted, outcome.faults))
    reasons = (escape(words.clean(one)) for one in outcome.reasons)
    return parts + _bullets("The gate, on this very suite:", reasons)


def _cost(outcome: Outcome) -> str:
    return "an unknown sum" if outcome.cost_usd is None else words.money(outcome.cost_usd)


def _bullets(title: str, sentences: Iterable[str]) -> list[str]:
    lines = [f"- {one}" for one in sentences]
    if len(lines) > MOST_FAULTS:
        lines = [*lines[:MOST_FAULTS], f"- and {len(lines) - MOST_FAULTS:,} more"]
    return [title, "\n".join(lines)] if lines else []


def _quoted(text: str) -> str:
    """Quote foreign words as code: nobody is mentioned by them, and nothing is linked."""
    return "`` " + words.clean(text)[:MOST_FAULT].replace("`", "'") + " ``"


def _short(comparison: Comparison) -> list[str]:
    """Write the sentence and the first figures of both models."""
    table = side_by_side(comparison)
    rows = [
        [escape(row.name), *map(_cell, row.cells[:3])] for row in table.rows if row.name in FIGURES
    ]
    headings = ["", *map(escape, side_names(comparison)), "difference, 95 % interval"]
    rule = ["---", "---:", "---:", "---:"]
    lines = (f"| {' | '.join(line)} |" for line in (headings, rule, *rows))
    return [TASKS, f"**{escape(verdict_line(comparison))}**", "\n".join(lines)]


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    bold = f"**{text}**" if cell.winner else text
    return bold + (f"<br>{escape(cell.small)}" if cell.small else "")


def _flips(comparison: Comparison) -> list[str]:
    """Fold away the scenarios that moved, the ones that got worse first."""
    moved = {
        word: [pair for pair in comparison.scenarios if pair.scenario in named]
        for word, named in (("down", comparison.down), ("up", comparison.up))
    }
    if not any(moved.values()):
        return []
    count = ", ".join(f"{len(pairs):,} {word}" for word, pairs in moved.items())
    lines = [f"- {escape(_moved(pair))}" for pairs in moved.values() for pair in pairs]
    more = len(lines) - MOST_FLIPS
    if more > 0:
        lines = [*lines[:MOST_FLIPS], f"- and {more:,} more"]
    return [
        f"<details><summary>Flips: {count}</summary>",
        "\n".join(lines),
        "A flip is not yet a gain or a regression, unless its p is below 0.05.",
        "</details>",
    ]


def _moved(pair: ScenarioPair) -> str:
    p = "" if pair.fisher_p is None else f", p {pair.fisher_p:.2g}"
    passed = f"{_tally(pair.a)} before, {_tally(pair.b)} now"
    return f"{words.clean(pair.scenario)}: {passed}{p}"


def _tally(tally: Tally | None) -> str:
    return words.UNKNOWN if tally is None else f"{tally.passes}/{tally.trials}"


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"
