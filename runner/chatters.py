"""Opens each trial's conversation: with a model over its endpoint, or with a scripted player."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from runner.chat.openai import Connection, OpenAIChat, probe
from runner.chat.quirks import ApiQuirks, ModelEndpoint
from runner.players.cast import CAST, performance_of
from runner.players.server import PlayerServer, serve_players
from testbed.errors import EndpointError
from testbed.pricing import cost_of, price_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime
    from types import TracebackType

    from runner.chat.base import ChatModel
    from runner.chat.wire import Wire
    from runner.players.player import Performance
    from runner.recording import Recording
    from runner.scene import Scene
    from testbed.catalog import ModelCard
    from testbed.plan import PlannedTrial
    from testbed.records import Usage

NO_KEY = "none"
"""Sent to endpoints that want no key: the client insists on one."""
NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


def endpoint_of(card: ModelCard, *, base_url: str | None = None) -> ModelEndpoint:
    """Build the endpoint of a card; raise `EndpointError` when its key is not set."""
    return ModelEndpoint(
        base_url=base_url or card.base_url or "",
        api_key=_key(card),
        model=card.model or card.id,
        quirks=ApiQuirks(**card.api.model_dump()),
        max_output_tokens=card.max_output_tokens,
        temperature=card.temperature,
    )


def _key(card: ModelCard) -> str:
    if card.key_variable is None:
        return NO_KEY
    key = os.environ.get(card.key_variable, "").strip()
    if not key:
        raise EndpointError(
            f"{card.id}: the environment variable {card.key_variable} is not set",
            next_step=f"Set it to the key for {card.base_url}",
        )
    return key


async def probe_endpoints(cards: Iterable[ModelCard], places: Mapping[str, str] = NOWHERE) -> None:
    """Ask every model's endpoint for its model list; raise `EndpointError` on the first fault.

    Costs no tokens. Players are served by the harness itself and are not asked.
    """
    asked = [card for card in cards if not card.scripted]
    endpoints = {card.id: endpoint_of(card, base_url=places.get(card.id)) for card in asked}
    for name, endpoint in endpoints.items():
        await probe(endpoint, name=name)


@dataclass(frozen=True, kw_only=True)
class Pricer:
    """Prices requests by the card that was valid when they were sent."""

    card: ModelCard

    def __call__(self, usage: Usage, when: datetime) -> float | None:
        """Return the request's cost in USD, `None` when a part is unknown."""
        return cost_of(usage, price_at(self.card.prices, when))


class _OneByOne(Connection):
    """To a server that answers one request at a time: waiting for it is no response time."""

    def __init__(self, endpoint: ModelEndpoint) -> None:
        super().__init__(endpoint)
        self._turn = asyncio.Lock()

    async def send(self, body: Mapping[str, Any]) -> Wire:
        async with self._turn:
            return await super().send(body)


class Chatters:
    """The connections and the player server of one batch; an async context manager.

    `places` are the base URLs of the models that are served for this batch, by card id.
    """

    def __init__(
        self,
        cards: Iterable[ModelCard],
        scenes: Mapping[str, Scene],
        places: Mapping[str, str] = NOWHERE,
    ) -> None:
        self._cards = {card.id: card for card in cards}
        self._scenes = scenes
        self._places = places
        self._stack = AsyncExitStack()
        self._connections: dict[str, Connection] = {}
        self._players: PlayerServer | None = None
        self._performances: dict[str, Performance] = {}

    async def __aenter__(self) -> Self:
        if any(card.scripted for card in self._cards.values()):
            self._players = await self._stack.enter_async_context(serve_players())
        for card in self._cards.values():
            if not card.scripted:
                connection = self._connect(card)
                self._connections[card.id] = await self._stack.enter_async_context(connection)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def _connect(self, card: ModelCard) -> Connection:
        endpoint = endpoint_of(card, base_url=self._places.get(card.id))
        return _OneByOne(endpoint) if card.weights else Connection(endpoint)

    @asynccontextmanager
    async def open(self, planned: PlannedTrial, recording: Recording) -> AsyncIterator[ChatModel]:
        """Open one trial's conversation."""
        card = self._cards[planned.model]
        pricer = Pricer(card=card)
        if card.id in self._connections:
            connection = self._connections[card.id]
            yield OpenAIChat(connection, recorder=recording.exchange, price=pricer)
            return
        async with self._stage(card, planned) as connection:
            yield OpenAIChat(connection, recorder=recording.exchange, price=pricer)

    @asynccontextmanager
    async def _stage(self, card: ModelCard, planned: PlannedTrial) -> AsyncIterator[Connection]:
        """Tell a player its scenario by a URL of its own, never by the prompt."""
        if self._players is None or card.player is None:
            raise EndpointError(f"{card.id}: no player is served", next_step="Report this")
        performance = replace(self._performance(planned.scenario), repeat=planned.repeat)
        base_url = self._players.stage(CAST[card.player], performance)
        try:
            async with Connection(endpoint_of(card, base_url=base_url)) as connection:
                yield connection
        finally:
            self._players.leave(base_url)

    def _performance(self, name: str) -> Performance:
        if name not in self._performances:
            scene = self._scenes[name]
            self._performances[name] = performance_of(
                scene.scenario, seeded=scene.workspace.tree, reference=scene.reference()
            )
        return self._performances[name]
