"""Which process owns a sandbox, so that a stray can be told from a sandbox in use."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; empty when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[19] if fields[0] not in "ZX" else ""


def owner_mark() -> str:
    """Name this process so that no later one is taken for it: pid, start time, host name."""
    return f"{os.getpid()}:{_started(os.getpid())}:{socket.gethostname()}"


def is_dead(mark: str) -> bool:
    """Tell whether an owner has ended; one on another host is taken for alive."""
    pid, _, rest = mark.partition(":")
    started, _, host = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return _started(int(pid)) != started


def is_running(pid: int) -> bool:
    """Tell whether a process lives; one that only waits to be reaped does not."""
    return bool(_started(pid))


def readable(text: str) -> str:
    """Keep what every engine and file system takes in a name."""
    return re.sub(r"[^a-zA-Z0-9_.-]+", "-", text)[:60]


def object_name(*parts: str) -> str:
    """Join parts into a readable name with a random end."""
    return "-".join((*map(readable, parts), os.urandom(3).hex()))
