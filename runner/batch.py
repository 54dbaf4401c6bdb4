"""Plan to trials on this machine: one pool, bounded tries, everything committed as it ends."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.spending import Purse, spent_by_run
from runner.together import together
from testbed.bounds import reservation, spent_by
from testbed.continuing import how_to_continue
from testbed.errors import EnvironmentFault
from testbed.plan import PlannedTrial
from testbed.records import Trial, Verdict

if TYPE_CHECKING:
    from testbed.bounds import Room
    from testbed.store import Run

MakeTrial = Callable[[PlannedTrial, int], Awaitable[Trial]]
"""Makes one try at a trial: (trial, number of the try)."""

MAX_TRIES = 3
"""Tries at one trial within one batch, when infrastructure spoils it."""

MAX_SPOILED_IN_A_ROW = 6
"""After so many spoiled tries without a valid one between, the machine is to blame."""


class Watcher:
    """Told what happens, for people who wait. This one keeps silent."""

    def began(self, planned: PlannedTrial) -> None:
        """Note that a try was started."""

    def ended(self, trial: Trial) -> None:
        """Note that a try was committed."""


@dataclass
class Batch:
    """The trials that a run still misses, made `jobs` at a time, in the order of the plan."""

    run: Run
    make: MakeTrial
    jobs: int
    watcher: Watcher = field(default_factory=Watcher)
    capped: Room | None = field(default=None, init=False)
    """What the cost limit left for the first trial that was not started for it."""
    given_up: dict[str, str] = field(default_factory=dict, init=False)
    """Model -> why none of its other trials was started."""
    _queue: deque[PlannedTrial] = field(default_factory=deque, init=False)
    _spoiled: Counter[PlannedTrial] = field(default_factory=Counter, init=False)
    _in_a_row: int = field(default=0, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """Held while a trial waits for money: a cheaper one must not overtake it."""

    async def work(self) -> None:
        """Make every missing trial; raise the first expected error after the others are stopped."""
        self._queue.extend(self.run.missing())
        purse = Purse(limit=self.run.config.max_cost_usd, spent=spent_by_run(self.run))
        async with together() as group:
            for _ in range(min(self.jobs, len(self._queue))):
                group.create_task(self._worker(purse))

    async def _worker(self, purse: Purse) -> None:
        config = self.run.config
        while (taken := await self._next(purse)) is not None:
            planned, most = taken
            self.watcher.began(planned)
            trial = await self.make(planned, self.run.next_attempt(planned))
            self.run.add(trial)
            await purse.settle(most, spent_by(trial, config.card(planned.model), config.limits))
            self.watcher.ended(trial)
            self._consider_again(planned, trial)

    async def _next(self, purse: Purse) -> tuple[PlannedTrial, float] | None:
        """Take the next trial that is still wanted, and keep back what it may cost at most."""
        config = self.run.config
        async with self._turn:
            while self._queue and self.capped is None:
                planned = self._queue.popleft()
                if planned.model in self.given_up:
                    continue
                most = reservation(config.card(planned.model), config.limits, datetime.now(UTC))
                room = await purse.reserve(most)
                if planned.model not in self.given_up:
                    self.capped = room
                    return None if room else (planned, most)
                if room is None:  # given up while it waited
                    await purse.settle(most, 0.0)
        return None

    def _consider_again(self, planned: PlannedTrial, trial: Trial) -> None:
        if trial.verdict is not Verdict.UNGRADED:
            self._in_a_row = 0
            return
        if trial.failure and trial.failure.final:
            self.given_up[planned.model] = trial.failure.detail
            return
        self._in_a_row += 1
        if self._in_a_row >= MAX_SPOILED_IN_A_ROW:
            detail = trial.failure.detail if trial.failure else "no reason recorded"
            raise EnvironmentFault(
                f"{self._in_a_row} tries in a row were spoiled, the last by: {detail}",
                next_step=f"Mend that, then continue with {how_to_continue(self.run)}",
            )
        self._spoiled[planned] += 1
        if self._spoiled[planned] < MAX_TRIES:
            self._queue.append(planned)
