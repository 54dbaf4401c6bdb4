"""Starting something so that a cancellation leaves nothing of it behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")


async def started(start: Coroutine[object, object, T], *, end: Callable[[T], Awaitable[None]]) -> T:
    """Return what `start` makes; a cancellation waits for it, and ends it first.

    Raises what `start` raises.
    """
    # Half-way neither asyncio (Python 3.11) nor bubblewrap comes back from being stopped: the one
    # waits for pipes that it never connects, the other for a parent that is dead.
    starting = asyncio.ensure_future(start)
    try:
        await asyncio.wait({starting})
    except asyncio.CancelledError:
        await asyncio.wait({starting})
        if starting.exception() is None:
            await end(starting.result())
        raise
    return starting.result()
