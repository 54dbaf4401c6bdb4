"""Pictures of what models built, laid out beside each other by the moment that they show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from posixpath import dirname, relpath
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.foreign import line
from reports.site.links import trial_target
from reports.site.pictures import BASELINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.site.board import Album, Baseline, Board, Shown
    from reports.site.links import Links
    from testbed.records import Trial

STOPPED_CHARS: Final = 400
_BASELINES: Final[Mapping[Baseline, tuple[str, str]]] = {
    "reference": ("Reference", "the suite's own solution"),
    "seed": ("Seed", "what every model starts from"),
}
Moment = tuple[str, int]
"""A caption, and how many pictures of the tour had the same one before."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """Whose pictures stand below each other; every text is clean."""

    name: str
    scripted: bool = False
    told: str
    href: str | None = None
    """Address of the trial."""
    larger: str | None = None
    """Address of what shows its pictures larger, where they have no address of their own."""
    verdict: str = ""
    """Empty for a tree that no model made."""

    @property
    def who(self) -> str:
        """Name it where no heading stands above, with what became of it."""
        came = {"pass": "passed", "fail": "failed", "ungraded": "no verdict"}.get(self.verdict)
        return f"{self.name}, {self.told}, {came}" if came else self.name


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One moment of one tour."""

    caption: str
    source: str = ""
    """Address of the picture; empty without one."""
    href: str | None = None
    """Address of what shows it larger."""
    who: str = ""
    alt: str = ""
    width: int = 0
    height: int = 0
    moving: bool = False
    note: str = ""
    """Why there is no picture."""
    stopped: str = ""
    """Where and why the tour stopped, when it did so here."""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Several tours beside each other."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Frame, ...]], ...]
    """A caption, and a frame per column; what moves stands in the last row."""
    left_out: int
    """Pictures that are left out for their size."""


def scenario_gallery(
    board: Board, scenario: str, trials: Mapping[str, Sequence[Trial]], links: Links
) -> Gallery | None:
    """Lay out a scenario's tours: each model's, the reference's and the seeded tree's.

    Of each model the first trial that was pictured is shown, whatever became of it.
    """
    seen = [
        trial
        for model in board.models
        for trial in [t for t in trials.get(model.model, ()) if t.key in board.pictures][:1]
    ]
    albums = board.baselines.get(scenario, {})
    tours = [
        *((trial_column(trial, links), board.pictures[trial.key]) for trial in seen),
        *((_baseline(which), albums[which]) for which in BASELINES if which in albums),
    ]
    return gallery(tours, links) if tours else None


def trial_column(trial: Trial, links: Links) -> Column:
    """Head the pictures of a trial."""
    return Column(
        name=words.clean(trial.model),
        scripted=trial.scripted,
        told=f"trial {trial.repeat}",
        href=links.to(trial_target(trial.key)),
        larger=links.to(trial_target(trial.key), "pictures") if links.single else None,
        verdict=trial.verdict.value,
    )


def _baseline(which: Baseline) -> Column:
    name, told = _BASELINES[which]
    return Column(name=name, told=told)


def gallery(tours: Sequence[tuple[Column, Album | None]], links: Links) -> Gallery:
    """Lay tours out so that the same moment of each stands in one row."""
    moments = _moments([album for _, album in tours if album])
    told = [_told(column, album, moments, links) for column, album in tours]
    ends = any(frames[len(moments)].stopped for frames in told)
    moves = any(frames[-1].source or frames[-1].note for frames in told)
    names = [words.clean(caption) for caption, _ in moments]
    kept = {
        **dict(enumerate(names)),
        **({len(names): "Where the tour stopped"} if ends else {}),
        **({len(names) + 1: "The whole tour, moving"} if moves else {}),
    }
    return Gallery(
        columns=tuple(column for column, _ in tours),
        rows=tuple((name, tuple(frames[at] for frames in told)) for at, name in kept.items()),
        left_out=sum(album.left_out for _, album in tours if album),
    )


def tour(album: Album, trial: Trial, links: Links) -> tuple[Frame, ...]:
    """Lay one trial's tour out on its own page; what moves comes last."""
    column = replace(trial_column(trial, links), larger=None)
    frames = _told(column, album, _moments([album]), links)
    return tuple(frame for frame in frames if frame.source or frame.stopped)


def _moments(albums: Sequence[Album]) -> list[Moment]:
    """Order the moments of several tours as each of them has them, the fullest one first."""
    order: list[Moment] = []
    for album in sorted(albums, key=lambda one: -len(_stills(one))):
        at = 0
        for moment in _stills(album):
            if moment in order:
                at = order.index(moment) + 1
            else:
                order.insert(at, moment)
                at += 1
    return order


def _stills(album: Album) -> dict[Moment, Shown]:
    before: Counter[str] = Counter()
    found: dict[Moment, Shown] = {}
    for one in album.shown:
        if not (one.failure or one.moving):
            found[one.caption, before[one.caption]] = one
            before[one.caption] += 1
    return found


def _told(
    column: Column, album: Album | None, moments: Sequence[Moment], links: Links
) -> list[Frame]:
    """Give a frame per moment, one behind them and one for what moves."""
    if album is None:
        return [Frame(caption="", note="not pictured")] * (len(moments) + 1) + [Frame(caption="")]
    return [*_frames(column, album, moments, links), _animation(column, album, links)]


def _frames(
    column: Column, album: Album, moments: Sequence[Moment], links: Links
) -> Iterator[Frame]:
    stills = _stills(album)
    end = next((at for at in range(len(moments), 0, -1) if moments[at - 1] in stills), 0)
    why = _stopped(album)
    for at, moment in enumerate([*moments, ("", 0)]):
        if moment in stills:
            yield _frame(column, stills[moment], links)
        elif why and at == end:
            failure = next((one for one in album.shown if one.failure), None)
            yield _failure(column, failure, why, links)
        else:
            at_end = "came to its end" if at == len(moments) else "no picture"
            yield Frame(caption="", note="not reached" if why and at > end else at_end)


def _stopped(album: Album) -> str:
    failures = (one.caption for one in album.shown if one.failure)
    return line(" ".join((album.stopped or next(failures, "")).split()), STOPPED_CHARS)


def _failure(column: Column, shown: Shown | None, why: str, links: Links) -> Frame:
    if shown is None:
        return Frame(caption="", stopped=why, note="no picture")
    return replace(_frame(column, shown, links, said="where the tour stopped"), stopped=why)


def _animation(column: Column, album: Album, links: Links) -> Frame:
    moving = next((one for one in album.shown if one.moving), None)
    if moving is None:
        return Frame(caption="")
    return _frame(column, moving, links, said="the whole tour, moving")


def _frame(column: Column, shown: Shown, links: Links, *, said: str = "") -> Frame:
    caption = said or words.clean(shown.caption)
    if not shown.path:
        return Frame(caption=caption, note="left out of this file")
    source = shown.path if links.single else relpath(shown.path, dirname(links.here.path) or ".")
    larger = column.larger if links.single else source
    return Frame(
        caption=caption,
        source=source,
        href=None if shown.moving else larger,
        who=column.who,
        alt=f"{column.who}: {caption}",
        width=shown.width,
        height=shown.height,
        moving=shown.moving,
    )
