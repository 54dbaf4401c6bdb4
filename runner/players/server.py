"""A local OpenAI-compatible server inside the harness's process: one URL per trial."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from runner.players.http1 import (
    MAX_HEAD,
    Refusal,
    Request,
    chunk,
    error_response,
    json_response,
    read_request,
    stream_head,
)
from runner.players.player import Pace
from runner.players.wire import Completion, parse_question

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.players.player import Performance, Player, Rejection, Respond

BACKLOG = 1024


@dataclass(kw_only=True)
class _Stage:
    model: str
    respond: Respond
    pace: Pace | None
    rejections: dict[int, Rejection]
    requests: int = 0

    def admit(self) -> None:
        """Count a request; raise `Refusal` for one that the player rejects."""
        self.requests += 1
        rejection = self.rejections.get(self.requests)
        if rejection is not None:
            raise Refusal(
                HTTPStatus(rejection.status),
                rejection.message,
                code=rejection.code,
                headers=rejection.headers,
            )


class PlayerServer:
    """Serves staged players; made by `serve_players`.

    It keeps nothing about a conversation but how many requests there were: every request holds
    all of it.
    """

    def __init__(self) -> None:
        self.port = 0
        self._stages: dict[str, _Stage] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def stage(
        self,
        player: Player,
        performance: Performance,
        *,
        think_s: float = 0.0,
        chunk_s: float = 0.0,
    ) -> str:
        """Let a player rehearse for one trial; return the base URL that reaches it alone.

        `think_s` is slept before the first token of an answer, `chunk_s` between its tokens
        (seconds), unless the answer has a pace of its own.
        """
        token = secrets.token_urlsafe(12)
        self._stages[token] = _Stage(
            model=player.model,
            respond=player.rehearse(performance),
            pace=Pace(first_s=think_s, gap_s=chunk_s) if think_s or chunk_s else None,
            rejections={rejection.request: rejection for rejection in player.rejections},
        )
        return f"http://127.0.0.1:{self.port}/{token}/v1"

    def leave(self, base_url: str) -> None:
        """Forget a staged player; requests to its URL are answered by 404 from now on."""
        self._stages.pop(base_url.split("/")[3], None)

    def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection that was accepted."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def hang_up(self) -> None:
        """End every connection, answers in the making included."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while await self._serve_one(reader, writer):
                    await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            request = await read_request(reader)
            if request is None:
                return False
            await self._answer(request, writer)
        except Refusal as refusal:
            writer.write(error_response(refusal))
            return not refusal.close
        return request.keep_alive

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        stage, resource = self._route(request)
        if resource == "models":
            model = {"id": stage.model, "object": "model", "created": 0, "owned_by": "testbed"}
            writer.write(json_response(HTTPStatus.OK, {"object": "list", "data": [model]}))
            return
        question = parse_question(request.body)
        stage.admit()
        answer = stage.respond(question.messages)
        completion = Completion(model=stage.model, answer=answer, question=question)
        pace = answer.pace or stage.pace
        if question.stream:
            await _stream(completion, writer, pace=pace)
        else:
            await asyncio.sleep(pace.first_s if pace else 0)
            writer.write(json_response(HTTPStatus.OK, completion.whole()))

    def _route(self, request: Request) -> tuple[_Stage, str]:
        _, token, *rest = request.path.split("/")
        stage, resource = self._stages.get(token), "/".join(rest)
        method = {"v1/models": "GET", "v1/chat/completions": "POST"}.get(resource)
        if stage is None or method is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "nothing is served here", code="not_found")
        if request.method != method:
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"use {method}")
        return stage, resource.removeprefix("v1/")


async def _stream(
    completion: Completion, writer: asyncio.StreamWriter, *, pace: Pace | None
) -> None:
    if pace is None:
        whole = b"".join(event for event, _ in completion.events())
        writer.write(stream_head() + chunk(whole) + chunk(b""))
        return
    clock = asyncio.get_running_loop().time
    due = clock() + pace.first_s
    writer.write(stream_head())
    for event, is_token in completion.events():
        if is_token:
            await writer.drain()
            await asyncio.sleep(due - clock())
            due += pace.gap_s
        writer.write(chunk(event))
    writer.write(chunk(b""))


@asynccontextmanager
async def serve_players() -> AsyncIterator[PlayerServer]:
    """Serve on a free port of the loopback interface until the block is left."""
    server = PlayerServer()
    listener = await asyncio.start_server(
        server.connect, "127.0.0.1", 0, limit=MAX_HEAD, backlog=BACKLOG
    )
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.hang_up()
        await listener.wait_closed()
