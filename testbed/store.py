"""The run directory: the only place that joins result paths, and the only one that writes there."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from testbed.errors import DiskFull, RunError
from testbed.metrics import ModelView, RunView, ScenarioView
from testbed.plan import PlannedTrial, RunConfig, RunLock
from testbed.record import Record
from testbed.records import Trial, Verdict
from testbed.settings import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class TrialPaths:
    """The files of one try at one trial.

    ::

        <try>/
          turns.jsonl            the conversation, one line per turn, written as it happens
          exchanges.jsonl.zst    every request and its raw stream, one frame per exchange
          patch.diff             what the agent left
          junit-<step>.xml       the test runner's own reports
          grade.json             every check's outcome
          trial.json             the result; present only when the try is complete
          log.txt                what the sandbox and the harness had to say
    """

    folder: Path

    @property
    def turns(self) -> Path:
        """Locate the conversation."""
        return self.folder / "turns.jsonl"

    @property
    def exchanges(self) -> Path:
        """Locate the raw streams."""
        return self.folder / "exchanges.jsonl.zst"

    @property
    def patch(self) -> Path:
        """Locate the diff."""
        return self.folder / "patch.diff"

    @property
    def grade(self) -> Path:
        """Locate the checks' outcome."""
        return self.folder / "grade.json"

    @property
    def trial(self) -> Path:
        """Locate the result."""
        return self.folder / "trial.json"

    @property
    def log(self) -> Path:
        """Locate the log."""
        return self.folder / "log.txt"

    def junit(self, step: str) -> Path:
        """Locate the report of one grading step."""
        return self.folder / f"junit-{step}.xml"


@dataclass(frozen=True)
class RunPaths:
    """The files of one run.

    ::

        runs/<run>/
          run.json               what was asked
          lock.json              what it resolved to: digests, image, versions
          preflight.json         what the endpoints were found to do before the first trial
          references.json        scenario -> code quality of its reference solution
          trials.jsonl           what happened: a line per complete try or re-grading
          marks.jsonl            what judges and people thought of patches, a line per mark
          writer.lock            held by the process that writes
          trials/<model>/<scenario>/<repeat>/<try>/    see TrialPaths
          scoreboard/index.html
    """

    folder: Path

    @property
    def config(self) -> Path:
        """Locate what was asked."""
        return self.folder / "run.json"

    @property
    def lock(self) -> Path:
        """Locate what it resolved to."""
        return self.folder / "lock.json"

    @property
    def journal(self) -> Path:
        """Locate what happened."""
        return self.folder / "trials.jsonl"

    @property
    def preflight(self) -> Path:
        """Locate what the endpoints were found to do."""
        return self.folder / "preflight.json"

    @property
    def references(self) -> Path:
        """Locate the code quality of the reference solutions."""
        return self.folder / "references.json"

    @property
    def marks(self) -> Path:
        """Locate what judges and people thought of patches."""
        return self.folder / "marks.jsonl"

    @property
    def writer(self) -> Path:
        """Locate the writer's lock file."""
        return self.folder / "writer.lock"

    @property
    def scoreboard(self) -> Path:
        """Locate the scoreboard's folder."""
        return self.folder / "scoreboard"

    def repeat(self, planned: PlannedTrial) -> Path:
        """Locate the tries of one trial. Characters foreign to file names are replaced."""
        model = planned.model.replace("/", "~").replace(":", "+")
        return self.folder / "trials" / model / planned.scenario / str(planned.repeat)

    def attempt(self, planned: PlannedTrial, attempt: int) -> TrialPaths:
        """Locate one try."""
        return TrialPaths(self.repeat(planned) / str(attempt))


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn a full disk into `DiskFull`; what was stored before is kept."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no space left to write {path}",
                next_step="Free some space, then continue with `testbed run --resume`",
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
        return _read(RunLock, self.paths.lock) if self.paths.lock.is_file() else None

    def add(self, trial: Trial) -> None:
        """Commit one complete try: its own file first, then the journal's line."""
        planned = PlannedTrial(*trial.key)
        write_record(self.paths.attempt(planned, trial.attempt).trial, trial)
        line = trial.model_dump_json().encode() + b"\n"
        with storing(self.paths.journal), self.paths.journal.open("ab", buffering=0) as file:
            file.write(line)
            os.fsync(file.fileno())

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

    def view(self, folder: Path) -> RunView:
        """Return the run as reports see it; `folder` is where the scoreboard will stand."""
        counted, spoiled = self.trials()
        lock = self.resolved()
        return RunView(
            run_id=self.config.run_id,
            created=self.config.created_at,
            models=tuple(
                ModelView(name=card.id, scripted=card.scripted, card=card.title)
                for card in self.config.models
            ),
            scenarios=tuple(
                ScenarioView(id=s.id, title=s.title, kind=s.kind, difficulty=s.difficulty)
                for s in self.config.scenarios
            ),
            repeats=self.config.repeats,
            trials=counted,
            spoiled=spoiled,
            conditions=lock.conditions() if lock else {},
            files={trial.key: self._files(trial, folder) for trial in counted},
        )

    def _files(self, trial: Trial, folder: Path) -> tuple[str, ...]:
        paths = self.paths.attempt(PlannedTrial(*trial.key), trial.attempt)
        known = (paths.trial, paths.patch, paths.grade, paths.turns, paths.log)
        return tuple(Path(os.path.relpath(p, folder)).as_posix() for p in known if p.is_file())

    def _journal(self) -> Iterator[Trial]:
        if not self.paths.journal.is_file():
            return
        with self.paths.journal.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield Trial.model_validate_json(line)
                except ValidationError as fault:
                    raise RunError(
                        f"{self.paths.journal}:{number}: {describe(fault)}",
                        next_step="It was written by another version, or edited",
                    ) from fault

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
        if (folder / "run.json").is_file():
            return Run(folder)
    raise RunError(f"no run `{name}` in {runs}", next_step="List them with `ls`, or use `latest`")


def _counted(tries: dict[int, Trial]) -> int:
    valid = [n for n, trial in tries.items() if trial.verdict is not Verdict.UNGRADED]
    return min(valid) if valid else max(tries)


def _read(kind: type[R], path: Path) -> R:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as fault:
        raise RunError(
            f"{path}: {describe(fault)}", next_step="It was written by another version, or edited"
        ) from fault
