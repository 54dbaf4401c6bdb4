"""Which model of which runs a side of a comparison is: `MODEL`, `MODEL@RUN`, `RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from testbed.cli.common import talk
from testbed.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from testbed.store import Run

SHOWN: Final = 8
"""Names that an error lists; one line has to hold them."""


@dataclass(frozen=True)
class Entrant:
    """One side: a model, and the runs that its trials come from."""

    model: str
    runs: tuple[Run, ...]


def find_entrant(runs: Path, name: str) -> Entrant:
    """Find a side by `MODEL`, `MODEL@RUN`, `MODEL@RUN1,RUN2`, or `RUN` when it has one model.

    A run is named by its id, its folder or `latest`; a model alone stands for the latest run
    that has it. Raises `RunError`, naming what is there.
    """
    run = _run(runs, name)
    if run is not None:
        return Entrant(_only_model(run, name), (run,))
    model, at, where = name.partition("@")
    if at:
        return Entrant(model, tuple(_having(model, run) for run in _runs(runs, where)))
    return Entrant(model, (_latest(runs, model),))


def _run(runs: Path, name: str) -> Run | None:
    """Open a run when the name is one; `None` when it is none at all."""
    from testbed.paths import holds_run
    from testbed.store import find_run

    there = name == "latest" or any(map(holds_run, (Path(name), runs / name)))
    return find_run(runs, name) if name and there else None


def _only_model(run: Run, name: str) -> str:
    first, *more = (card.id for card in run.config.models)
    if more:
        raise RunError(
            f"run `{name}` has {len(more) + 1} models: {_listed([first, *more])}",
            next_step=f"Name one of them, e.g. `{first}@{name}`",
        )
    return first


def _runs(runs: Path, where: str) -> Iterator[Run]:
    """Split at commas, but never within the path of a run that is there."""
    pieces, seen = where.split(","), set[Path]()
    while pieces:
        run, taken = _longest(runs, pieces)
        place = run.paths.folder.resolve()
        if place in seen:
            raise RunError(
                f"run {run.config.run_id} is named twice",
                next_step="Name each run once: a trial counts once",
            )
        seen.add(place)
        yield run
        pieces = pieces[taken:]


def _longest(runs: Path, pieces: list[str]) -> tuple[Run, int]:
    for taken in range(len(pieces), 0, -1):
        run = _run(runs, ",".join(pieces[:taken]))
        if run is not None:
            return run, taken
    raise RunError(
        f"no run `{pieces[0]}` in {runs}; {_told('the latest', _ids(runs))}",
        next_step="Give an id, a folder or `latest`",
    )


def _having(model: str, run: Run) -> Run:
    models = [card.id for card in run.config.models]
    if model not in models:
        raise RunError(
            f"run {run.config.run_id} has no model `{model}`; {_told('it has', models)}",
            next_step="Name a model of that run, or another run",
        )
    return run


def _latest(runs: Path, model: str) -> Run:
    from testbed.store import Run

    models: dict[str, None] = {}
    for name in _ids(runs):
        try:
            run = Run(runs / name)
        except RunError as fault:
            talk().print(f"left out: {fault.what}", markup=False)
            continue
        found = [card.id for card in run.config.models]
        if model in found:
            return run
        models |= dict.fromkeys(found)
    alike = get_close_matches(model, models, n=SHOWN, cutoff=0.5)
    raise RunError(
        f"no run and no model `{model}` in {runs}; {_told('there are', alike or models)}",
        next_step="Give MODEL, MODEL@RUN or RUN",
    )


def _ids(runs: Path) -> list[str]:
    """List the runs' folders, the latest first."""
    return sorted((path.parent.name for path in runs.glob("*/run.json")), reverse=True)


def _told(what: str, names: Iterable[str]) -> str:
    found = list(names)
    return f"{what}: {_listed(found)}" if found else "nothing is there"


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
