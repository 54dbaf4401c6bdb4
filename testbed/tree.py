"""Trees of files held in memory, and the globs that select from them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class File:
    """A regular file's content and whether it may be executed."""

    data: bytes
    executable: bool = False


Tree = Mapping[str, File]
"""Relative POSIX path -> file."""


@lru_cache(maxsize=512)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """Translate a glob: `*` and `?` stay within a folder, `**/` is any depth, `/**` all below."""
    parts = re.split(r"(\*\*/|/\*\*$|\*|\?)", glob)
    rules = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(rules.get(part, re.escape(part)) for part in parts), re.DOTALL)


def matches(path: str, globs: Iterable[str]) -> bool:
    """Say whether any of the globs selects the path."""
    return any(glob_pattern(glob).fullmatch(path) for glob in globs)


def read_tree(root: Path, ignored: Iterable[str] = ()) -> dict[str, File]:
    """Read the regular files below `root`, ignored globs left out, folders pruned early."""
    globs = (".git/**", *ignored)
    tree: dict[str, File] = {}
    for folder, names, files in os.walk(root):
        base = Path(folder)
        inside = base.relative_to(root).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        names[:] = sorted(n for n in names if not matches(f"{prefix}{n}/x", globs))
        for name in sorted(files):
            path = base / name
            if not matches(f"{prefix}{name}", globs) and not path.is_symlink():
                executable = bool(path.stat().st_mode & 0o100)
                tree[f"{prefix}{name}"] = File(path.read_bytes(), executable)
    return tree


def digest_tree(tree: Tree) -> str:
    """Digest paths, executable bits and contents (sha256, hexadecimal)."""
    digest = hashlib.sha256()
    for path in sorted(tree):
        file = tree[path]
        digest.update(f"{path}\0{'x' if file.executable else '-'}\0{len(file.data)}\0".encode())
        digest.update(file.data)
    return digest.hexdigest()
