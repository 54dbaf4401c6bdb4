"""Pictures of what models built, laid out beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import dirname, relpath
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.links import trial_target
from testbed.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.site.board import Board
    from reports.site.links import Links
    from testbed.records import Trial

_INSIDE: Final = "data:image/"


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture of what a model built."""

    source: str
    alt: str
    model: str
    told: str
    """Which trial it is of, and what became of it."""
    href: str | None
    """Address of the trial."""


def picture_source(links: Links, path: str) -> str:
    """Give a picture's address on a page; one that stands in the page itself is kept."""
    if path.startswith(_INSIDE):
        return path
    return relpath(path, dirname(links.here.path) or ".")


def moves(path: str) -> bool:
    """Say whether a picture is an animation."""
    return path.endswith(".webp") or path.startswith(f"{_INSIDE}webp")


def shots(
    board: Board, trials: Mapping[str, Sequence[Trial]], links: Links
) -> tuple[tuple[tuple[Shot, ...], ...], tuple[Shot, ...]]:
    """Lay the pictures out: a group per step of the tour with one per model, and the animations.

    Of each model a trial that passed is shown if one has pictures, else the first that has some.
    """
    chosen = [
        trial for model in board.models if (trial := _shown(board, trials.get(model.model, ())))
    ]
    stills = [[p for p in board.pictures[trial.key] if not moves(p)] for trial in chosen]
    steps = tuple(
        tuple(
            _shot(trial, f"picture {step + 1} of {len(mine)}", mine[step], links)
            for trial, mine in zip(chosen, stills, strict=True)
            if step < len(mine)
        )
        for step in range(max(map(len, stills), default=0))
    )
    animations = tuple(
        _shot(trial, "as an animation", path, links)
        for trial in chosen
        for path in board.pictures[trial.key]
        if moves(path)
    )
    return steps, animations


def _shown(board: Board, trials: Sequence[Trial]) -> Trial | None:
    seen: list[Trial] = [trial for trial in trials if board.pictures.get(trial.key)]
    passed = (trial for trial in seen if trial.verdict is Verdict.PASS)
    return next(passed, next(iter(seen), None))


def _shot(trial: Trial, which: str, path: str, links: Links) -> Shot:
    model = words.clean(trial.model)
    return Shot(
        source=picture_source(links, path),
        alt=f"What {model} built in trial {trial.repeat}, {which}",
        model=model,
        told=f"trial {trial.repeat}: {trial.verdict}",
        href=links.to(trial_target(trial.key)),
    )
