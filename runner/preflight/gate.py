"""The preflight of a run: asked before the first trial, stored with it, and heeded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.preflight.conformance import preflight
from testbed.continuing import how_to_continue
from testbed.errors import EndpointError
from testbed.store import write_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.base import Progress
    from testbed.catalog import ModelCard
    from testbed.preflight import Preflight, Preflights
    from testbed.store import Run


class Gate:
    """Asks the models of one run what they can do, and lets only those through that can.

    `places` are the base URLs of the models that are served for the occasion, by card id.
    """

    def __init__(self, run: Run, *, places: Mapping[str, str], progress: Progress) -> None:
        self._run = run
        self._places = places
        self._progress = progress
        self._stored = run.preflights()

    async def pass_all(self, *, forced: bool) -> None:
        """Ask every model that has trials to make, and store what came of it at once.

        What is stored for the same card is not asked again, unless it failed and is not `forced`.
        Raises `EndpointError` when a model failed a probe and is not `forced`.
        """
        awaited = {planned.model for planned in self._run.missing()}
        models = [c for c in self._run.config.models if not c.scripted and c.id in awaited]
        flights = await asyncio.gather(*(self._flight(card, forced=forced) for card in models))
        failed = [_told(flight) for flight in flights if flight.failed]
        if failed and not forced:
            again, as_it_is = (how_to_continue(self._run, *more) for more in ((), ("--force",)))
            raise EndpointError(
                f"{'; '.join(failed)}: see {self._run.paths.preflight}",
                next_step=f"Mend it, then {again}; or take it as it is: {as_it_is}",
            )
        for told in failed:
            self._progress(f"{told}: run all the same")
        if failed and not self._stored.forced:
            self._store(self._stored.model_copy(update={"forced": True}))

    async def _flight(self, card: ModelCard, *, forced: bool) -> Preflight:
        known = self._stored.latest(card.id, card=card.digest())
        if known is not None and (forced or not known.failed):
            return known
        self._progress(f"asking {card.id} what it can do")
        flight = await preflight(card, base_url=self._places.get(card.id))
        asked = (*self._stored.asked, flight)
        self._store(self._stored.model_copy(update={"asked": asked}))
        return flight

    def _store(self, preflights: Preflights) -> None:
        self._stored = preflights
        write_record(self._run.paths.preflight, preflights)


def _told(flight: Preflight) -> str:
    return f"{flight.model} fails the preflight in {', '.join(one.id for one in flight.failed)}"
