"""The page of one trial: what came of it, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports import words
from reports.site.checklist import checklist
from reports.site.difftable import diff_files, findings_of
from reports.site.facts import facts, outcome, remarks
from reports.site.foreign import clipped, line, visible
from reports.site.gallery import tour
from reports.site.links import HOME, scenario_target, trial_target
from reports.site.page import Page, render
from reports.site.transcript import transcript
from reports.site.vendor import SPLIT_SCRIPTS, SPLIT_STYLES, script_from
from reports.site.waterfall import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.site.board import Album
    from reports.site.links import Links, Target
    from testbed.dossier import Dossier

LOG_CHARS: Final = 20_000
_PROMPT_CHARS: Final = 20_000
_NAME_CHARS: Final = 200


def trial_page(
    dossier: Dossier,
    links: Links,
    *,
    previous: Target | None,
    following: Target | None,
    rivals: Sequence[tuple[Target, str]],
    album: Album | None,
) -> Page:
    """Build the page of one trial.

    `rivals` are pages to compare it on, and what to call them: of the same scenario by the other
    models, side by side. `album` is what can be seen of what it left.
    """
    trial = dossier.trial
    name = f"{words.clean(trial.scenario)}, trial {trial.repeat}"
    split = script_from(links) if dossier.patch and dossier.patch.text else None
    found = timeline(dossier)
    body = render(
        "trial.html",
        **_head(dossier, links, previous, following, rivals),
        name=name,
        dossier=dossier,
        trial=trial,
        remarks=remarks(dossier),
        outcome=outcome(dossier),
        facts=facts(dossier),
        checks=checklist(dossier),
        diff=diff_files(dossier.patch.text, findings_of(dossier)) if dossier.patch else None,
        patch=visible(dossier.patch.text) if dossier.patch else "",
        split=split,
        timeline=found,
        entries=transcript(dossier, found),
        prompt=clipped(dossier.brief.prompt, _PROMPT_CHARS) if dossier.brief else "",
        log=clipped(dossier.log.text, LOG_CHARS),
        commands={what: line(text, 10 * _NAME_CHARS) for what, text in dossier.commands.items()},
        tour=tour(album, trial, links) if album else (),
        left_out=album.left_out if album else 0,
        beside=links.to(scenario_target(trial.scenario), "pictures"),
    )
    who = words.player(trial.model, scripted=trial.scripted)
    return Page(
        target=trial_target(trial.key),
        title=f"{name} by {who}: {trial.verdict}",
        body=body,
        styles=("base.css", "trial.css", "gallery.css", *(SPLIT_STYLES if split else ())),
        scripts=("trial.js", *(SPLIT_SCRIPTS if split else ())),
        vendored=split is not None,
    )


def _head(
    dossier: Dossier,
    links: Links,
    previous: Target | None,
    following: Target | None,
    rivals: Sequence[tuple[Target, str]],
) -> dict[str, Any]:
    beside = ((links.to(target), line(name, _NAME_CHARS)) for target, name in rivals)
    return {
        "links": links,
        "words": words,
        "home": links.to(HOME),
        "scenario": links.to(scenario_target(dossier.trial.scenario)),
        "previous": links.to(previous) if previous else None,
        "following": links.to(following) if following else None,
        "rivals": [(href, name) for href, name in beside if href],
    }
