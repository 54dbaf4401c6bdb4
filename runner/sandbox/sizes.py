"""Sizes that every engine shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runner.sandbox.base import Limits

TMP_BYTES: Final = 256 << 20
"""Room in /tmp, beside the workspace's `Limits.disk_bytes`."""
SHM_BYTES: Final = 64 << 20
"""Room in /dev/shm."""
MAX_FILES: Final = 262_144
"""Files and folders in the workspace, and in /tmp, where the engine can limit them."""
OPEN_FILES: Final = 8192
"""File descriptors of one process."""


def total_memory(limits: Limits) -> int:
    """Return the bytes a whole sandbox may use: its processes, and its disks, all in memory.

    What lies in a tmpfs is charged like memory. The two are added so that a full disk never
    starves the processes; what the disks leave free, the processes may use.
    """
    return limits.memory_bytes + limits.disk_bytes + TMP_BYTES + SHM_BYTES
