"""What scenarios' certificates say, as rows of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from reports import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.briefs import CertificateBrief
    from testbed.certified import Standing

HEADINGS: Final = (
    "right accepted",
    "wrong rejected",
    "flaky gradings",
    "flake rate at most",
    "mutants killed",
    "mutation score",
)


def cells(standing: Standing) -> tuple[str, ...]:
    """Fill a row below `HEADINGS`; without a certificate, with dashes."""
    return _cells(standing.brief())


def markdown_table(found: Mapping[str, Standing]) -> str:
    """Write the table of docs/scenarios.md: what the certificates say, whether fresh or not."""
    rows = [
        ("scenario", *HEADINGS),
        ("---", *("---:" for _ in HEADINGS)),
        *((f"`{name}`", *cells(standing)) for name, standing in found.items()),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def most_flakes(brief: CertificateBrief) -> str:
    """Print the upper end of the flake rate's interval, rounded up."""
    most = brief.most_flakes
    return words.UNKNOWN if most is None else f"{math.ceil(100 * most)} %"


def score(brief: CertificateBrief) -> str:
    """Print the mutation score, rounded down: 84.9 % is no 85 %."""
    if brief.killed is None or not brief.mutants:
        return words.UNKNOWN
    return f"{100 * brief.killed // brief.mutants} %"


def _cells(brief: CertificateBrief) -> tuple[str, ...]:
    return (
        words.count(brief.accepted),
        words.count(brief.rejected),
        _of(brief.flakes, brief.gradings),
        most_flakes(brief),
        _of(brief.killed, brief.mutants),
        score(brief),
    )


def _of(part: int | None, whole: int | None) -> str:
    return words.UNKNOWN if whole is None else f"{words.count(part)} of {words.count(whole)}"
