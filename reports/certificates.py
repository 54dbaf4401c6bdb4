"""What scenarios' certificates say, as rows of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from reports import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.briefs import CertificateBrief
    from testbed.certified import Standing

_SHOWN: Final = 60
"""Characters of a mutant's text."""
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


def survivors(standing: Standing) -> list[str]:
    """Say each mutant that was not found, and that nobody explained, in one line."""
    mutation = standing.certificate.mutation if standing.certificate else None
    return [
        f"{one.path}:{one.line}: `{_short(one.before)}` as `{_short(one.after)}`"
        f" is not found: {one.id}"
        for one in (mutation.survivors if mutation else ())
        if one.equivalent is None
    ]


def most_flakes(brief: CertificateBrief) -> str:
    """Print the upper end of the flake rate's interval, rounded up."""
    most = brief.most_flakes
    return words.UNKNOWN if most is None else f"{math.ceil(100 * most)} %"


def score(brief: CertificateBrief) -> str:
    """Print the mutation score, rounded down: 84.9 % is no 85 %."""
    if brief.killed is None or not brief.mutants:
        return words.UNKNOWN
    return f"{100 * brief.killed // brief.mutants} %"


def summary(brief: CertificateBrief) -> str:
    """Say in a word or two what a certificate is worth: `none`, `stale`, `faults` or a score."""
    if brief.state != "fresh":
        return brief.state
    if brief.faults:
        return "faults"
    return "fresh" if brief.score is None else f"score {score(brief)}"


def sentences(brief: CertificateBrief) -> tuple[str, ...]:
    """Say what a certificate was worth when the run began, faults last."""
    if brief.state == "none":
        return ("None: nothing shows how steady and how sharp the checks are.",)
    if brief.accepted is None:
        return ("Stale when the run began.", *brief.faults)
    fresh = "Fresh" if brief.state == "fresh" else "Stale, made for other files than those used,"
    flaky = _of(brief.flakes, brief.gradings)
    found = f"{_of(brief.killed, brief.mutants)} small mutants of the reference found: "
    return (
        f"{fresh} when the run began.",
        f"{brief.accepted} right patches accepted, {brief.rejected} wrong ones rejected.",
        f"{flaky} repeated gradings flaky; the rate's 95 % interval ends at {most_flakes(brief)}.",
        f"{found}{score(brief)}." if brief.mutants else "Not scored by mutants.",
        *brief.faults,
    )


def _cells(brief: CertificateBrief) -> tuple[str, ...]:
    return (
        words.count(brief.accepted),
        words.count(brief.rejected),
        _of(brief.flakes, brief.gradings),
        most_flakes(brief),
        _of(brief.killed, brief.mutants),
        score(brief),
    )


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN]}\N{HORIZONTAL ELLIPSIS}"


def _of(part: int | None, whole: int | None) -> str:
    return words.UNKNOWN if whole is None else f"{words.count(part)} of {words.count(whole)}"
