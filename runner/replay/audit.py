"""Whether a run's files are still what they were, and whether they agree with each other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import ValidationError

from runner.replay.compare import differences
from runner.replay.counts import contradictions
from testbed.briefs import Briefs
from testbed.findings import References
from testbed.plan import PlannedTrial, RunConfig, RunLock
from testbed.preflight import Preflights
from testbed.record import Record
from testbed.records import Trial, Verdict
from testbed.settings import describe
from testbed.store import RunPaths, TrialPaths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

R = TypeVar("R", bound=Record)

NO_DIGESTS: Final = "no digests recorded"
_REGRADED: Final = (
    *("verdict", "failure", "checks_total", "checks_failed", "violations", "unused", "localised"),
    *("quality", "own_tests", "harm", "prompts", "files.grade.json", "files.log.txt"),
)
"""What grading again may change."""
_FORMS: Final[dict[str, type[Record]]] = {
    "preflight.json": Preflights,
    "references.json": References,
    "briefs.json": Briefs,
}
"""Files of a run beside those of its trials, and what they hold."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One file and what is to be said of it."""

    file: str
    """POSIX path below the run's folder."""
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(kw_only=True)
class Audit:
    """What was found in one run's folder."""

    findings: list[Finding] = field(default_factory=list)
    """What is not as it was left."""
    unproven: list[Finding] = field(default_factory=list)
    """What cannot be compared: an older version recorded no digest of it."""
    notes: list[Finding] = field(default_factory=list)
    """What belongs to no complete try, or is covered by no digest on purpose."""
    digests: int = 0
    """Files whose digest was compared."""
    counts: dict[str, int] = field(default_factory=dict)
    """Trials planned, valid, ungraded and missing; complete tries."""

    @property
    def sound(self) -> bool:
        """Say whether all that a try's figures rest on is proven to be as it was left."""
        return not self.findings and not self.unproven


def audit_run(folder: Path) -> Audit:
    """Look at every file of a run's folder. Damage is a finding, never an error."""
    return _Auditor(RunPaths(folder)).audit()


