"""A try's record made again from its recorded files alone, and laid beside the stored one."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from runner.agent.budget import total_cost
from runner.chat.replay import TapeEnded
from runner.chatters import Pricer
from runner.grading.changes import read_changes
from runner.replay.compare import ABSENT, Difference, differences
from runner.replay.conversation import hold
from runner.replay.files import Damaged, read_kept
from runner.summary import DECIDING, Outcome, summarise
from runner.tally import Tally
from runner.workspace import PatchFile
from testbed.plan import PlannedTrial
from testbed.records import Check, CheckKind, Ending, Grade, Origin, Patch, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.replay.conversation import Held
    from runner.replay.files import Kept
    from testbed.catalog import ModelCard
    from testbed.plan import RunConfig
    from testbed.record import Record
    from testbed.records import Exchange, Failure, Trial
    from testbed.store import Run, TrialPaths

NOT_REBUILT: Final = (
    "started_at",
    *(f"phases.{p}" for p in ("start", "seed", "agent", "patch", "queue", "grade", "total")),
    "phases.model",
    "files",
    "lock",
)
"""What the harness's own clock said, and the digests, which `testbed verify-run` compares."""
_UNTOLD: Final = (Origin.SANDBOX, Origin.HARNESS)
"""Origins of failures that no file of a conversation tells of."""
_NO_PATCH: Final = Grade(
    verdict=Verdict.FAIL, checks=(Check(id="patch", kind=CheckKind.WITNESS, passed=False),)
)
"""The grade of a workspace that could not become a patch: it is not kept as a file."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """One try, made again."""

    stored: Trial
    trial: Trial
    """As the recorded files give it; what they do not tell is taken from the stored one."""
    exchanges: tuple[Exchange, ...]
    differences: tuple[Difference, ...]


def recompute(run: Run) -> Iterator[Rebuilt]:
    """Make every complete try of a run again, in the order of its journal.

    Raises `Damaged` when a recorded file cannot be read.
    """
    for planned, tries in run.tries().items():
        for number, stored in sorted(tries.items()):
            yield rebuild(run.config, stored, run.paths.attempt(planned, number))


def rebuild(config: RunConfig, stored: Trial, paths: TrialPaths) -> Rebuilt:
    """Make one try again; compare it, its exchanges and its turns with the stored ones."""
    kept, card = read_kept(paths), config.card(stored.model)
    held = _held(config, card, kept, paths) if kept.attempts else None
    trial = _summary(card, stored, kept, held)
    found = differences(stored, trial, but=NOT_REBUILT)
    if held is not None:
        booked = [attempt.booked for attempt in kept.attempts]
        found += _pairs("exchanges", booked, held.listener.exchanges)
        found += _pairs("turns", kept.turns, held.listener.turns)
        found += held.requests
    if kept.grade is not None:
        found += _own_contradiction(kept.grade)
    exchanges = tuple(held.listener.exchanges) if held else ()
    return Rebuilt(stored=stored, trial=trial, exchanges=exchanges, differences=tuple(found))


def cost_under(card: ModelCard, exchanges: Sequence[Exchange]) -> float | None:
    """Return what requests would have cost under a card, in USD; `None` when a part is unknown.

    Every request is priced by the price that was valid when it was sent.
    """
    price = Pricer(card=card)

    def priced(exchange: Exchange) -> Exchange:
        usage, sent = exchange.usage, datetime.fromisoformat(exchange.sent_at)
        cost = None if usage is None else price(usage, sent)
        return exchange.model_copy(update={"cost_usd": cost})

    return total_cost([priced(exchange) for exchange in exchanges])


def _held(config: RunConfig, card: ModelCard, kept: Kept, paths: TrialPaths) -> Held:
    try:
        return asyncio.run(hold(config, card, kept, paths))
    except TapeEnded as ended:
        raise Damaged(paths.exchanges, str(ended)) from ended


def _summary(card: ModelCard, stored: Trial, kept: Kept, held: Held | None) -> Trial:
    outcome = Outcome(
        result=held.result if held else None,
        patch=_patch(kept.diff, stored),
        grade=_grade(kept, stored),
        failure=_failure(stored, held),
        prompts=held.prompts if held else None,
    )
    trial = summarise(
        PlannedTrial(*stored.key),
        card=card,
        kind=stored.kind,
        attempt=stored.attempt,
        started_at=stored.started_at,
        phases={},
        tally=held.listener.tally if held else Tally(),
        outcome=outcome,
    )
    clocked = {name: s for name, s in stored.phases.items() if name not in ("tools", "waiting")}
    untold = held is None or (held.cut and stored.ending in (Ending.TIME_LIMIT, Ending.INFRA_ERROR))
    return trial.model_copy(
        update={
            "phases": {**trial.phases, **clocked},
            "files": stored.files,
            "lock": stored.lock,
            **({"ending": stored.ending} if untold else {}),
        }
    )


def _patch(diff: bytes | None, stored: Trial) -> PatchFile | None:
    """Measure a diff; which paths are protected stands in the suite, so that is not asked."""
    if diff is None:
        return None
    changes = read_changes(diff)
    tampered = stored.patch.tampered if stored.patch else ()
    patch = Patch(
        digest=hashlib.sha256(diff).hexdigest(),
        files=tuple(sorted(changes)),
        added=sum(len(change.added) for change in changes.values()),
        deleted=sum(len(change.deleted) for change in changes.values()),
        tampered=tuple(path for path in tampered if path in changes),
    )
    return PatchFile(diff=diff, patch=patch, dropped=())


def _grade(kept: Kept, stored: Trial) -> Grade | None:
    if kept.grade is None and kept.diff is None and stored.failure is None:
        return _NO_PATCH.model_copy(update={"localised": stored.localised})
    return kept.grade


def _failure(stored: Trial, held: Held | None) -> Failure | None:
    told = held.result.failure if held else None
    known = stored.failure
    return known if known is not None and known.origin in _UNTOLD else told


def _pairs(name: str, was: Sequence[Record], now: Sequence[Record]) -> list[Difference]:
    found: list[Difference] = []
    for number, (left, right) in enumerate(zip_longest(was, now), 1):
        if left is None or right is None:
            how = [ABSENT if one is None else "present" for one in (left, right)]
            found.append(Difference(field=f"{name}.{number}", was=how[0], now=how[1]))
        else:
            found += differences(left, right, prefix=f"{name}.{number}", but=_unkept(left))
    return found


def _unkept(record: Record) -> tuple[str, ...]:
    """Name what is read from response headers, where these were not recorded."""
    return () if getattr(record, "headers", True) else ("request_id", "error_detail")


def _own_contradiction(grade: Grade) -> list[Difference]:
    """Lay a grade's verdict beside its own checks."""
    follows = Verdict.FAIL if grade.failed(*DECIDING) else Verdict.PASS
    if grade.verdict in (follows, Verdict.UNGRADED):
        return []
    return [Difference(field="grade.json: verdict", was=grade.verdict, now=follows)]
