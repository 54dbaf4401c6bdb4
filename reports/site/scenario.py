"""The page of a scenario: what it asks for, what its seed breaks, what every model made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports import words
from reports.certificates import sentences
from reports.site.difftable import diff_files
from reports.site.foreign import line, visible
from reports.site.gallery import scenario_gallery
from reports.site.links import HOME, scenario_target
from reports.site.outcomes import failed_checks, outcomes, trials_of
from reports.site.page import Page, render
from reports.site.prose import prose
from reports.site.vendor import SPLIT_SCRIPTS, SPLIT_STYLES, script_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.site.board import Board
    from reports.site.links import Links
    from testbed.briefs import Brief
    from testbed.view import ScenarioView

_LINE_CHARS: Final = 600


def scenario_page(board: Board, scenario: str, brief: Brief | None, links: Links) -> Page:
    """Show one scenario of the board; `brief` is `None` when its run did not write it down.

    Raises `ValueError` for a scenario that is not on the board.
    """
    view = board.view.scenarios
    place = [one.id for one in view].index(scenario)
    seen, trials = view[place], trials_of(board, scenario)
    checks, more_checks = failed_checks(trials)
    split = script_from(links) if brief and brief.seed else None
    body = render(
        "scenario.html",
        anchor=links.anchor,
        home=links.to(HOME),
        define=lambda word: links.to(HOME, f"def-{word}"),
        id=words.clean(seen.id),
        title=words.clean(seen.title),
        kind=words.clean(seen.kind),
        difficulty=words.clean(seen.difficulty),
        previous=_neighbour(view[place - 1] if place else None, links),
        following=_neighbour(view[place + 1] if place + 1 < len(view) else None, links),
        rows=outcomes(board, scenario, trials, links),
        baseline=words.clean(board.contest.baseline) if board.contest else "",
        ungraded=_ungraded(board, scenario),
        checks=checks,
        more_checks=more_checks,
        gallery=scenario_gallery(board, scenario, trials, links),
        brief=_brief(brief) if brief else None,
        split=split,
    )
    return Page(
        target=scenario_target(scenario),
        title=f"{words.clean(seen.title)}: testbed scoreboard",
        body=body,
        styles=(
            "base.css",
            "trial.css",
            "scenario.css",
            "gallery.css",
            *(SPLIT_STYLES if split else ()),
        ),
        scripts=SPLIT_SCRIPTS if split else (),
        vendored=split is not None,
    )


def _neighbour(scenario: ScenarioView | None, links: Links) -> Mapping[str, str] | None:
    """Link the scenario before or behind; `None` where there is none, or no page of it."""
    href = links.to(scenario_target(scenario.id)) if scenario else None
    return {"href": href, "title": words.clean(scenario.title)} if scenario and href else None


def _ungraded(board: Board, scenario: str) -> int:
    return sum(c.counts.ungraded for c in board.figures.cells if c.scenario == scenario)


def _brief(brief: Brief) -> dict[str, Any]:
    return {
        "prompt": prose(brief.prompt),
        "constraints": [
            (words.clean(name).replace("_", " "), line(asked, _LINE_CHARS))
            for name, asked in brief.constraints.items()
        ],
        "commands": [
            (words.clean(name), line(command, _LINE_CHARS))
            for name, command in brief.commands.items()
        ],
        "fail_to_pass": brief.fail_to_pass,
        "pass_to_pass": brief.pass_to_pass,
        "certificate": _certificate(brief),
        "seeded_files": [line(path, _LINE_CHARS) for path in brief.seeded_files],
        "patch": visible(brief.seed),
        "files": diff_files(brief.seed, ()),
    }


def _certificate(brief: Brief) -> list[str]:
    if brief.certificate is None:
        return ["This run did not look for one."]
    return [line(sentence, _LINE_CHARS) for sentence in sentences(brief.certificate)]
