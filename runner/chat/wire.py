"""One attempt as it went over the wire: its pieces, without the key, and what they amount to."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Final

from runner.chat.errors import Fault
from runner.chat.scrub import scrubbed, tells_key
from runner.chat.stream import Stream, read_stream, read_whole
from runner.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

MOST_BYTES: Final = 64 << 20
"""No reply is this long: a body beyond it is broken off."""
_SILENT: Final = ("truncated_stream", "empty_stream")
"""Faults that only say that something is missing: the transport knows better why."""


@dataclass(kw_only=True)
class Wire:
    """One attempt as it went over the wire. Times are seconds since the request was sent."""

    sent_at: datetime
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Response headers, names in lower case."""
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    size: int = 0
    """Bytes of all pieces."""
    first_byte_s: float | None = None
    fault: Fault | None = None
    """What the transport or the status says; the body may say more."""

    @property
    def refused(self) -> bool:
        """Say whether the status alone rules out a reply."""
        return self.status is not None and self.status >= HTTPStatus.BAD_REQUEST

    @property
    def closed(self) -> bool:
        """Say whether the last piece ends with the event that closes a stream."""
        if not self.pieces or b"[DONE]" not in self.pieces[-1][1][-16:]:
            return False
        tail = b"".join(piece for _, piece in self.pieces[-4:]).rstrip()
        # Inside JSON a line break is escaped: this cannot be the model's own text.
        return tail.endswith((b"\ndata: [DONE]", b"\ndata:[DONE]"))

    def keep(self, at: float, piece: bytes) -> None:
        """Append a piece that arrived; `OverflowError` when the body grows beyond reason."""
        self.pieces.append((at, piece))
        self.size += len(piece)
        if self.size > MOST_BYTES:
            raise OverflowError(f"the body is longer than {MOST_BYTES} bytes")


@asynccontextmanager
async def until(due: Callable[[], float]) -> AsyncIterator[None]:
    """Raise `TimeoutError` once `due()`, on the clock of `perf_counter`, has passed.

    `due` may move on while the body runs; it is asked again only when it would have passed.
    """
    loop = asyncio.get_running_loop()
    watch: asyncio.Handle
    async with asyncio.timeout(None) as limit:

        def look() -> None:
            nonlocal watch
            left = due() - perf_counter()
            if left <= 0:
                limit.reschedule(loop.time())
            else:
                watch = loop.call_later(left, look)

        watch = loop.call_soon(look)
        try:
            yield
        finally:
            watch.cancel()


def read_wire(wire: Wire, *, streamed: bool = True) -> tuple[Stream, Fault | None]:
    """Read the body of an attempt, and settle why it is no complete reply."""
    read = read_stream if streamed else read_whole
    try:
        stream = read([] if wire.refused else wire.pieces)
    except Exception as error:  # noqa: BLE001  (no body may keep its attempt from the record)
        detail = f"unreadable: {type(error).__name__}"
        return read_stream([]), Fault(kind="stream", detail=detail)
    if wire.fault and (stream.fault is None or stream.fault.kind in _SILENT):
        return stream, wire.fault
    return stream, stream.fault


def read_clean(
    wire: Wire, redactor: Redactor, *, streamed: bool = True
) -> tuple[Stream, Fault | None]:
    """Read the body of an attempt; a key that it tells bit by bit leaves the wire's pieces too."""
    stream, fault = read_wire(wire, streamed=streamed)
    if tells_key(stream, redactor):
        wire.pieces = scrubbed(wire.pieces, redactor)
        stream, fault = read_wire(wire, streamed=streamed)
    return stream, fault


def without_key(text: bytes, key: str) -> bytes:
    """Take an endpoint's key out of what is kept."""
    return Redactor.of([key]).data(text)
