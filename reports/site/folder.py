"""Where a scoreboard stands: a folder that is replaced whole, and that nothing else lives in."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reports.site.manifest import MANIFEST, read_manifest
from testbed.errors import DiskFull, RunError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


@contextmanager
def replacing(folder: Path, *, own: Collection[Path] = ()) -> Iterator[Path]:
    """Give an empty folder that takes the place of `folder` at the end, and only then.

    `own` are folders that belong to scoreboards alone: a page without a manifest, from an older
    version, is replaced there too. Raises `RunError` when anything else would be lost.
    """
    folder = folder.resolve()
    _demand_replaceable(folder, own={path.resolve() for path in own})
    half = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        half.mkdir(parents=True)
        yield half
        _swap(half, folder)
    except OSError as fault:
        raise DiskFull(
            f"{fault.filename or folder}: {fault.strerror}",
            next_step="Free some space or choose another folder",
        ) from fault
    finally:
        shutil.rmtree(half, ignore_errors=True)


def files_below(folder: Path) -> set[str]:
    """List every file of a folder by its POSIX path; a link counts as a file."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def _demand_replaceable(folder: Path, *, own: Collection[Path]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder", next_step="Choose another one with -o")
    manifest = read_manifest(folder)
    known = {MANIFEST, *manifest.files} if manifest else set()
    strangers = files_below(folder) - known
    if folder in own:
        strangers.discard("index.html")
    if strangers:
        raise RunError(
            f"{folder} holds {min(strangers)}, which no scoreboard has written",
            next_step="Choose another folder with -o, or move what is in it",
        )


def _swap(half: Path, folder: Path) -> None:
    if not folder.exists():
        half.replace(folder)
        return
    old = half.with_name(f"{half.name}.old")
    folder.replace(old)
    half.replace(folder)
    shutil.rmtree(old)
