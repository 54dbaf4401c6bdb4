"""What one process of this machine does at a time, while the others wait and can be stopped."""

from __future__ import annotations

import asyncio
import fcntl
from typing import IO, TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.sandbox.base import Progress

T = TypeVar("T")
_POLL_S: Final = 0.2


async def alone(lock: Path, work: Callable[[], T], progress: Progress) -> T:
    """Return what `work` returns, done in a thread while this process holds the lock.

    Waits for as long as another holds it, and says so once. Raises what `work` raises.
    """
    file = await asyncio.to_thread(_opened, lock)
    try:
        if not _taken(file):
            progress("waiting for another process, which is building")
            # Not in a thread: nothing could stop it there, and Ctrl-C would wait for the other.
            while not _taken(file):  # noqa: ASYNC110  (a file lock tells nobody)
                await asyncio.sleep(_POLL_S)
    except BaseException:
        file.close()
        raise

    def held() -> T:
        with file:  # closed by the thread: it goes on when nobody waits for it any more
            return work()

    return await asyncio.to_thread(held)


def _opened(lock: Path) -> IO[str]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    return lock.open("w")


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
