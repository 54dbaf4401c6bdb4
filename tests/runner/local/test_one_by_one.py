"""A server of one slot is sent one request at a time, by all trials together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from runner.chat.base import ChatFailure
from runner.chatters import Chatters
from runner.players.http1 import MAX_HEAD, json_response, read_request
from runner.recording import Recording
from runner.redaction import NO_KEYS
from testbed.catalog import find_card
from testbed.plan import PlannedTrial
from testbed.store import TrialPaths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from testbed.catalog import ModelCard

CARD = find_card("local/smollm2")
HOSTED = CARD.model_copy(update={"weights": None})


class Counter:
    """Refuses every request after a while, and knows how many it had at the same time."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request of a connection."""
        try:
            while await read_request(reader) is not None:
                self.now += 1
                self.most = max(self.most, self.now)
                await asyncio.sleep(0.05)
                self.now -= 1
                writer.write(json_response(HTTPStatus.BAD_REQUEST, {"error": {"message": "no"}}))
                await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def listening(counter: Counter) -> AsyncIterator[str]:
    connections: set[asyncio.Task[None]] = set()

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(counter.serve(reader, writer)))

    server = await asyncio.start_server(connect, "127.0.0.1", 0, limit=MAX_HEAD)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


@pytest.mark.parametrize(("card", "most"), [(CARD, 1), (HOSTED, 4)], ids=["local", "hosted"])
async def test_requests_of_trials_wait_for_a_local_server_and_for_no_other(
    card: ModelCard, most: int, tmp_path: Path
) -> None:
    counter = Counter()

    async def ask(chatters: Chatters, repeat: int) -> None:
        planned = PlannedTrial(card.id, "minus", repeat)
        paths = TrialPaths(tmp_path / str(repeat))
        paths.folder.mkdir()
        recording = Recording(paths, NO_KEYS)
        async with chatters.open(planned, recording) as chat:
            with pytest.raises(ChatFailure):
                await chat.complete([{"role": "user", "content": "ready"}], (), turn=1)

    async with (
        listening(counter) as url,
        Chatters([card], {}, {card.id: url}) as chatters,
    ):
        await asyncio.gather(*(ask(chatters, repeat) for repeat in range(1, 5)))

    assert counter.most == most
