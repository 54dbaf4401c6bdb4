"""Asks one model, streamed or whole, and keeps the books of it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Self

from runner.agent.budget import total_cost, total_usage
from runner.chat.openai import Connection, OpenAIChat
from runner.chat.retry import RetryPolicy
from runner.chatters import Pricer, endpoint_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from runner.chat.base import Message, Reply
    from testbed.catalog import ModelCard
    from testbed.records import Exchange, Usage

_POLICY: Final = RetryPolicy(attempts=3, wait_s=30.0)
_WHOLE_TOKENS: Final = 4096
"""Longest reply asked for in one piece: Fireworks refuses more without a stream."""


class Desk:
    """The conversations of one preflight; an async context manager.

    Raises `EndpointError` when the card's key is not set.
    """

    def __init__(self, card: ModelCard, *, base_url: str | None = None) -> None:
        endpoint = endpoint_of(card, base_url=base_url)
        self._card = card
        self._stack = AsyncExitStack()
        tokens = min(endpoint.max_output_tokens, _WHOLE_TOKENS)
        whole = replace(endpoint, stream=False, max_output_tokens=tokens)
        self._connections = {True: Connection(endpoint), False: Connection(whole)}
        self._turns = count(1)
        self.exchanges: list[Exchange] = []
        self.sent: Mapping[str, Any] = {}
        """The body of the last request."""

    async def __aenter__(self) -> Self:
        for connection in self._connections.values():
            await self._stack.enter_async_context(connection)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def ask(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] = (),
        *,
        stream: bool = True,
    ) -> Reply:
        """Return the reply to a conversation, or raise `ChatFailure`."""
        chat = OpenAIChat(
            self._connections[stream],
            recorder=self._book,
            price=Pricer(card=self._card),
            policy=_POLICY,
        )
        return await chat.complete(messages, tools, turn=next(self._turns))

    def _book(
        self,
        exchange: Exchange,
        request: Mapping[str, Any],
        chunks: Sequence[tuple[float, bytes]],  # noqa: ARG002  (the seam names it)
    ) -> None:
        self.exchanges.append(exchange)
        self.sent = request

    @property
    def usage(self) -> Usage | None:
        """Add the tokens of all attempts up; unknown when one that produced some told none."""
        return total_usage(self.exchanges)

    @property
    def cost_usd(self) -> float | None:
        """Add the cost of all attempts up; unknown when one that produced tokens has none."""
        return total_cost(self.exchanges)
