"""Several things at once, with one plain error when something goes wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from testbed.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

T = TypeVar("T")


class Group:
    """Runs what it is given at the same time."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._running: set[asyncio.Task[object]] = set()

    def create_task(self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Start something; its error stops the others."""
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def ended(self) -> None:
        """Wait until nothing runs any more."""
        while self._running:
            await asyncio.wait(self._running)


@asynccontextmanager
async def together() -> AsyncIterator[Group]:
    """Open a group; once the others are stopped, raise the first expected error alone.

    A cancellation from outside comes before any error, whenever it arrives.
    """
    task = asyncio.current_task()
    if task is None:
        raise AssertionError("a coroutine runs in a task")
    before = task.cancelling()
    try:
        async with asyncio.TaskGroup() as tasks:
            group = Group(tasks)
            yield group
            # Python 3.11 takes back the cancellation by which it stops this block, and not the
            # one by which it stops its own wait after it: here it never comes to that.
            await group.ended()
    except BaseExceptionGroup as faults:
        if task.cancelling() > before:  # Python prefers the errors: a cancelled run would go on
            raise asyncio.CancelledError from faults
        raise _first(faults) from faults


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Prefer an expected error; else the first one, whatever it is."""
    expected = group.subgroup(TestbedError)
    found: BaseException = expected or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
