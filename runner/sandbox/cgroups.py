"""Limits by control groups for the local sandbox, where this process may make groups."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from runner.sandbox.base import Limits
from runner.sandbox.owner import is_dead, object_name, readable
from runner.sandbox.sizes import total_memory

_ROOT: Final = Path("/sys/fs/cgroup")
_HOME: Final = "testbed"
_PERIOD_US: Final = 100_000
_SEPARATOR: Final = "~"


def roots() -> list[Path]:
    """Return the folders in which groups can be made: one in version 2, three in version 1."""
    if (_ROOT / "cgroup.controllers").exists():
        found = [_ROOT / _HOME] if _enable(_ROOT) and _make(_ROOT / _HOME) else []
        return [home for home in found if _enable(home)]
    homes = [_ROOT / controller / _HOME for controller in ("memory", "pids", "cpu")]
    return [home for home in homes if home.parent.is_dir() and _make(home)]


def usable(homes: list[Path], owner: str) -> bool:
    """Try whether groups with limits can be made and removed there."""
    try:
        remove(create(homes, owner, "probe", "probe", Limits()))
    except OSError:
        return False
    return bool(homes)


def _make(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _enable(folder: Path) -> bool:
    """Let groups below a folder of version 2 have limits."""
    try:
        (folder / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    except OSError:
        return False
    return True


def create(homes: list[Path], owner: str, run_id: str, name: str, limits: Limits) -> list[Path]:
    """Make the groups of one sandbox."""
    label = _SEPARATOR.join((owner, readable(run_id), object_name(name)))
    groups = [home / label for home in homes]
    quota = int(limits.cpus * _PERIOD_US)
    memory = str(total_memory(limits))
    values = {
        "memory.max": memory,
        "memory.swap.max": "0",
        "memory.limit_in_bytes": memory,
        "memory.memsw.limit_in_bytes": memory,
        "pids.max": str(limits.pids),
        "cpu.max": f"{quota} {_PERIOD_US}",
        "cpu.cfs_quota_us": str(quota),
    }
    for group in groups:
        group.mkdir()
        for key, value in values.items():
            if (group / key).exists():
                (group / key).write_text(value)
    return groups


def remove(groups: list[Path]) -> None:
    """Remove groups whose processes are dying; one that will not go is left for `strays`."""
    for group in groups:
        for _ in range(100):
            try:
                group.rmdir()
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)
            else:
                break


def strays(homes: list[Path], run_id: str | None) -> dict[str, list[Path]]:
    """Find groups of a run, or, for `None`, those whose owner is dead: label -> groups."""
    found: dict[str, list[Path]] = {}
    for home in homes:
        for group in home.iterdir():
            owner, _, rest = group.name.partition(_SEPARATOR)
            of_run = rest.partition(_SEPARATOR)[0] == readable(run_id or "")
            if group.is_dir() and (of_run if run_id else is_dead(owner)):
                found.setdefault(group.name, []).append(group)
    return found


def kill(groups: list[Path]) -> None:
    """Kill every process in some groups."""
    for group in groups:
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), 9)
