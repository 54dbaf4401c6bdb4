"""How `testbed compare` answers: on stdout in one of three forms, and as pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import typer

from testbed.cli.common import answer
from testbed.comparing.gate import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from testbed.comparing.comparison import Comparison, Contest
    from testbed.comparing.gate import Decision

Form = Literal["terminal", "markdown", "json"]
SAYS: Final = {
    GateOutcome.PASS: "Gate: pass",
    GateOutcome.REGRESSION: "Gate: regression",
    GateOutcome.INCONCLUSIVE: "Gate: inconclusive",
}
MARKS: Final = {
    GateOutcome.PASS: "met",
    GateOutcome.REGRESSION: "broken",
    GateOutcome.INCONCLUSIVE: "open",
}


def show_comparison(
    comparison: Comparison, *, form: Form, pages: Sequence[Path], decision: Decision | None
) -> None:
    """Print a comparison, then what the gate says of it."""
    if form == "json":
        from reports.versus.plain import plain_comparison

        found = plain_comparison(comparison)
        _print_json(found | ({"gate": _plain(decision)} if decision else {}), pages)
    elif form == "markdown":
        from reports.versus.markdown import markdown_comparison

        gate = f"\n{_markdown(decision)}" if decision else ""
        typer.echo(markdown_comparison(comparison) + gate, nl=False)
    else:
        from reports.versus.terminal import print_comparison

        print_comparison(comparison, answer())
        if decision:
            typer.echo(f"\n{_told(decision)}")
        _print_paths(pages)


def show_contest(contest: Contest, *, form: Form, pages: Sequence[Path]) -> None:
    """Print every candidate against the baseline."""
    if form == "json":
        from reports.versus.plain import plain_contest

        _print_json(plain_contest(contest), pages)
    elif form == "markdown":
        from reports.versus.markdown import markdown_contest

        typer.echo(markdown_contest(contest), nl=False)
    else:
        from reports.versus.terminal import print_contest

        print_contest(contest, answer())
        _print_paths(pages)


def write_pages(comparisons: Sequence[Comparison], folder: Path | None) -> list[Path]:
    """Write a page per comparison below a folder; none without a folder."""
    if folder is None:
        return []
    from reports.site.links import Links, compare_target
    from reports.site.page import framed
    from reports.versus.page import compare_page
    from testbed.store import write_atomically

    pages: list[Path] = []
    for one in comparisons:
        target = compare_target(one.a.model, one.b.model)
        page = compare_page(one, Links(target, frozenset()))
        pages.append(folder / target.path)
        write_atomically(pages[-1], framed(page).encode())
    return pages


def _print_json(found: dict[str, Any], pages: Sequence[Path]) -> None:
    import json

    typer.echo(json.dumps(found | {"pages": [str(page) for page in pages]}, indent=1))


def _print_paths(pages: Sequence[Path]) -> None:
    for page in pages:
        typer.echo(str(page))


def _told(decision: Decision) -> str:
    from reports import words

    lines = (f"  {MARKS[r.outcome]:<6} {words.clean(r.text)}" for r in decision.reasons)
    return "\n".join((SAYS[decision.outcome], *lines))


def _markdown(decision: Decision) -> str:
    from reports import words
    from reports.markdown import escape

    lines = (f"- {MARKS[r.outcome]}: {escape(words.clean(r.text))}" for r in decision.reasons)
    return "\n".join((f"**{SAYS[decision.outcome]}**", "", *lines, ""))


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.value,
        "exit_code": decision.exit_code,
        "reasons": [{"outcome": r.outcome.value, "text": r.text} for r in decision.reasons],
    }
