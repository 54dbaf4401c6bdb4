"""Several things at once, with one plain error when something goes wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from testbed.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Open a task group; once the others are stopped, raise the first expected error alone."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as faults:
        raise _first(faults) from faults


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Prefer an expected error; else the first one, whatever it is."""
    expected = group.subgroup(TestbedError)
    found: BaseException = expected or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
