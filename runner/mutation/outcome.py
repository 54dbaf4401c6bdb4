"""What came of trying one mutant, and the file that keeps it for the next time."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import ValidationError

from testbed.record import Record
from testbed.store import storing, write_record

if TYPE_CHECKING:
    from pathlib import Path


class Noticed(StrEnum):
    """What is the first to notice a mutant, in the order in which it is tried."""

    TYPES = "types"
    """The type check refuses it."""
    LINT = "lint"
    """The linter finds something that it does not find in the pristine fixture."""
    VISIBLE = "visible"
    """A visible test fails: whoever begins to work would see it."""
    HIDDEN = "hidden"
    """A hidden check fails, and nothing that a model can see."""
    NOBODY = "nobody"
    """Nothing fails."""
    UNCLEAR = "unclear"
    """Its tests gave no report, or did not fail again."""


class Outcome(Record):
    """What came of trying one mutant."""

    mutant: str
    """Its id."""
    noticed: Noticed
    """By what."""
    checks: tuple[str, ...] = ()
    """Ids of the tests that failed; of hidden ones those that failed again."""
    group: int | None = None
    """Which group of hidden checks these are of."""
    detail: str = ""
    """Why, where no test says it."""
    seconds: float


class Control(Record):
    """What the pristine fixture shows in the same place."""

    visible: tuple[str, ...]
    """Ids of visible tests; all of them pass."""
    hidden: tuple[tuple[str, ...], ...]
    """For each group of hidden checks the ids of tests in files all of whose tests pass."""
    findings: dict[str, int]
    """What the linter says, and how often."""


class Ledger:
    """Control and outcomes of one state of fixture and checks, kept below a folder.

    Outcomes are appended one by one, so that an interrupted command goes on where it was.
    """

    def __init__(self, folder: Path) -> None:
        self._control = folder / "control.json"
        self._outcomes = folder / "outcomes.jsonl"

    def control(self) -> Control | None:
        """Return what was kept of the pristine fixture; `None` when nothing sound was."""
        try:
            return Control.model_validate_json(self._control.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def keep_control(self, control: Control) -> None:
        """Keep what the pristine fixture shows."""
        write_record(self._control, control)

    def outcomes(self) -> dict[str, Outcome]:
        """Return what was kept, by the mutant's id; a line that a crash tore is left out."""
        found: dict[str, Outcome] = {}
        lines = self._outcomes.read_bytes().splitlines() if self._outcomes.is_file() else []
        for line in lines:
            try:
                outcome = Outcome.model_validate_json(line)
            except ValidationError:
                continue
            found[outcome.mutant] = outcome
        return found

    def keep(self, outcome: Outcome) -> None:
        """Append one outcome."""
        with storing(self._outcomes), self._outcomes.open("ab+", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            torn = b"" if file.read(1) in (b"", b"\n") else b"\n"
            file.write(torn + outcome.model_dump_json().encode() + b"\n")
