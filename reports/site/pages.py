"""Every page of a site, one after the other: which there are, and what each is made from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from reports import words
from reports.site.gather import runs_of
from reports.site.index import index_page
from reports.site.links import (
    HOME,
    Links,
    Target,
    compare_target,
    pair_target,
    scenario_target,
    trial_target,
)
from reports.site.pair import pair_page
from reports.site.scenario import scenario_page
from reports.site.trial import trial_page
from reports.versus.page import compare_page
from testbed.dossier import read_dossier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reports.site.board import Board
    from reports.site.page import Page
    from testbed.briefs import Brief
    from testbed.records import Trial
    from testbed.store import Run


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the pages are made from."""

    board: Board
    runs: Sequence[Run]
    trials: Sequence[Trial]
    """Those with a page of their own, in reading order."""
    pairs: Sequence[tuple[Trial, Trial]]
    """Those shown side by side, the baseline's trial on the left; grouped by scenario."""
    single: bool = False
    """Whether all pages stand in one file."""

    @property
    def targets(self) -> list[Target]:
        """List every page that is built."""
        contest = self.board.contest
        return [
            HOME,
            *(scenario_target(s.id) for s in self.board.view.scenarios),
            *(
                compare_target(c.a.model, c.b.model)
                for c in (contest.comparisons if contest else ())
            ),
            *(trial_target(t.key) for t in self.trials),
            *(pair_target(left.key, right.key) for left, right in self.pairs),
        ]


def pages(site: Site) -> Iterator[Page]:
    """Make every page, the index first; two sites from the same runs give the same pages."""
    built = frozenset(target.id for target in site.targets)

    def links(target: Target) -> Links:
        return Links(target, built, single=site.single)

    yield index_page(site.board, links(HOME))
    yield from _scenarios(site, links)
    for comparison in site.board.contest.comparisons if site.board.contest else ():
        target = compare_target(comparison.a.model, comparison.b.model)
        yield compare_page(comparison, links(target))
    yield from _trials(site, links)
    yield from _pairs(site, links)


def _scenarios(site: Site, links: Callable[[Target], Links]) -> Iterator[Page]:
    briefs = _briefs(site)
    for scenario in site.board.view.scenarios:
        brief = briefs.get(scenario.id)
        yield scenario_page(site.board, scenario.id, brief, links(scenario_target(scenario.id)))


def _briefs(site: Site) -> dict[str, Brief]:
    """Take each scenario's brief from the latest run that has one and a row on the board."""
    counting = {row.id for row in site.board.runs if row.rows}
    runs = sorted(site.runs, key=lambda run: (run.config.created_at, run.config.run_id))
    found: dict[str, Brief] = {}
    for run in runs:
        if run.config.run_id in counting and (briefs := run.briefs()):
            found |= briefs.scenarios
    return found


def _trials(site: Site, links: Callable[[Target], Links]) -> Iterator[Page]:
    homes = runs_of(site.board.view, site.runs)
    targets = [trial_target(t.key) for t in site.trials]
    beside = zip([None, *targets], site.trials, [*targets[1:], None], strict=False)
    rivals = _rivals(site)
    for previous, trial, following in beside:
        run = homes[trial.model]
        dossier = read_dossier(run, trial)
        yield trial_page(
            dossier,
            links(trial_target(trial.key)),
            previous=previous,
            following=following,
            rivals=rivals(trial),
            album=site.board.pictures.get(trial.key),
        )


def _rivals(site: Site) -> Callable[[Trial], list[tuple[Target, str]]]:
    """Lead from a trial to the pages that show its cell beside that of another model."""
    found: dict[tuple[str, str], list[tuple[Trial, Trial, Target]]] = {}
    for left, right in site.pairs:
        target = pair_target(left.key, right.key)
        found.setdefault(left.key[:2], []).append((left, right, target))
        found.setdefault(right.key[:2], []).append((right, left, target))

    def rivals(trial: Trial) -> list[tuple[Target, str]]:
        return [
            (target, _rival(other, first=own.key == trial.key))
            for own, other, target in found.get(trial.key[:2], ())
        ]

    return rivals


def _rival(other: Trial, *, first: bool) -> str:
    name = words.player(other.model, scripted=other.scripted)
    return name if first else f"{name}, first trials"


def _pairs(site: Site, links: Callable[[Target], Links]) -> Iterator[Page]:
    homes = runs_of(site.board.view, site.runs)
    for first, pairs in groupby(site.pairs, key=lambda pair: pair[0]):
        left = read_dossier(homes[first.model], first)
        for _, second in pairs:
            right = read_dossier(homes[second.model], second)
            target = pair_target(first.key, second.key)
            yield pair_page(left, right, links(target), site.board.pictures)