class _Auditor:
    """Works through one run's folder."""

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self.found = Audit()

    def audit(self) -> Audit:
        config = self._record(RunConfig, self.paths.config)
        lock = self._lock()
        tries = self._journal()
        if config is not None:
            self._count(config, tries)
        for (planned, number), trial in tries.items():
            try:
                self._try(trial, self.paths.attempt(planned, number), lock)
            except (OSError, ValueError) as fault:
                # A name that was changed may be no file name at all.
                self._fault(self.paths.journal, f"{'/'.join(map(str, planned))}: {fault}")
        self._strangers(tries)
        return self.found

    def _say(self, kind: list[Finding], path: Path, what: str) -> None:
        kind.append(Finding(file=self._name(path), what=what))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.paths.folder).as_posix()

    def _fault(self, path: Path, what: str) -> None:
        self._say(self.found.findings, path, what)

    def _record(self, kind: type[R], path: Path) -> R | None:
        """Read a record written by itself; say when it is absent, damaged or not as written."""
        try:
            data = path.read_bytes()
            record = kind.model_validate_json(data)
        except FileNotFoundError:
            self._fault(path, "missing")
        except ValidationError as fault:
            self._fault(path, describe(fault))
        except OSError as fault:
            self._fault(path, f"cannot be read: {fault.strerror}")
        else:
            if data != (record.model_dump_json(indent=1, exclude_unset=True) + "\n").encode():
                self._fault(path, "not as it was written")
            return record
        return None

    def _lock(self) -> str | None:
        """Compare run.json with the lock; return the lock's own digest."""
        if not self.paths.lock.is_file():
            return None
        lock = self._record(RunLock, self.paths.lock)
        if lock is not None and lock.config is None:
            self._say(self.found.unproven, self.paths.config, NO_DIGESTS)
        elif lock is not None:
            self._compare(self.paths.config, lock.config)
        return _digest(self.paths.lock)

    def _compare(self, path: Path, digest: str | None) -> None:
        self.found.digests += 1
        if not path.is_file():
            self._fault(path, "missing")
        elif _digest(path) != digest:
            self._fault(path, "changed: its digest is another")

    def _journal(self) -> dict[tuple[PlannedTrial, int], Trial]:
        """Return the last line of every try; earlier ones were replaced by a re-grading."""
        journal, tries = self.paths.journal, dict[tuple[PlannedTrial, int], Trial]()
        lines = journal.read_bytes().split(b"\n") if journal.is_file() else [b""]
        if not journal.is_file() and any(self.paths.folder.glob("trials/*/*/*/*/trial.json")):
            self._fault(journal, "missing")
        if lines.pop():
            self._fault(journal, "its last line is cut")
        for number, line in enumerate(lines, 1):
            try:
                trial = Trial.model_validate_json(line)
            except ValidationError as fault:
                self._fault(journal, f"line {number}: {describe(fault)}")
                continue
            if line != trial.model_dump_json(exclude_unset=True).encode():
                self._fault(journal, f"line {number} is not as it was written")
            place = PlannedTrial(*trial.key), trial.attempt
            if place in tries:
                self._replaced(tries[place], trial, number)
            tries[place] = trial
        return tries

    def _replaced(self, old: Trial, new: Trial, number: int) -> None:
        """Lay a try beside its re-grading: nothing but its grade may be another."""
        journal = self.paths.journal
        self._say(self.found.notes, journal, f"line {number} replaces a grade that nothing covers")
        reports = [f"files.{name}" for name in old.files | new.files if name.startswith("junit-")]
        for difference in differences(old, new, but=(*_REGRADED, *reports)):
            self._fault(journal, f"line {number} is no re-grading: {difference}")

    def _try(self, trial: Trial, paths: TrialPaths, lock: str | None) -> None:
        stored = self._record(Trial, paths.trial)
        if stored is not None and stored != trial:
            # Which of the two was changed nothing tells: both are named.
            self._fault(paths.trial, f"not the same as its line in {self.paths.journal.name}")
            self._fault(self.paths.journal, f"not the same as {self._name(paths.trial)}")
        if trial.lock is None:
            self._say(self.found.unproven, self.paths.lock, NO_DIGESTS)
        elif lock != trial.lock:
            self._fault(self.paths.lock, "changed: its digest is another")
        self._files(trial, paths)
        for path, what in contradictions(trial, paths):
            self._fault(path, what)

    def _files(self, trial: Trial, paths: TrialPaths) -> None:
        if not trial.files:
            self._say(self.found.unproven, paths.folder, NO_DIGESTS)
            return
        for name, digest in trial.files.items():
            self._compare(paths.folder / name, digest)
        for path in _files_below(paths.folder):
            name = path.relative_to(paths.folder).as_posix()
            if path != paths.trial and name not in trial.files:
                self._fault(path, "was not there when the try ended")

    def _count(self, config: RunConfig, tries: dict[tuple[PlannedTrial, int], Trial]) -> None:
        planned = set(config.trials())
        for place, _ in tries:
            if place not in planned:
                self._fault(self.paths.journal, f"{'/'.join(map(str, place))} was not planned")
        made = {place for place, _ in tries} & planned
        valid = {p for (p, _), t in tries.items() if t.verdict is not Verdict.UNGRADED} & planned
        self.found.counts = {
            "planned": len(planned),
            "valid": len(valid),
            "ungraded": len(made - valid),
            "missing": len(planned - made),
            "tries": len(tries),
        }

    def _strangers(self, tries: dict[tuple[PlannedTrial, int], Trial]) -> None:
        """Tell of what belongs to no complete try, and of what no digest covers."""
        complete = {self.paths.attempt(planned, number).folder for planned, number in tries}
        trials, paths = self.paths.folder / "trials", self.paths
        for folder in sorted({path.parent for path in _files_below(trials)} - complete):
            if any(folder.is_relative_to(one) for one in complete):
                continue
            if TrialPaths(folder).trial.is_file():
                stray = TrialPaths(folder).trial
                self._fault(stray, f"has no line in {paths.journal.name}")
                # Either of the two may have been changed.
                self._fault(paths.journal, f"has no line of {self._name(stray)}")
            else:
                self._say(self.found.notes, folder, "an unfinished try")
        own = {
            paths.config,
            paths.lock,
            paths.journal,
            paths.writer,
            trials,
            paths.scoreboard,
            paths.folder / "shots",
        }
        for path in sorted(set(paths.folder.iterdir()) - own):
            if kind := _FORMS.get(path.name):
                self._record(kind, path)
            self._say(self.found.notes, path, "no digest covers it")


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
