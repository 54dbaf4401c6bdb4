"""A model that answers from its recorded streams: the same parser, the same books, no network."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from runner.chat.errors import Fault, http_fault
from runner.chat.headers import told
from runner.chat.openai import Connection, OpenAIChat
from runner.chat.retry import RetryPolicy
from runner.chat.wire import Wire
from runner.redaction import NO_KEYS
from testbed.records import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from runner.chat.base import Message, Recorder, Reply
    from runner.chat.openai import Price
    from runner.chat.quirks import ModelEndpoint

    Watch = Callable[[int, Mapping[str, Any], Mapping[str, Any]], None]

_TRANSPORT: Final = frozenset({"stream", "endless_stream", "connection", "timeout"})
"""Faults that may lie in the transport alone, so that no body tells of them."""
_KEPT_DIGITS: Final = 6
"""Older recordings hold the times of pieces in microseconds, their books the whole float."""


class TapeEnded(Exception):
    """More was asked than was recorded."""

    def __init__(self, turn: int) -> None:
        super().__init__(f"turn {turn} was never recorded")
        self.turn = turn


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One recorded HTTP attempt."""

    booked: Exchange
    """Read for what no body tells: turn, times of sending and waiting, status, headers."""
    request: Mapping[str, Any]
    """The body that was sent."""
    pieces: tuple[tuple[float, bytes], ...]
    """Seconds since the request was sent, and what came."""

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Attempt:
        """Take one line of a recording; raise `ValueError` or `LookupError` when it is none."""
        booked = Exchange.model_validate_json(json.dumps(record["exchange"]))
        datetime.fromisoformat(booked.sent_at)
        pieces = tuple((float(at), text.encode("latin-1")) for at, text in record["chunks"])
        request = dict(record["request"])
        if not all(isinstance(message, dict) for message in request["messages"]):
            raise ValueError("a message of the request is no object")
        return cls(booked=booked, request=request, pieces=pieces)

    def wire(self) -> Wire:
        """Return it as it came over the wire."""
        wire = Wire(
            sent_at=datetime.fromisoformat(self.booked.sent_at),
            status=self.booked.status,
            headers=dict(self.booked.headers),
            pieces=_sharpened(self.pieces, self.booked),
            first_byte_s=self.booked.first_byte_s,
        )
        wire.fault = self._fault(wire)
        return wire

    def _fault(self, wire: Wire) -> Fault | None:
        booked = self.booked
        if wire.refused:
            body = b"".join(piece for _, piece in self.pieces)
            return http_fault(booked.status or 0, body, wire.headers, now=wire.sent_at)
        if booked.error not in _TRANSPORT:
            return None
        # Headers are told again when the attempt is booked.
        detail = (booked.error_detail or "").removesuffix(f" {told(wire.headers)}")
        return Fault(kind=booked.error or "", detail=detail)


class ReplayChat:
    """Answers the turns of one recorded conversation, whatever it is asked.

    `watch` is told every attempt: its turn, the body sent now and the one sent then. Raises
    `TapeEnded` for a turn that was never recorded.
    """

    def __init__(
        self,
        attempts: Iterable[Attempt],
        endpoint: ModelEndpoint,
        *,
        recorder: Recorder,
        price: Price,
        watch: Watch | None = None,
    ) -> None:
        self._turns: dict[int, list[Attempt]] = {}
        for attempt in attempts:
            self._turns.setdefault(attempt.booked.turn, []).append(attempt)
        self._deck = _Deck(endpoint, watch)
        policy = _AsRecorded(deck=self._deck)
        self._chat = OpenAIChat(
            self._deck, recorder=recorder, price=price, policy=policy, sleep=_at_once
        )

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], *, turn: int
    ) -> Reply:
        """Return the recorded reply of a turn, or raise the failure that it was."""
        if turn not in self._turns:
            raise TapeEnded(turn)
        self._deck.load(self._turns.pop(turn))
        return await self._chat.complete(messages, tools, turn=turn)


class _Deck(Connection):
    """Stands where the connection would; gives the attempts of one turn in their order."""

    def __init__(self, endpoint: ModelEndpoint, watch: Watch | None) -> None:
        self.endpoint = endpoint
        self.redactor = NO_KEYS
        self._watch = watch
        self._left: deque[Attempt] = deque()
        self._waited_s = 0.0

    def load(self, attempts: Iterable[Attempt]) -> None:
        self._left = deque(attempts)

    async def close(self) -> None:
        """Close nothing: no connection was opened."""

    async def send(self, body: Mapping[str, Any]) -> Wire:
        attempt = self._left.popleft()
        self._waited_s = attempt.booked.waited_s
        if self._watch is not None:
            self._watch(attempt.booked.turn, body, attempt.request)
        return attempt.wire()

    def pause(self) -> float | None:
        """Return the recorded wait, or `None` when no further attempt was made."""
        return self._waited_s if self._left else None


@dataclass(frozen=True, kw_only=True)
class _AsRecorded(RetryPolicy):
    """Waits what was waited; whether that was right is not asked again."""

    deck: _Deck

    def pause(
        self,
        fault: Fault,  # noqa: ARG002  (the policy's signature)
        *,
        attempt: int,  # noqa: ARG002
        waited_s: float,  # noqa: ARG002
        jitter: Callable[[], float],  # noqa: ARG002
    ) -> float | None:
        """Return the recorded wait."""
        return self.deck.pause()


async def _at_once(seconds: float) -> None:
    """Wait for nothing."""


def _sharpened(
    pieces: Iterable[tuple[float, bytes]], booked: Exchange
) -> list[tuple[float, bytes]]:
    """Give back to a rounded time the digits under which its piece was booked."""
    times = (booked.first_token_s, booked.first_output_s, booked.last_token_s, booked.last_byte_s)
    exact = {round(at, _KEPT_DIGITS): at for at in times if at is not None}
    return [(exact.get(at, at), piece) for at, piece in pieces]
