"""A Chat Completions endpoint over real HTTP that answers as scripted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from runner.chat.base import ChatFailure, Message, Reply
from runner.chat.openai import Connection, OpenAIChat
from runner.chat.quirks import ModelEndpoint
from runner.chat.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from testbed.records import Exchange, Usage

KEY = "sk-a-secret-key-0123"
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
GO: list[Message] = [{"role": "user", "content": "go"}]
Answered = Mapping[str, Any]
"""The fields of an `Answer`."""


@dataclass(kw_only=True)
class Answer:
    """One scripted response: bytes are sent as a chunk, numbers are seconds of silence."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes | float] = ()
    cut: bool = False
    """Reset the connection in place of the proper end of the body."""


@dataclass(kw_only=True)
class Server:
    """A Chat Completions endpoint that answers as scripted, the last answer for ever."""

    answers: list[Answer]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep one request and answer it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = [line.lower().partition(":") for line in head.splitlines()]
            length = next((int(v) for key, _, v in lines if key == "content-length"), 0)
            self.headers.append(head)
            self.requests.append(json.loads(await reader.readexactly(length) or b"{}"))
            await self._answer(self.answers[min(len(self.requests), len(self.answers)) - 1], writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        headers = {"content-type": "text/event-stream", **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {answer.status} X\r\n{lines}transfer-encoding: chunked\r\n"
        if answer.pieces:
            writer.write(f"{head}connection: close\r\n\r\n".encode())
        for piece in answer.pieces:
            if isinstance(piece, bytes):
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                await writer.drain()
            await asyncio.sleep(piece if isinstance(piece, float) else 0)
        if answer.cut:
            await asyncio.sleep(0.05)
            writer.transport.abort()
        else:
            writer.write(b"0\r\n\r\n")
            await writer.drain()


@asynccontextmanager
async def _endpoint_of(*answers: Answered) -> AsyncIterator[Server]:
    script = Server(answers=[Answer(**answer) for answer in answers])
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    script.url = f"http://127.0.0.1:{port}/v1"
    async with server:
        yield script


@dataclass(kw_only=True)
class Talk:
    """What one `complete` led to."""

    server: Server
    reply: Reply | None = None
    failure: ChatFailure | None = None
    recorded: list[tuple[Exchange, dict[str, Any], bytes]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """List the attempts, whatever came of them."""
        outcome = self.reply or self.failure
        assert outcome is not None
        return outcome.exchanges


def two_cents(usage: Usage, when: datetime) -> float | None:
    assert when.tzinfo is not None
    return None if usage.output is None else 0.01 * usage.output


async def _talk(
    *answers: Answered,
    key: str = KEY,
    messages: Sequence[Message] = GO,
    **fields: Any,  # noqa: ANN401 (any field)
) -> Talk:
    async with _endpoint_of(*answers) as server:
        outcome = Talk(server=server)
        endpoint = ModelEndpoint(base_url=server.url, api_key=key, model="m", **fields)

        def record(
            exchange: Exchange, request: Mapping[str, Any], chunks: Sequence[tuple[float, bytes]]
        ) -> None:
            raw = b"".join(piece for _, piece in chunks)
            outcome.recorded.append((exchange, dict(request), raw))

        async def sleep(seconds: float) -> None:
            outcome.slept.append(seconds)

        async with Connection(endpoint) as connection:
            chat = OpenAIChat(
                connection,
                recorder=record,
                price=two_cents,
                policy=RetryPolicy(attempts=3, wait_s=60),
                sleep=sleep,
                jitter=lambda: 0.0,
            )
            try:
                outcome.reply = await chat.complete(messages, TOOLS, turn=4)
            except ChatFailure as failure:
                outcome.failure = failure
    return outcome


Talker = Callable[..., Awaitable[Talk]]
EndpointOf = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def talk() -> Talker:
    """Return a function that asks a scripted endpoint once, and keeps all that happens."""
    return _talk


@pytest.fixture
def endpoint_of() -> EndpointOf:
    """Return a context manager that serves scripted answers."""
    return _endpoint_of
