"""The run directory: what it holds, and the only place that writes there."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import secrets
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from testbed.briefs import Briefs
from testbed.errors import DiskFull, RunError
from testbed.findings import References
from testbed.marks import read_marks
from testbed.paths import RunPaths, TrialPaths, holds_run
from testbed.plan import PlannedTrial, RunConfig, RunLock
from testbed.preflight import Preflights
from testbed.pricing import price_at
from testbed.record import Record
from testbed.records import Trial, Verdict
from testbed.settings import describe
from testbed.view import ModelView, RunView, ScenarioView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

__all__ = [
    "Run",
    "RunPaths",
    "TrialPaths",
    "find_run",
    "parsed",
    "storing",
    "write_atomically",
    "write_record",
]

R = TypeVar("R", bound=Record)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn a full disk into `DiskFull`; what was stored before is kept."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no space left to write {path}",
                next_step="Free some space, then continue with `testbed run --resume`, or with the "
                "same command where that had a --plan",
            ) from fault
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, durable when this returns."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with half.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        except BaseException:
            half.unlink(missing_ok=True)
            raise


def write_record(path: Path, record: Record) -> None:
    """Write one record as JSON, atomically."""
    write_atomically(path, (record.model_dump_json(indent=1) + "\n").encode())


def parsed(kind: type[R], data: bytes, path: Path, number: int | None = None) -> R:
    """Read one record, a file or a line of it; raise `RunError` naming one that is not sound."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as fault:
        place = path if number is None else f"{path}:{number}"
        raise RunError(
            f"{place}: {describe(fault)}", next_step="It was written by another version, or edited"
        ) from fault


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave the cycle collector out: it would walk ten thousand new records again and again."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


