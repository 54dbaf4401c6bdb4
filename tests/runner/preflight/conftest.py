"""A Chat Completions endpoint over real HTTP that does its work well, but for one fault."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.http1 import MAX_HEAD, chunk, json_response, read_request, stream_head
from runner.players.wire import characters
from testbed.catalog import ModelCard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

ORDER = {
    "item": "lamp",
    "quantity": 3,
    "size": "large",
    "address": {"street": "Mill Lane", "number": 7},
}
KITCHEN, CELLAR = {"room": "kitchen"}, {"room": "cellar"}
BROKEN = {"error": {"message": "The reply was withheld", "type": "content_filter"}}
PRICE = {
    "valid_from": "2025-01-01",
    "input": 1.0,
    "output": 2.0,
    "source": "a test",
    "checked_on": "2025-01-01",
}


@dataclass(kw_only=True)
class Good:
    """An endpoint as it should be; a test puts one fault into it."""

    ids: list[str] = field(default_factory=lambda: ["coder-1"])
    order: object = field(default_factory=lambda: ORDER)
    rooms: list[object] = field(default_factory=lambda: [KITCHEN, CELLAR])
    told: str = "It got the number 7391."
    as_text: str = ""
    """`streamed` or `whole`: there calls come as text."""
    refuses: Callable[[dict[str, Any]], bool] = lambda _: False
    """Requests that are answered by 400."""
    counts: Callable[[int], int | None] = lambda tokens: tokens
    """Prompt tokens as reported; `None` reports no usage."""
    cut: bool = False
    """Every streamed reply ends with an error in the place of its usage."""
    seen: list[dict[str, Any]] = field(default_factory=list)

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make the message that answers a request."""
        last = body["messages"][-1]
        if last["role"] == "tool":
            return {"role": "assistant", "content": self.told}
        calls: list[tuple[str, object]] = []
        if "Record an order" in last["content"]:
            calls = [("record_order", self.order)]
        elif "Read the sensors" in last["content"]:
            calls = [("read_sensor", room) for room in self.rooms]
        if not calls:
            return {"role": "assistant", "content": "ready"}
        if self.as_text == ("streamed" if body["stream"] else "whole"):
            name, arguments = calls[0]
            call = json.dumps({"name": name, "arguments": arguments})
            return {"role": "assistant", "content": f"<tool_call>{call}</tool_call>"}
        return {"role": "assistant", "content": "", "tool_calls": list(map(_call, calls))}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request of a connection."""
        try:
            while (request := await read_request(reader)) is not None:
                if request.path.endswith("/models"):
                    models = {"data": [{"id": name} for name in self.ids]}
                    writer.write(json_response(HTTPStatus.OK, models))
                else:
                    writer.write(self._answer(json.loads(request.body)))
                await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _answer(self, body: dict[str, Any]) -> bytes:
        self.seen.append(body)
        if self.refuses(body):
            error = {"error": {"message": "Unsupported parameter", "type": "invalid_request_error"}}
            return json_response(HTTPStatus.BAD_REQUEST, error)
        message = self.reply(body)
        prompt = self.counts(30 + characters([body["messages"], body.get("tools")]) // 4)
        usage = None if prompt is None else _usage(prompt)
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        if not body["stream"]:
            choice = {"index": 0, "message": message, "finish_reason": finish}
            whole = {"model": "coder-1-0901", "choices": [choice], "usage": usage}
            return json_response(HTTPStatus.OK, whole)
        calls = [{"index": at, **call} for at, call in enumerate(message.get("tool_calls") or [])]
        delta = {**message, "tool_calls": calls} if calls else message
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        events: list[dict[str, Any]] = [
            {"model": "coder-1-0901", "choices": [choice]},
            BROKEN if self.cut else {"choices": [], "usage": usage},
        ]
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return stream_head() + chunk(f"{lines}data: [DONE]\n\n".encode()) + chunk(b"")


def _call(named: tuple[str, object]) -> dict[str, Any]:
    name, arguments = named
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {
        "id": f"call-{hash(text) % 10_000}",
        "type": "function",
        "function": {"name": name, "arguments": text},
    }


def _usage(prompt: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": 10, "total_tokens": prompt + 10}


@asynccontextmanager
async def _served(endpoint: Good, **fields: Any) -> AsyncIterator[ModelCard]:  # noqa: ANN401 (any field)
    connections: set[asyncio.Task[None]] = set()

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(endpoint.serve(reader, writer)))

    server = await asyncio.start_server(connect, "127.0.0.1", 0, limit=MAX_HEAD)
    port = server.sockets[0].getsockname()[1]
    card = {
        "schema_version": 1,
        "id": "acme/coder",
        "title": "Acme Coder",
        "provider": "acme",
        "model": "coder-1",
        "base_url": f"http://127.0.0.1:{port}/v1",
        "temperature": 0.0,
        "prices": [PRICE],
        **fields,
    }
    try:
        yield ModelCard.model_validate(card)
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


@pytest.fixture
def good() -> type[Good]:
    return Good


@pytest.fixture
def served() -> Callable[..., AbstractAsyncContextManager[ModelCard]]:
    return _served
