"""The host's end of the frames against a toolbox that lies, dawdles or dies."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import TYPE_CHECKING

import pytest

from runner.sandbox import client
from runner.sandbox.base import ToolFault
from testbed.errors import SandboxLost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Sender:
    """Takes requests and forgets them."""

    def write(self, data: bytes) -> None:
        """Take bytes."""
        assert data

    async def drain(self) -> None:
        """Never wait."""


class Box:
    """A sandbox whose replies are given."""

    def __init__(self, reply: bytes = b"", *, ends: bool = True) -> None:
        self.ended = 0
        reader = asyncio.StreamReader()
        reader.feed_data(reply)
        if ends:
            reader.feed_eof()
        self.sandbox = client.ToolboxSandbox(
            name="box",
            reader=reader,
            writer=Sender(),
            end=self.end,
            environment={},
            output_bytes=1000,
        )

    async def end(self) -> None:
        """Count the ends."""
        self.ended += 1


def frame(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack(">II", len(text), len(body)) + text + body


LIES: dict[str, tuple[bytes, Callable[[Box], Awaitable[object]]]] = {
    "nothing": (b"", lambda b: b.sandbox.read("x")),
    "half a frame": (frame({}, b"abc")[:-1], lambda b: b.sandbox.read("x")),
    "a huge body": (struct.pack(">II", 2, 1 << 31) + b"{}", lambda b: b.sandbox.read("x")),
    "a huge header": (struct.pack(">II", 1 << 31, 0), lambda b: b.sandbox.read("x")),
    "more than was asked for": (frame({}, b"abc"), lambda b: b.sandbox.read("x", limit=2)),
    "no JSON": (struct.pack(">II", 3, 0) + b"abc", lambda b: b.sandbox.read("x")),
    "no object": (frame([1]), lambda b: b.sandbox.read("x")),
    "an unknown fault": (frame({"fault": "pwned", "message": ""}), lambda b: b.sandbox.read("x")),
    "a fault without words": (frame({"fault": "denied"}), lambda b: b.sandbox.read("x")),
    "a line that is text": (frame({"line": "1"}), lambda b: b.sandbox.edit("x", "a", "b")),
    "entries of another shape": (frame({}, b'[["a", "file"]]'), lambda b: b.sandbox.entries()),
    "a negative size": (frame({}, b'[["a", "file", -1]]'), lambda b: b.sandbox.entries()),
    "an exit code that is text": (
        frame({"exit": "0", "seconds": 1.0, "stdout": 0, "cut": 0}),
        lambda b: b.sandbox.run(["true"], timeout_s=1),
    ),
    "deeply nested JSON": (
        frame({}, b"[" * 100_000),
        lambda b: b.sandbox.entries(),
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_no_toolbox_sends_loses_the_sandbox_and_closes_it_once(lie: str) -> None:
    reply, call = LIES[lie]
    box = Box(reply)
    with pytest.raises(SandboxLost) as caught:
        await call(box)
    assert caught.value.next_step
    with pytest.raises(SandboxLost):
        await box.sandbox.read("x")
    await box.sandbox.close()
    assert box.ended == 1


async def test_a_fault_leaves_the_sandbox_in_use() -> None:
    box = Box(frame({"fault": "not_found", "message": "x"}) + frame({}, b"data"))
    with pytest.raises(ToolFault):
        await box.sandbox.read("x")
    assert await box.sandbox.read("x") == b"data"
    assert box.ended == 0


async def test_a_toolbox_that_does_not_answer_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_GRACE_S", 0.05)
    box = Box(ends=False)
    with pytest.raises(SandboxLost, match="did not answer"):
        await box.sandbox.run(["sleep", "9"], timeout_s=0.01)
    assert box.ended == 1


async def test_a_cancelled_call_closes_the_sandbox() -> None:
    box = Box(ends=False)
    call = asyncio.create_task(box.sandbox.read("x"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert box.ended == 1
    with pytest.raises(SandboxLost):
        await box.sandbox.read("x")


async def test_names_that_are_not_unicode_can_be_stored() -> None:
    box = Box(frame({}, json.dumps([["\udcff", "file", 1]]).encode()))
    (entry,) = await box.sandbox.entries()
    assert entry.path.encode() == b"?"