class Run:
    """A run on disk: read by anyone, written by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.paths = RunPaths(folder)
        self.config = _read(RunConfig, self.paths.config)

    @classmethod
    def create(cls, runs: Path, config: RunConfig) -> Run:
        """Make the run's directory below `runs`."""
        paths = RunPaths(runs / config.run_id)
        write_record(paths.config, config)
        return cls(paths.folder)

    @contextmanager
    def writing(self, lock: RunLock) -> Iterator[None]:
        """Hold the run for writing; refuse when its conditions are no longer the same."""
        with self.paths.writer.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"{self.paths.folder} is being written by another process",
                    next_step="Wait for it to end, or end it",
                ) from None
            self._demand_same(lock)
            self._drop_torn_line()
            yield

    def resolved(self) -> RunLock | None:
        """Return the lock, or None when no trial was started yet."""
        return _read_if_there(RunLock, self.paths.lock)

    def add(self, trial: Trial) -> None:
        """Commit one complete try: its own file first, then the journal's line."""
        planned = PlannedTrial(*trial.key)
        write_record(self.paths.attempt(planned, trial.attempt).trial, trial)
        line = trial.model_dump_json().encode() + b"\n"
        with storing(self.paths.journal), self.paths.journal.open("ab", buffering=0) as file:
            _append(file, line)

    @_uncollected()
    def tries(self) -> dict[PlannedTrial, dict[int, Trial]]:
        """Return every complete try of every trial, by its number."""
        found: dict[PlannedTrial, dict[int, Trial]] = {}
        for trial in self._journal():
            found.setdefault(PlannedTrial(*trial.key), {})[trial.attempt] = trial
        return found

    def trials(self) -> tuple[list[Trial], list[Trial]]:
        """Return the counted tries (the valid one, else the latest) and the spoiled rest."""
        tries = self.tries()
        counted: list[Trial] = []
        spoiled: list[Trial] = []
        for planned in self.config.trials():
            mine = tries.get(planned, {})
            if mine:
                best = _counted(mine)
                counted.append(mine[best])
                spoiled += [trial for number, trial in sorted(mine.items()) if number != best]
        return counted, spoiled

    def missing(self) -> list[PlannedTrial]:
        """Return the planned trials that have no valid try yet, in plan order."""
        counted, _ = self.trials()
        done = {PlannedTrial(*t.key) for t in counted if t.verdict is not Verdict.UNGRADED}
        return [planned for planned in self.config.trials() if planned not in done]

    def next_attempt(self, planned: PlannedTrial) -> int:
        """Return the number after the last try begun, complete or not."""
        folder = self.paths.repeat(planned)
        begun = [int(p.name) for p in folder.iterdir()] if folder.is_dir() else []
        return max(begun, default=0) + 1

    def preflights(self) -> Preflights:
        """Return what the endpoints were found to do; nothing when none was asked."""
        return _read_if_there(Preflights, self.paths.preflight) or Preflights()

    def briefs(self) -> Briefs | None:
        """Return what the scenarios ask for; `None` in a run that did not write it down."""
        return _read_if_there(Briefs, self.paths.briefs)

    @_uncollected()
    def view(self) -> RunView:
        """Return the run as reports see it."""
        counted, spoiled = self.trials()
        references = _read_if_there(References, self.paths.references)
        return RunView(
            run_id=self.config.run_id,
            created=self.config.created_at,
            models=self._models(),
            scenarios=tuple(
                ScenarioView(id=s.id, title=s.title, kind=s.kind, difficulty=s.difficulty)
                for s in self.config.scenarios
            ),
            repeats=self.config.repeats,
            trials=counted,
            spoiled=spoiled,
            follow_ups=self.config.follow_ups,
            references=references.quality if references else {},
            marks=read_marks(self.paths.marks),
            conditions=self._conditions(),
        )

    def _models(self) -> tuple[ModelView, ...]:
        found = self.preflights()
        return tuple(
            ModelView(
                name=card.id,
                scripted=card.scripted,
                card=card.title,
                asked=card.model,
                preflights=tuple(one for one in found.asked if one.model == card.id),
            )
            for card in self.config.models
        )

    def _conditions(self) -> dict[str, str]:
        lock = self.resolved()
        limits = self.config.limits.model_dump()
        asked = {"follow-ups": str(self.config.follow_ups)}
        asked |= {f"limits.{name}": _limit(most) for name, most in limits.items()}
        begun = datetime.fromisoformat(self.config.created_at)
        for card in self.config.models:
            if price := price_at(card.prices, begun):
                asked[f"prices.{card.id}"] = str(price.valid_from)
        if self.preflights().forced:
            asked["preflight"] = "a red one was passed over"
        return asked | (lock.conditions() if lock else {})

    def _journal(self) -> list[Trial]:
        journal = self.paths.journal
        if not journal.is_file():
            return []
        with journal.open("rb") as lines:
            return [
                parsed(Trial, line, journal, number)
                for number, line in enumerate(lines, 1)
                if line.endswith(b"\n")
            ]

    def _demand_same(self, lock: RunLock) -> None:
        known = self.resolved()
        if known is None:
            write_record(self.paths.lock, lock)
            return
        changed = known.differences(lock)
        if changed:
            raise RunError(
                f"{self.paths.folder}: changed since the run began: {', '.join(changed)}",
                next_step="Results would not be comparable: start a new run, or undo the change",
            )

    def _drop_torn_line(self) -> None:
        if not self.paths.journal.is_file():
            return
        with self.paths.journal.open("rb+") as file:
            data = file.read()
            whole = data.rfind(b"\n") + 1
            if whole != len(data):
                file.truncate(whole)


def find_run(runs: Path, name: str) -> Run:
    """Open a run by its folder, its id, or `latest`."""
    if name == "latest":
        found = sorted(path.parent for path in runs.glob("*/run.json"))
        if not found:
            raise RunError(f"no run in {runs}", next_step="Make one with `testbed run`")
        return Run(found[-1])
    for folder in (Path(name), runs / name):
        if holds_run(folder):
            return Run(folder)
    raise RunError(f"no run `{name}` in {runs}", next_step="List them with `ls`, or use `latest`")


def _append(file: FileIO, line: bytes) -> None:
    """Add a line whole and durable, or not at all."""
    before = file.seek(0, os.SEEK_END)
    try:
        while line:  # a disk that is nearly full takes a part, and refuses only the next one
            line = line[file.write(line) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(before)
        raise


def _limit(most: float | None) -> str:
    return "none" if most is None else f"{most:.15g}"


def _counted(tries: dict[int, Trial]) -> int:
    valid = [n for n, trial in tries.items() if trial.verdict is not Verdict.UNGRADED]
    return min(valid) if valid else max(tries)


def _read_if_there(kind: type[R], path: Path) -> R | None:
    return _read(kind, path) if path.is_file() else None


def _read(kind: type[R], path: Path) -> R:
    return parsed(kind, path.read_bytes(), path)
