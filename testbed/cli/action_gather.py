"""The shards of a run, taken in as what they are: data from machines that ran foreign code."""

from __future__ import annotations

import shutil
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.merging import TakenIn
    from testbed.plan import Part
    from testbed.shards import Plan, ShardNote
    from testbed.store import Run


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The run that the shards made, and what is wrong with it."""

    run: Run
    faults: tuple[str, ...]
    broken: bool
    """Whether a shard is missing, was refused, or does not fit the others."""


def gather(plan: Plan, shards: Path, results: Path) -> Gathered:
    """Take the shards in, each for itself, and put those that can be believed together.

    The run is written below `results`, which must not be there; without a shard it holds no trial.
    """
    from runner.merging import merge_parts
    from testbed.store import Run

    with _workshop(results.parent) as room:
        parts, faults = _take_all(plan, shards, room)
        broken = len(parts) < plan.shards
        try:
            if parts:
                run = merge_parts(parts, results)
                return Gathered(run=run, faults=tuple(faults), broken=broken)
        except RunError as fault:
            faults.append(f"The shards do not fit each other: {fault.what}.")
            shutil.rmtree(results, ignore_errors=True)
    return Gathered(run=Run.create(results, plan.config), faults=tuple(faults), broken=True)


@contextmanager
def _workshop(output: Path) -> Iterator[Path]:
    """Give a folder on the same disk, gone at the end: files are moved out of it."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix=".taking-in-", dir=output.resolve()) as name:
        yield Path(name)


def _take_all(plan: Plan, shards: Path, room: Path) -> tuple[list[TakenIn], list[str]]:
    """Return the shards that are sound, and a sentence on each thing that is wrong."""
    from runner.merging import TakenIn

    found, faults = _notes(plan, shards)
    parts: list[TakenIn] = []
    for part in plan.parts():
        name = f"shard {part.number}"
        folders = found.get(part.number, [])
        if len(folders) != 1:
            faults.append(f"{name} is missing." if not folders else f"{name} is there twice.")
            continue
        folder, note = folders[0]
        faults += _said(name, note)
        try:
            run = _take(plan, part, folder, room / str(part.number))
            parts.append(TakenIn(name=name, run=run))
        except RunError as fault:
            faults.append(f"{name} is refused: {fault.what}.")
        except (OSError, ValueError, RecursionError) as fault:
            faults.append(f"{name} is refused: it cannot be read: {type(fault).__name__}.")
    return parts, faults


def _notes(plan: Plan, shards: Path) -> tuple[dict[int, list[tuple[Path, ShardNote]]], list[str]]:
    """Find the shards' folders by what they say of themselves."""
    from testbed.shards import NOTE, read_note

    found: dict[int, list[tuple[Path, ShardNote]]] = defaultdict(list)
    faults: list[str] = []
    folders = [shards, *sorted(shards.iterdir())] if shards.is_dir() else []
    for folder in folders:
        if folder.is_symlink() or not (folder / NOTE).exists():
            continue
        try:
            note = read_note(folder / NOTE)
        except RunError as fault:
            faults.append(f"A shard's note cannot be read: {fault.what}.")
            continue
        fits = (note.run_id, note.of) == (plan.config.run_id, plan.shards)
        if not fits or not 1 <= note.number <= plan.shards:
            faults.append("There is a shard of another plan.")
            continue
        found[note.number].append((folder, note))
    return found, faults


def _said(name: str, note: ShardNote) -> Iterator[str]:
    """Repeat, cut short, what a shard says of itself."""
    if note.fault:
        yield f"{name} ended early: {note.fault[:300]}"
    if note.capped:
        yield f"{name} used up its share of the cost limit before all its trials were made."
    for model, why in sorted(note.given_up.items())[:2]:
        yield f"{name} gave {model[:100]} up: {why[:300]}"


def _take(plan: Plan, part: Part, folder: Path, place: Path) -> Run:
    from runner.intake import Intake
    from testbed.shards import NOTE, part_of

    run = folder / plan.config.run_id
    strangers = sorted({path.name for path in folder.iterdir()} - {NOTE, run.name})
    if strangers:
        raise RunError(f"it holds {strangers[0]!a}")
    if run.is_symlink() or not run.is_dir():
        raise RunError("it holds no run")
    config = (plan.config.model_dump_json(indent=1) + "\n").encode()
    trials = tuple(part_of(plan.config, part).trials())
    return Intake(config=config, trials=trials).take(run, place)
