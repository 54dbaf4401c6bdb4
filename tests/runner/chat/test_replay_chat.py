"""A model that answers from its recorded streams."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from runner.chat.base import ChatFailure
from runner.chat.quirks import ModelEndpoint
from runner.chat.replay import Attempt, ReplayChat, TapeEnded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.records import Exchange, Usage

ENDPOINT = ModelEndpoint(base_url="http://replay.invalid/v1", api_key="none", model="m")
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
GO = [{"role": "user", "content": "go"}]
CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
STREAM = [
    (0.25, {"choices": [{"delta": {"content": "on it"}}]}),
    (0.75, {"choices": [{"delta": {"tool_calls": [CALL]}}]}),
    (1.5, {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    (2.0, {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}),
]


def attempt(turn: int, number: int = 1, **booked: Any) -> Attempt:  # noqa: ANN401 (any field)
    exchange = {"turn": turn, "attempt": number, "sent_at": "2026-11-22T10:00:00.000001+00:00"}
    pieces = [(at, f"data: {json.dumps(chunk)}\n\n".encode()) for at, chunk in STREAM]
    body = booked.pop("body", None)
    return Attempt.read(
        {
            "exchange": {**exchange, "status": 200, "first_byte_s": 0.1, **booked},
            "request": {"model": "m", "messages": [{"role": "user", "content": f"ask {turn}"}]},
            "chunks": [[0.1, body]] if body else [[at, data.decode()] for at, data in pieces],
        }
    )


LIMITED = {"status": 429, "error": "rate_limit", "body": '{"error": {"message": "slow down"}}'}


class Books:
    """Keeps what is booked, and prices three dollars an output token."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.asked: list[datetime] = []
        self.sent: list[tuple[int, Any, Any]] = []

    def record(
        self, exchange: Exchange, request: Mapping[str, Any], chunks: Sequence[tuple[float, bytes]]
    ) -> None:
        del request, chunks
        self.exchanges.append(exchange)

    def price(self, usage: Usage, when: datetime) -> float | None:
        self.asked.append(when)
        return None if usage.output is None else 3.0 * usage.output

    def watch(self, turn: int, sent: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
        self.sent.append((turn, sent["messages"], recorded["messages"]))

    def chat(self, *attempts: Attempt) -> ReplayChat:
        return ReplayChat(
            attempts, ENDPOINT, recorder=self.record, price=self.price, watch=self.watch
        )


async def test_a_reply_is_parsed_timed_and_priced_from_its_stream() -> None:
    books = Books()

    reply = await books.chat(attempt(1)).complete(GO, TOOLS, turn=1)

    (booked,) = reply.exchanges
    assert (reply.text, reply.calls[0].name) == ("on it", "f")
    assert (booked.first_token_s, booked.first_output_s) == (0.25, 0.25)
    assert (booked.last_token_s, booked.last_byte_s) == (0.75, 2.0)
    assert booked.cost_usd == 9.0
    assert books.asked == [datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=UTC)]
    assert books.sent == [(1, GO, [{"role": "user", "content": "ask 1"}])]


async def test_what_was_booked_is_not_read_but_for_the_digits_of_its_times() -> None:
    usage = {"fresh_input": 1, "output": 1}
    told = attempt(1, usage=usage, cost_usd=0.5, last_byte_s=2.0000004, first_token_s=0.26)

    reply = await Books().chat(told).complete(GO, TOOLS, turn=1)

    (booked,) = reply.exchanges
    assert booked.usage is not None
    assert (booked.usage.output, booked.cost_usd) == (3, 9.0)
    assert booked.last_byte_s == 2.0000004
    assert booked.first_token_s == 0.25


async def test_attempts_that_failed_fail_again_and_wait_as_they_did() -> None:
    chat = Books().chat(attempt(1, 1, waited_s=31.5, **LIMITED), attempt(1, 2))

    reply = await chat.complete(GO, TOOLS, turn=1)

    first, second = reply.exchanges
    assert (first.error, first.waited_s, first.usage) == ("rate_limit", 31.5, None)
    assert (second.error, second.waited_s) == (None, 0.0)


async def test_a_turn_that_was_given_up_is_given_up_again() -> None:
    chat = Books().chat(attempt(1, 1, waited_s=1.0, **LIMITED), attempt(1, 2, **LIMITED))

    with pytest.raises(ChatFailure, match="rate_limit: slow down") as caught:
        await chat.complete(GO, TOOLS, turn=1)

    assert len(caught.value.exchanges) == 2


@pytest.mark.parametrize("kind", ["timeout", "endless_stream"])
async def test_a_fault_of_the_transport_is_taken_from_the_books(kind: str) -> None:
    detail, headers = "not complete after 600.0 s retry-after=3", {"retry-after": "3"}
    told = attempt(1, error=kind, error_detail=detail, headers=headers, body="data: {}")

    with pytest.raises(ChatFailure) as caught:
        await Books().chat(told).complete(GO, TOOLS, turn=1)

    (booked,) = caught.value.exchanges
    assert (booked.error, booked.error_detail) == (kind, detail)


async def test_a_turn_that_was_never_recorded_ends_the_tape() -> None:
    chat = Books().chat(attempt(1), attempt(2))
    await chat.complete(GO, TOOLS, turn=1)

    with pytest.raises(TapeEnded, match="turn 3 was never recorded"):
        await chat.complete(GO, TOOLS, turn=3)


@pytest.mark.parametrize("record", [{}, {"exchange": {}}, {"exchange": {"turn": "1"}}])
def test_what_is_no_exchange_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises((ValueError, LookupError)):
        Attempt.read(record)
