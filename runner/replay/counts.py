"""Whether a try's record agrees with its own files: counts, sums, patch and verdict."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from runner.agent.budget import total_cost, total_usage
from runner.replay.files import Damaged, read_attempts, read_grade, read_turns
from testbed.records import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from testbed.records import Trial
    from testbed.store import TrialPaths

    Contradiction = tuple[Path, str]


def contradictions(trial: Trial, paths: TrialPaths) -> Iterator[Contradiction]:
    """Yield the file and what speaks against it, damage that keeps it from being read included."""
    for check in (_conversation, _patch, _grade):
        try:
            yield from check(trial, paths)
        except Damaged as damage:
            yield damage.path, damage.detail


def _conversation(trial: Trial, paths: TrialPaths) -> Iterator[Contradiction]:
    exchanges = [attempt.booked for attempt in read_attempts(paths.exchanges)]
    if len(exchanges) != trial.requests:
        yield paths.exchanges, f"holds {len(exchanges)} exchanges, the trial {trial.requests}"
    if exchanges and total_usage(exchanges) != trial.usage:
        yield paths.exchanges, "its usage does not add up to the trial's"
    if exchanges and total_cost(exchanges) != trial.cost_usd:
        yield paths.exchanges, "its costs do not add up to the trial's"
    if paths.requests.is_file() and _booked(paths.requests) != exchanges:
        yield paths.requests, f"not what {paths.exchanges.name} booked"
    turns, wanted = len(list(read_turns(paths.turns))), trial.turns - _unanswered(exchanges)
    if turns != wanted:
        yield paths.turns, f"holds {turns} turns, the trial {wanted} with a reply"


def _booked(path: Path) -> list[Exchange]:
    try:
        return [Exchange.model_validate_json(line) for line in path.read_bytes().splitlines()]
    except ValueError as fault:
        raise Damaged(path, f"not as it was written: {fault}") from fault


def _unanswered(exchanges: Sequence[Exchange]) -> int:
    """Count the turn that brought no reply: it is the last one, and in no conversation."""
    return bool(exchanges) and exchanges[-1].error not in (None, "tool_use_failed")


def _patch(trial: Trial, paths: TrialPaths) -> Iterator[Contradiction]:
    if trial.patch is None:
        return
    if not paths.patch.is_file():
        yield paths.patch, "missing"
    elif hashlib.sha256(paths.patch.read_bytes()).hexdigest() != trial.patch.digest:
        yield paths.patch, "not the patch that was measured"


def _grade(trial: Trial, paths: TrialPaths) -> Iterator[Contradiction]:
    grade = read_grade(paths.grade)
    if grade is not None and grade.verdict is not trial.verdict:
        yield paths.grade, f"says {grade.verdict}, the trial {trial.verdict}"
