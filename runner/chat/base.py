"""The seam between the agent loop and a model behind an API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.records import Exchange

Message = dict[str, Any]
"""One Chat Completions message, provider-specific keys included."""


@dataclass(frozen=True, kw_only=True)
class EmittedCall:
    """A tool call as assembled from the stream, before anything is judged."""

    id: str
    name: str
    raw_arguments: str
    flaw: str | None = None
    """leaked_text_call, truncated_call or concatenated_json; `None` for a clean call."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One complete reply of the model."""

    text: str
    reasoning: str | None
    calls: tuple[EmittedCall, ...]
    finish_reason: str | None
    message: Message
    """The assistant message to append to the history, ids and replayed fields included."""
    exchanges: tuple[Exchange, ...]
    """Every HTTP attempt this reply took, failed ones first."""


class ChatFailure(Exception):
    """No reply: retries are used up or the error is final.

    `kind` is an `Exchange.error` class; `model_fault` is true when the model, not the
    infrastructure, caused it (context_length, content_filter, tool_use_failed,
    endless_stream).
    """

    def __init__(
        self, kind: str, detail: str, *, model_fault: bool, exchanges: tuple[Exchange, ...]
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.model_fault = model_fault
        self.exchanges = exchanges


class Recorder(Protocol):
    """Keeps what went over the wire, before anything is parsed."""

    def __call__(
        self, exchange: Exchange, request: Mapping[str, Any], chunks: Sequence[tuple[float, bytes]]
    ) -> None:
        """Store one attempt: the body sent and each raw piece with its arrival time (s)."""
        ...


class ChatModel(Protocol):
    """A model that answers one conversation at a time."""

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], *, turn: int
    ) -> Reply:
        """Return the reply to a conversation, or raise `ChatFailure`."""
        ...
