"""What a diff written by `workspace.diff_trees` changes, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_HEADER: Final = b"diff --git "
_HUNK: Final = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Fate(StrEnum):
    """What happened to a file."""

    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file of a patch. Binary files have no lines; a source is never binary."""

    fate: Fate
    added: Mapping[int, str]
    """1-based line number in the patched file -> text."""
    deleted: tuple[str, ...]
    """Lines that are gone, in their old order."""


Changes = Mapping[str, Change]
"""Path -> change."""


def read_changes(diff: bytes) -> dict[str, Change]:
    """Read a diff; contents that look like headers are told apart by the hunks' lengths."""
    changes: dict[str, Change] = {}
    lines = iter(diff.split(b"\n"))
    draft: _Draft | None = None
    for line in lines:
        if line.startswith(_HEADER):
            if draft:
                changes[draft.path] = draft.change()
            draft = _Draft(_path(line))
        elif draft and line.startswith(b"new file mode "):
            draft.fate = Fate.ADDED
        elif draft and line.startswith(b"deleted file mode "):
            draft.fate = Fate.DELETED
        elif draft and (hunk := _HUNK.match(line)):
            draft.read_hunk(hunk, lines)
    if draft:
        changes[draft.path] = draft.change()
    return changes


@dataclass
class _Draft:
    path: str
    fate: Fate = Fate.MODIFIED
    added: dict[int, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def read_hunk(self, hunk: re.Match[bytes], lines: Iterator[bytes]) -> None:
        before, number, after = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
        while before > 0 or after > 0:
            line = next(lines)
            text = line[1:].decode("utf-8", "replace")
            if line.startswith(b"+"):
                self.added[number] = text
            elif line.startswith(b"-"):
                self.deleted.append(text)
            before -= line[:1] in (b"-", b" ")
            after -= line[:1] in (b"+", b" ")
            number += line[:1] in (b"+", b" ")

    def change(self) -> Change:
        return Change(fate=self.fate, added=self.added, deleted=tuple(self.deleted))


def _path(header: bytes) -> str:
    # Without renames both names are the same, so the first half holds one of them.
    names = header.removeprefix(_HEADER)
    name = names[: (len(names) - 1) // 2]
    if name.startswith(b'"'):
        name = name[1:-1].decode("unicode_escape").encode("latin-1")
    return name.decode().removeprefix("a/")
