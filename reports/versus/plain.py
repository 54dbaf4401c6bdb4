"""A comparison as plain data, for `--json`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from reports import words
from reports.plain import plain
from reports.versus.rows import winner_of
from reports.versus.sentence import contest_line, verdict_line

if TYPE_CHECKING:
    from testbed.comparing.comparison import Comparison, Contest

SCHEMA_VERSION: Final = 1


def plain_comparison(comparison: Comparison) -> dict[str, Any]:
    """Give everything as JSON data: `null` is unknown, rates and differences are fractions of 1.

    `a` is the baseline and `b` the candidate throughout; differences and ratios are b against a.
    """
    return {"schema_version": SCHEMA_VERSION, **_comparison(comparison)}


def plain_contest(contest: Contest) -> dict[str, Any]:
    """Give every comparison and the ranks as JSON data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": contest_line(contest),
        "baseline": contest.baseline,
        "ranks": dict(contest.ranks),
        "comparisons": [_comparison(one) for one in contest.comparisons],
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    scripted = comparison.a.scripted or comparison.b.scripted
    return {
        "verdict": verdict_line(comparison),
        **plain(asdict(comparison)),
        "scenarios": [{**plain(asdict(pair)), "gain": pair.gain} for pair in comparison.scenarios],
        "figures": [
            {**plain(asdict(figure)), "winner": winner_of(comparison, figure)}
            for figure in comparison.figures
        ],
        "notes": [*comparison.notes, *([words.SCRIPTED_NOTE] if scripted else [])],
    }
