"""Starts the server of a card's weights, waits until it answers, and stops it for sure."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final

from runner.local.weights import locate
from runner.starting import started
from testbed.errors import EndpointError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Iterable, Mapping

    from testbed.catalog import ModelCard, Weights

READY_S: Final = 120.0
"""Longest time that loading may take."""
STOP_S: Final = 5.0
"""How long the server has to end by itself, before it is killed."""
_TOLD: Final = 400
"""Characters of the log that an error quotes."""


@asynccontextmanager
async def serve_local(cards: Iterable[ModelCard]) -> AsyncIterator[Mapping[str, str]]:
    """Serve the cards that name weights; yield the base URL of each by the card's id.

    Raises `EndpointError` when weights or server are not installed, or do not start. Each server
    ends with this context, and with this process whatever becomes of it.
    """
    async with AsyncExitStack() as stack:
        urls = {}
        for card in cards:
            if card.weights is not None:
                urls[card.id] = await stack.enter_async_context(_serve(card, card.weights))
        yield urls


@asynccontextmanager
async def _serve(card: ModelCard, weights: Weights) -> AsyncIterator[str]:
    wanted = {
        "path": str(await asyncio.to_thread(locate, weights, model=card.id)),
        "model": card.model,
        "context_window": card.context_window,
        "threads": weights.threads,
    }
    with tempfile.TemporaryFile() as log:
        process = await started(_start(wanted, log), end=_stop)
        try:
            yield f"{await _address(process, log, model=card.id)}/v1"
        finally:
            await _stop(process)


async def _start(wanted: Mapping[str, Any], log: IO[bytes]) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a folder named like a package must not be taken for it
        "-m",
        "runner.local.serve",
        json.dumps(wanted),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for us: a trial ends before its model does
    )


async def _address(process: Process, log: IO[bytes], *, model: str) -> str:
    if process.stdout is None:
        raise AssertionError("the server was started without a pipe")
    line = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        log.seek(0)
        said = " ".join(log.read().decode(errors="replace").split())[-_TOLD:]
        raise EndpointError(
            f"{model}: its server did not start: {said}",
            next_step="See that there is memory enough, and that its packages are sound",
        )
    return line.decode().strip()


async def _stop(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
