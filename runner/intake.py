"""Takes in a run that came from another machine: nothing in it is believed before it is looked at.

Only files that a run is known to have are copied, each within bounds, and what they say of each
other has to agree. Links, strange names and trials that were not asked for refuse the whole.
"""

from __future__ import annotations

import re
import shutil
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from runner.replay.audit import audit_run
from testbed.errors import RunError
from testbed.plan import PlannedTrial, RunConfig
from testbed.records import Trial
from testbed.settings import describe
from testbed.store import Run, RunPaths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MOST_FILES: Final = 100_000
MOST_BYTES: Final = 256_000_000
"""Of one file, unpacked."""
MOST_LINE: Final = 32_000_000
"""Bytes of one exchange: a reader joins its pieces again and again."""
MOST_TOGETHER: Final = 4_000_000_000
"""Bytes of all files."""
RECORDS: Final = frozenset({"lock.json", "preflight.json", "references.json", "briefs.json"})
JOURNAL: Final = "trials.jsonl"
CONFIG: Final = "run.json"
LEFT: Final = frozenset({"writer.lock", "marks.jsonl"})
"""Files of a run that are not taken over: of no use, or not a trial's."""
LEFT_FOLDERS: Final = frozenset({"scoreboard", "shots", "judging"})
_TRY_FILE: Final = re.compile(
    r"turns\.jsonl|exchanges\.jsonl\.zst|requests\.jsonl|patch(-\d{1,3})?\.diff|grade\.json"
    r"|trial\.json|log\.txt|junit-[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.xml"
)
_HALF: Final = re.compile(r"\.[A-Za-z0-9_.-]+\.[0-9a-f]{8}")
"""A file that was being written when its process was ended."""
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NEXT: Final = "Make that part again; nothing of it was taken over"


@dataclass(frozen=True, kw_only=True)
class Intake:
    """What is expected of a run that is taken in."""

    config: bytes | None
    """What its `run.json` has to be, byte for byte; `None`: whatever it is."""
    trials: Collection[PlannedTrial] | None
    """The only trials that it may hold; `None`: those of its own plan."""

    def take(self, folder: Path, place: Path) -> Run:
        """Copy the run in `folder` to `place`, which must not be there; raise `RunError`."""
        files = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
        config = self._config(files)
        allowed = list(config.trials()) if self.trials is None else self.trials
        tries = _demand_known(files, RunPaths(Path()), allowed)
        lines = _journal(files.get(JOURNAL), allowed)
        complete = {(planned, number) for planned, number in lines}
        for name, path in files.items():
            # Without its line in the journal a try was never committed: it is no result.
            torn = name.endswith("/trial.json") and tries[name] not in complete
            if name != JOURNAL and name not in LEFT and not torn:
                _copy(path, place / name)
        journal = b"".join(line for line in lines.values())
        if journal:
            (place / JOURNAL).write_bytes(journal)
        _demand_sound(place)
        return Run(place)

    def _config(self, files: dict[str, Path]) -> RunConfig:
        if CONFIG not in files:
            raise _refused(f"no {CONFIG}")
        data = files[CONFIG].read_bytes()
        if self.config is not None and data != self.config:
            raise _refused(f"{CONFIG} is not that of the plan")
        try:
            config = RunConfig.model_validate_json(data)
        except ValidationError as fault:
            raise _refused(f"{CONFIG}: {describe(fault)}") from fault
        if not _RUN_ID.fullmatch(config.run_id):
            raise _refused(f"{CONFIG}: `run_id` is no plain name")
        return config


def _files(folder: Path) -> Iterator[Path]:
    """List the plain files of a folder that are looked at; refuse links, devices and floods."""
    together, waiting = 0, [folder]
    found = 0
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            mode, size = (status := path.lstat()).st_mode, status.st_size
            if stat.S_ISDIR(mode):
                if path.parent != folder or path.name not in LEFT_FOLDERS:
                    waiting.append(path)
                continue
            found, together = found + 1, together + size
            name = ascii(path.relative_to(folder).as_posix())
            if not stat.S_ISREG(mode):
                raise _refused(f"{name} is a link or no plain file")
            if size > MOST_BYTES or together > MOST_TOGETHER or found > MOST_FILES:
                raise _refused(f"{name} is too large, or one file too many")
            if not _HALF.fullmatch(path.name):
                yield path


def _demand_known(
    files: dict[str, Path], paths: RunPaths, allowed: Collection[PlannedTrial]
) -> dict[str, tuple[PlannedTrial, int]]:
    """Refuse what no run has; return which try each file of a trial belongs to."""
    places = {paths.repeat(planned).as_posix(): planned for planned in allowed}
    tries: dict[str, tuple[PlannedTrial, int]] = {}
    for name, path in files.items():
        if name in RECORDS | LEFT | {CONFIG, JOURNAL}:
            continue
        trial, _, number = name.rpartition("/")[0].rpartition("/")
        if (
            trial not in places
            or not re.fullmatch(r"[1-9]\d{0,3}", number, re.ASCII)
            or not _TRY_FILE.fullmatch(name.rpartition("/")[2])
        ):
            raise _refused(f"{name!a} is no file of a trial that it was to make")
        tries[name] = places[trial], int(number)
        if name.endswith(".zst"):
            _demand_bounded(path)
    return tries


def _demand_bounded(path: Path) -> None:
    """Refuse what unpacks to more than a conversation ever is."""
    import zstandard

    size = line = 0
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        try:
            while piece := reader.read(1 << 16):
                size += len(piece)
                end = piece.rfind(b"\n") + 1
                line = len(piece) - end + (0 if end else line)
                if size > MOST_BYTES or line > MOST_LINE:
                    raise _refused(f"{path.name} of a trial unpacks to too much")
        except zstandard.ZstdError as fault:
            raise _refused(f"{path.name} of a trial cannot be unpacked: {fault}") from fault


def _journal(
    path: Path | None, allowed: Collection[PlannedTrial]
) -> dict[tuple[PlannedTrial, int], bytes]:
    """Read the complete lines by their try; a line that was being written is dropped."""
    found: dict[tuple[PlannedTrial, int], bytes] = {}
    known = set(allowed)
    *lines, _torn = path.read_bytes().split(b"\n") if path else [b""]
    for number, line in enumerate(lines, 1):
        try:
            trial = Trial.model_validate_json(line)
        except ValidationError as fault:
            raise _refused(f"{JOURNAL}:{number}: {describe(fault)}") from fault
        planned = PlannedTrial(*trial.key)
        if planned not in known or trial.attempt < 1:
            raise _refused(f"{JOURNAL}:{number}: a trial that it was not to make")
        if not all(_TRY_FILE.fullmatch(name) for name in trial.files):
            raise _refused(f"{JOURNAL}:{number}: a file that no trial has")
        if (planned, trial.attempt) in found:
            raise _refused(f"{JOURNAL}:{number}: the same try a second time")
        found[planned, trial.attempt] = line + b"\n"
    return found


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)


def _demand_sound(place: Path) -> None:
    """Refuse what does not agree with its own digests, counts and sums."""
    audit = audit_run(place)
    found = Counter(str(finding) for finding in (*audit.findings, *audit.unproven))
    if found:
        more = f" and {len(found) - 1} more findings" if len(found) > 1 else ""
        raise _refused(f"{next(iter(found))}{more}")


def _refused(what: str) -> RunError:
    return RunError(what, next_step=_NEXT)
