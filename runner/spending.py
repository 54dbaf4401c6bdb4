"""The money of a run: what was spent, what is kept back for running trials, what is left."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.agent.budget import total_cost
from runner.recording import read_exchanges
from testbed.bounds import Room, reservation, spent_by
from testbed.records import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.plan import PlannedTrial
    from testbed.store import Run, TrialPaths


class Purse:
    """The money of a run in USD: its limit, what was spent, what running trials may still cost."""

    def __init__(self, *, limit: float | None, spent: float) -> None:
        self._limit = math.inf if limit is None else limit
        self._spent = spent
        self._kept_back: list[float] = []
        self._settled = asyncio.Condition()

    async def reserve(self, most: float) -> Room | None:
        """Keep back what a trial may cost at most; wait for running trials if it does not fit.

        Return `None` when it fits, else the room that is left once they are all done.
        """
        async with self._settled:
            await self._settled.wait_for(lambda: self._room(most).fits or not self._kept_back)
            room = self._room(most)
            if not room.fits:
                return room
            self._kept_back.append(most)
            return None

    async def settle(self, most: float, spent: float) -> None:
        """Book what a trial has cost in place of what was kept back for it."""
        async with self._settled:
            self._kept_back.remove(most)
            self._spent += spent
            self._settled.notify_all()

    def _room(self, most: float) -> Room:
        spent = self._spent + sum(self._kept_back)
        return Room(limit=self._limit, spent=spent, next_trial=most)


def spent_by_run(run: Run) -> float:
    """Return what a run has cost in USD: all tries, broken-off ones too, and its preflights.

    A try of unknown cost counts with its bound. What a preflight cost counts as far as it is known,
    and a request that was under way when the process was ended is not known at all.
    """
    config = run.config
    counted, spoiled = run.trials()
    tries = sum(spent_by(t, config.card(t.model), config.limits) for t in (*counted, *spoiled))
    return (
        tries
        + sum(_broken_off(run, planned, paths) for planned, paths in _unfinished(run))
        + sum(flight.cost_usd or 0.0 for flight in run.preflights().asked)
    )


def _unfinished(run: Run) -> Iterator[tuple[PlannedTrial, TrialPaths]]:
    """Yield the tries that were begun and never committed."""
    tries = run.tries()
    for planned in run.config.trials():
        for attempt in range(1, run.next_attempt(planned)):
            paths = run.paths.attempt(planned, attempt)
            if attempt not in tries.get(planned, {}) and paths.exchanges.is_file():
                yield planned, paths


def _broken_off(run: Run, planned: PlannedTrial, paths: TrialPaths) -> float:
    recorded = (one["exchange"] for one in read_exchanges(paths.exchanges))
    cost = total_cost([Exchange.model_validate(one, strict=False) for one in recorded])
    if cost is not None:
        return cost
    return reservation(run.config.card(planned.model), run.config.limits, datetime.now(UTC))
