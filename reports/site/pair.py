"""Two trials of one scenario side by side: what came of each, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports import words
from reports.site.difftable import diff_files, findings_of
from reports.site.duel import ahead, checks, figures, lane
from reports.site.facts import outcome
from reports.site.foreign import visible
from reports.site.gallery import gallery, trial_column
from reports.site.links import HOME, pair_target, scenario_target, trial_target
from reports.site.page import Page, render
from reports.site.transcript import transcript
from reports.site.vendor import SPLIT_SCRIPTS, SPLIT_STYLES, script_from
from reports.site.waterfall import timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.site.board import Album
    from reports.site.links import Links
    from reports.site.waterfall import Timeline
    from testbed.dossier import Dossier
    from testbed.view import Key

MOST_CALLS: Final = 200
"""Tool calls of each side that are listed."""


def pair_page(left: Dossier, right: Dossier, links: Links, pictures: Mapping[Key, Album]) -> Page:
    """Show two trials beside each other. `pictures` are as `Board.pictures` has them."""
    times = timeline(left), timeline(right)
    split = script_from(links) if left.patch or right.patch else None
    scenario = left.trial.scenario
    tours = [
        (trial_column(side.trial, links), pictures.get(side.trial.key)) for side in (left, right)
    ]
    body = render(
        "pair.html",
        anchor=links.anchor,
        home=links.to(HOME),
        scenario=links.to(scenario_target(scenario)),
        id=words.clean(scenario),
        title=words.clean(left.title or scenario),
        sides=(
            _side(left, times[0], times[1], links=links),
            _side(right, times[1], times[0], links=links),
        ),
        gallery=gallery(tours, links) if any(album for _, album in tours) else None,
        verdict=ahead(left.trial, right.trial),
        figures=figures(left, right),
        checks=checks(left, right),
        axis=words.seconds(max(own.seconds for own in times)),
        kinds=dict(pair for own in times for pair in own.kinds),
        measured=all(own.measured for own in times),
        split=split,
    )
    names = " beside ".join(_name(side) for side in (left, right))
    return Page(
        target=pair_target(left.trial.key, right.trial.key),
        title=f"{words.clean(scenario)}: {names}",
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


def _name(side: Dossier) -> str:
    return words.player(side.trial.model, scripted=side.trial.scripted)


def _side(own: Dossier, mine: Timeline, other: Timeline, *, links: Links) -> dict[str, Any]:
    trial = own.trial
    calls = [(entry.row.index, call) for entry in transcript(own, mine) for call in entry.calls]
    return {
        "model": words.clean(trial.model),
        "trial": trial,
        "href": links.to(trial_target(trial.key)),
        "outcome": outcome(own),
        "calls": calls[:MOST_CALLS],
        "more_calls": max(0, trial.funnel.emitted - MOST_CALLS),
        "lane": lane(mine, other),
        "diff": diff_files(own.patch.text, findings_of(own)) if own.patch else (),
        "patch": visible(own.patch.text) if own.patch else "",
        "cut": own.patch.cut if own.patch else 0,
    }
