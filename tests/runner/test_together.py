"""What runs together ends together: by its first expected error, or by a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from runner.together import together
from testbed.errors import SandboxLost

STOPPING_S = 0.05


async def lost(after: asyncio.Event) -> None:
    """Lose a sandbox."""
    await after.wait()
    raise SandboxLost("gone")


async def busy() -> None:
    """Work for ever, and take a while to stop."""
    try:
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(STOPPING_S)


async def lost_on_stopping() -> None:
    """Work for ever, and lose a sandbox when stopped."""
    try:
        await busy()
    finally:
        raise SandboxLost("gone")


@pytest.mark.parametrize("wait_s", [0.0, 100.0], ids=["after the block", "within the block"])
async def test_the_first_expected_error_comes_alone_and_leaves_no_cancellation(
    wait_s: float,
) -> None:
    now = asyncio.Event()
    now.set()

    async def broken() -> None:
        raise ValueError

    async def work() -> None:
        async with together() as group:
            group.create_task(busy())
            group.create_task(broken())
            group.create_task(lost(now))
            await asyncio.sleep(wait_s)

    with pytest.raises(SandboxLost):
        await work()
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0


@pytest.mark.parametrize("waits", [False, True], ids=["after the block", "within the block"])
@pytest.mark.parametrize("first", ["the error", "the cancellation"])
async def test_a_cancellation_is_never_lost_to_an_error(first: str, *, waits: bool) -> None:
    now = asyncio.Event()
    went_on = False

    async def work() -> None:
        nonlocal went_on
        try:
            async with together() as group:
                group.create_task(busy())
                group.create_task(lost_on_stopping() if first != "the error" else lost(now))
                if waits:
                    await asyncio.sleep(100)
        except SandboxLost:
            went_on = True

    task = asyncio.create_task(work())
    await asyncio.sleep(STOPPING_S / 5)
    now.set()
    await asyncio.sleep(STOPPING_S / 5)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert not went_on
