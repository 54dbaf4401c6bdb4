"""What a trial leaves on disk: every file of a try is written here, and none with a key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.redaction import NO_KEYS, Redactor
from runner.tally import Tally
from testbed.plan import PlannedTrial
from testbed.store import TrialPaths, storing, write_atomically, write_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.grading.grade import GradeResult
    from testbed.records import Exchange, Trial, Turn
    from testbed.store import Run


@dataclass
class Recording:
    """Writes one try's files; of a conversation only its tally is kept in memory."""

    paths: TrialPaths
    redactor: Redactor = NO_KEYS
    tally: Tally = field(default_factory=Tally, init=False)

    def begin(self) -> None:
        """Make the try's folder, so that no later try takes its number."""
        with storing(self.paths.folder):
            self.paths.folder.mkdir(parents=True)

    def turn(self, turn: Turn) -> None:
        """Append one turn of the conversation and count its tool calls."""
        self.tally.take(turn)
        line = self.redactor.record(turn).model_dump_json()
        self._append(self.paths.turns, line.encode() + b"\n")

    def exchange(
        self, exchange: Exchange, request: Mapping[str, Any], chunks: Sequence[tuple[float, bytes]]
    ) -> None:
        """Append one HTTP attempt as a compressed frame of its own: a torn tail costs one.

        What was booked of it is also kept as a line by itself, for readers without its stream.
        """
        import zstandard

        pieces = self.redactor.pieces(chunks)
        booked = self.redactor.value(exchange.model_dump(mode="json"))
        record = {
            "exchange": booked,
            "request": self.redactor.value(request),
            "chunks": [[at, data.decode("latin-1")] for at, data in pieces],
        }
        frame = zstandard.ZstdCompressor().compress(_line(record))
        self._append(self.paths.exchanges, frame)
        self._append(self.paths.requests, _line(booked))

    def note(self, text: str) -> None:
        """Append to the try's log."""
        self._append(self.paths.log, self.redactor.data(text.rstrip("\n").encode()) + b"\n")

    def patch(self, diff: bytes, *, prompt: int | None = None) -> None:
        """Keep the diff that is graded, or that of one prompt. It was made without keys."""
        path = self.paths.patch if prompt is None else self.paths.prompt_patch(prompt)
        write_atomically(path, diff)

    def grade(self, graded: GradeResult) -> None:
        """Keep a grade, the reports it rests on and what the commands said."""
        for step, report in graded.reports.items():
            write_atomically(self.paths.junit(step), self.redactor.data(report))
        write_record(self.paths.grade, self.redactor.record(graded.grade))
        self.note(graded.log)

    def _append(self, path: Path, data: bytes) -> None:
        with storing(path), path.open("ab") as file:
            file.write(data)


def sealed(trial: Trial, run: Run) -> Trial:
    """Return the trial with the digests of the lock and of every other file of its try."""
    paths = run.paths.attempt(PlannedTrial(*trial.key), trial.attempt)
    files = {
        path.name: _digest(path)
        for path in sorted(paths.folder.iterdir())
        if path.is_file() and path != paths.trial
    }
    lock = _digest(run.paths.lock) if run.paths.lock.is_file() else None
    return trial.model_copy(update={"files": files, "lock": lock})


def read_exchanges(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every recorded exchange: `exchange`, `request` and `chunks` ([seconds, latin-1])."""
    import zstandard

    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        rest = b""
        while piece := reader.read(1 << 16):
            *lines, rest = (rest + piece).split(b"\n")
            yield from map(json.loads, lines)


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
