"""Single outcomes of a certification, kept as they come: an interrupted one goes on from there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Literal

from pydantic import ValidationError

from testbed.errors import UsageError
from testbed.record import Record
from testbed.store import storing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path


class Outcome(Record):
    """One grading, one step on one tree, or one type check."""

    key: str
    """Digest of all that decides it."""
    what: str
    """For people who read the file."""
    verdict: Literal["pass", "fail"]
    failed: tuple[str, ...] = ()
    """Ids of the checks that failed."""
    fault: str = ""
    """What is wrong with it, where something else had to come out."""
    seconds: float


def key_of(*parts: object) -> str:
    """Digest what decides an outcome: anything that is JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Ledger:
    """The outcomes of one scenario: a line each, never written over."""

    def __init__(self, file: IO[bytes], known: dict[str, Outcome]) -> None:
        self._file = file
        self._known = known

    async def once(self, key: str, make: Callable[[], Coroutine[None, None, Outcome]]) -> Outcome:
        """Return the outcome of this key; make it, and keep it, when there is none."""
        if key not in self._known:
            made = await make()
            self._file.write(made.model_dump_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._known[key] = made
        return self._known[key]


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """Hold a ledger for writing.

    Raises `UsageError` when another process holds it, and naming a line that is not sound; a last
    line that was torn by a crash is dropped.
    """
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            _hold(file, path)
            file.seek(0)
            data = file.read()
            whole = data.rfind(b"\n") + 1
            file.truncate(whole)
            yield Ledger(file, _read(data[:whole], path))


def _hold(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"{path.stem} is being certified by another process ({path})",
            next_step="Wait for it to end, or end it",
        ) from None


def _read(data: bytes, path: Path) -> dict[str, Outcome]:
    known: dict[str, Outcome] = {}
    for number, line in enumerate(data.splitlines(), 1):
        try:
            outcome = Outcome.model_validate_json(line)
        except ValidationError:
            raise UsageError(
                f"{path}:{number}: no outcome of a certification",
                next_step="Remove the file: what it held is made anew",
            ) from None
        known[outcome.key] = outcome
    return known
