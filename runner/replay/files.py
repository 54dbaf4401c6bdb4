"""What one complete try left on disk, read whole; damage is named by its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.chat.replay import Attempt
from runner.chatters import endpoint_of
from runner.grading.changes import read_changes
from runner.recording import read_exchanges
from testbed.errors import RunError
from testbed.records import Grade, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.chat.quirks import ModelEndpoint
    from testbed.catalog import ModelCard
    from testbed.store import TrialPaths

_NOWHERE = "http://replay.invalid/v1"
"""Stands for the endpoint of a card: nothing is ever sent there."""


class Damaged(RunError):
    """A recorded file cannot be read."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            f"{path}: {detail}", next_step="`testbed verify-run` names every file that was changed"
        )
        self.path, self.detail = path, detail


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The recorded files of one try that its figures rest on; `None` for one that is absent."""

    turns: tuple[Turn, ...]
    attempts: tuple[Attempt, ...]
    grade: Grade | None
    diff: bytes | None


def read_kept(paths: TrialPaths) -> Kept:
    """Read a try; raise `Damaged` naming the first file that cannot be read."""
    return Kept(
        turns=tuple(read_turns(paths.turns)),
        attempts=tuple(read_attempts(paths.exchanges)),
        grade=read_grade(paths.grade),
        diff=_read_diff(paths.patch),
    )


def read_turns(path: Path) -> Iterator[Turn]:
    """Yield the turns of a conversation; none when there is no file."""
    lines = path.read_bytes().splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        try:
            yield Turn.model_validate_json(line)
        except ValueError as fault:
            raise Damaged(path, f"line {number} is no turn") from fault


def read_attempts(path: Path) -> Iterator[Attempt]:
    """Yield every recorded attempt; none when there is no file."""
    from zstandard import ZstdError

    if not path.is_file():
        return
    try:
        yield from map(Attempt.read, read_exchanges(path))
    except ZstdError as fault:
        raise Damaged(path, str(fault)) from fault
    except (ValueError, LookupError, TypeError, AttributeError) as fault:
        raise Damaged(path, "not every line is an exchange") from fault


def replay_endpoint(card: ModelCard) -> ModelEndpoint:
    """Build a card's endpoint as far as it shapes requests and books: no key, no address."""
    return endpoint_of(card.model_copy(update={"key_variable": None}), base_url=_NOWHERE)


def read_grade(path: Path) -> Grade | None:
    """Return the grade of a patch, or `None` when there is no file."""
    if not path.is_file():
        return None
    try:
        return Grade.model_validate_json(path.read_bytes())
    except ValueError as fault:
        raise Damaged(path, "no grade") from fault


def _read_diff(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    diff = path.read_bytes()
    try:
        read_changes(diff)
    except (StopIteration, ValueError, LookupError) as fault:
        raise Damaged(path, "no diff of ours") from fault
    return diff
