"""Trees as tars: packed for a sandbox, and read back from one without trust."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from testbed.tree import File, Tree, matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

KIT_FOLDER: Final = ".testbed"
"""The harness's own folder in a grading sandbox; no patch may hold a path below it."""

EMPTY: Final = ("node_modules",)
"""What stays empty in a grading sandbox: packages stand one folder above, and one that code of a
patch planted here while it is built would be imported in their place."""

MAX_FILE_BYTES: Final = 4 << 20
MAX_TREE_BYTES: Final = 64 << 20
MAX_FILES: Final = 20_000

DATE: Final = 1_767_225_600
"""2026-01-01T00:00:00Z, the time of everything packed: equal trees are equal bytes."""


class Unreadable(Exception):
    """The tar is broken, or holds more than a patch may."""


def overlay(base: Tree, top: Tree) -> dict[str, File]:
    """Lay one tree over another; what stands in the way of a path of `top` gives way."""
    folders = {parent for path in top for parent in _parents(path)}
    kept = {
        path: file
        for path, file in base.items()
        if path not in folders and not any(parent in top for parent in _parents(path))
    }
    return {**kept, **top}


def pack_tree(tree: Tree) -> bytes:
    """Pack a tree as an uncompressed tar; equal trees give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(tree):
            member = tarfile.TarInfo(path)
            member.size, member.mtime = len(tree[path].data), DATE
            member.mode = 0o755 if tree[path].executable else 0o644
            archive.addfile(member, io.BytesIO(tree[path].data))
    return buffer.getvalue()


def pack_folder(path: str) -> bytes:
    """Pack one empty folder as an uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(path)
        member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, DATE
        archive.addfile(member)
    return buffer.getvalue()


def read_packed(packed: bytes, ignored: Collection[str]) -> tuple[dict[str, File], list[str]]:
    """Read an untrusted tar: its files, and `path: reason` for each member left out.

    Raises `Unreadable` for a broken tar, and above 64 MiB or 20,000 files.
    """
    tree: dict[str, File] = {}
    dropped: list[str] = []
    room = MAX_TREE_BYTES
    for member, content in _members(packed):
        path = os.path.normpath(member.name) if member.name else ""
        if member.isdir() or matches(path, ignored):
            continue
        if reason := _why_not(path, member, tree):
            dropped.append(f"{_printable(path)}: {reason}")
            continue
        data = tree[os.path.normpath(member.linkname)].data if member.islnk() else content
        tree[path] = File(data, bool(member.mode & 0o100))
        room -= len(data)
        if room < 0 or len(tree) + len(dropped) > MAX_FILES:
            raise Unreadable("it is larger than a patch may be")
    clashes = {path for path in tree if any(parent in tree for parent in _parents(path))}
    dropped.extend(f"{path}: below a file" for path in sorted(clashes))
    return {path: file for path, file in tree.items() if path not in clashes}, dropped


def _members(packed: bytes) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    if not packed.endswith(bytes(2 * tarfile.BLOCKSIZE)):
        raise Unreadable("its tar has no end")
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:", errors="surrogateescape") as tar:
            for member in tar:
                small = member.isreg() and member.size <= MAX_FILE_BYTES
                content = tar.extractfile(member) if small else None
                yield member, content.read() if content else b""
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, OSError) as fault:
        raise Unreadable(f"its tar cannot be read: {fault}") from fault


def _why_not(path: str, member: tarfile.TarInfo, tree: Tree) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path == "." or path.startswith("/") or ".." in parts:
        return "outside the workspace"
    if any(part.lower() == ".git" for part in parts) or parts[0] == KIT_FOLDER:
        return "a reserved name"
    if not is_text(path):
        return "not a UTF-8 name"
    if member.islnk():
        return "" if os.path.normpath(member.linkname) in tree else "a link to nothing packed"
    if not member.isreg():
        return "not a regular file"
    return f"larger than {MAX_FILE_BYTES >> 20} MiB" if member.size > MAX_FILE_BYTES else ""


def is_text(path: str) -> bool:
    """Say whether a path can be written as UTF-8."""
    return not any("\ud800" <= letter <= "\udfff" for letter in path)


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
