"""Temporary folders that bear their owner's name, so that those of a killed process are found."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.sandbox.owner import is_dead, owner_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX: Final = "testbed-scratch@"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that is gone when the block ends."""
    # A colon separates paths in git's variables.
    owner = owner_mark().replace(":", "+")
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{owner}@") as folder:
        yield Path(folder)


def sweep_scratch() -> int:
    """Remove the folders of dead processes; return how many."""
    left = [
        folder
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*@*")
        if is_dead(folder.name.removeprefix(_PREFIX).rpartition("@")[0].replace("+", ":"))
    ]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)
