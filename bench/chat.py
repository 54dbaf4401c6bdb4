"""CPU of one streamed turn: 308 chunks, 40 messages of history, real HTTP on this machine.

The budget holds for a reply that is there at once: the client's own work. A reply that trickles
costs a network read for every chunk on top, which is the transport's.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from bench.figures import Figure, show
from runner.agent.schemas import TOOLS
from runner.chat.openai import Connection, OpenAIChat
from runner.chat.quirks import ModelEndpoint

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

CHUNKS: Final = 308
MESSAGES: Final = 40
TURNS: Final = 60
BUDGET_MS: Final = 15.0
TRICKLE_S: Final = 0.0005
"""Between chunks, so that none shares a network read with the next."""


def body() -> list[bytes]:
    """Return the events of one reply: reasoning, text and a call, as providers cut them."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": f" thought {n}"} for n in range(100)]
    deltas += [{"content": f" word {n}"} for n in range(100)]
    function = {"name": "write_file", "arguments": '{"path": "a.ts", "content": "'}
    deltas.append({"tool_calls": [{"index": 0, "id": "call_1", "function": function}]})
    while len(deltas) < CHUNKS - 3:
        deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": "const a = 1; "}}]})
    deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": '"}'}}]})
    usage = {"prompt_tokens": 9000, "completion_tokens": 305, "total_tokens": 9305}
    chunks = [_chunk(delta) for delta in deltas]
    chunks += [_chunk({}, finish="tool_calls"), {**_chunk({}), "choices": [], "usage": usage}]
    events = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    return [*events, b"data: [DONE]\n\n"]


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "system_fingerprint": "fp_1", "choices": [choice]}


def history() -> list[dict[str, Any]]:
    """Return a conversation in mid-work: about 60 kB in 40 messages."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "s" * 2000}]
    for turn in range((MESSAGES - 2) // 2):
        function = {"name": "read_file", "arguments": '{"path": "src/app/page.tsx"}'}
        call = {"id": f"call_{turn}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": "I look.", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{turn}", "content": "x\n" * 1500})
    return [*messages, {"role": "user", "content": "go on"}]


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def _serve(ports: Pipe) -> None:
    events = body()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
            writer.write(b"transfer-encoding: chunked\r\n\r\n")
            for event in events:
                writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                await writer.drain()
                if b"/trickle/" in head:
                    await asyncio.sleep(TRICKLE_S)
            writer.write(b"0\r\n\r\n")

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    ports.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _server(ports: Pipe) -> None:
    asyncio.run(_serve(ports))


async def _measure(base_url: str) -> list[float]:
    endpoint = ModelEndpoint(base_url=base_url, api_key="none", model="m")
    messages, spent = history(), []
    async with Connection(endpoint) as connection:
        chat = OpenAIChat(connection, recorder=_forget, price=lambda *_: None)
        for turn in range(TURNS):
            before = time.process_time()
            reply = await chat.complete(messages, TOOLS, turn=turn)
            spent.append((time.process_time() - before) * 1000)
            if len(reply.calls) != 1:
                raise RuntimeError("the reply did not come through")
    return spent[5:]


def _forget(exchange: object, request: object, chunks: object) -> None:
    """Record nothing: the disk is another figure."""


def main() -> bool:
    """Print CPU per streamed turn; return whether the budget is held."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_server, args=(theirs,))
    server.start()
    try:
        base = f"http://127.0.0.1:{ours.recv()}"
        at_once = statistics.median(asyncio.run(_measure(f"{base}/v1")))
        trickled = statistics.median(asyncio.run(_measure(f"{base}/trickle/v1")))
    finally:
        server.terminate()
        server.join()
    return show(
        f"CPU of a streamed turn: {CHUNKS} chunks, {MESSAGES} messages of history",
        [
            Figure("the reply is there at once", at_once, "ms", at_most=BUDGET_MS),
            Figure("one network read per chunk", trickled, "ms"),
        ],
    )


if __name__ == "__main__":
    sys.exit(not main())
