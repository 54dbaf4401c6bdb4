"""One small change of one source file, and how it is told from others."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.record import Record
from testbed.tree import File, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS: Final = 10


class Change(Record):
    """One mutant as the fixture's `mutants` command prints it."""

    path: str
    line: int
    """Where a reader would say that it happened, counted from 1."""
    operator: str
    """E.g. `drop-await`."""
    start: int
    """Offset of the first byte that goes."""
    end: int
    """Offset after the last byte that goes."""
    before: str
    """What stands there."""
    after: str
    """What takes its place; may be empty."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One small change of one source file. Offsets are bytes, lines are counted from 1."""

    id: str
    """`<path>:<operator>:<digest>`, with `:2` and so on where several are alike.

    It stays the same while other lines of the file change.
    """
    path: str
    line: int
    operator: str
    start: int
    end: int
    before: str
    after: str


def identify(changes: Iterable[Change], tree: Tree) -> tuple[Mutant, ...]:
    """Give each change of a tree its id; alike ones are counted in the order they come in."""
    counts: Counter[str] = Counter()
    mutants: list[Mutant] = []
    for change in changes:
        name = _name(change, tree)
        counts[name] += 1
        number = f":{counts[name]}" if counts[name] > 1 else ""
        mutants.append(Mutant(id=f"{name}{number}", **change.model_dump()))
    return tuple(mutants)


def apply(tree: Tree, mutant: Mutant) -> Tree:
    """Return the tree with the mutant in it.

    Raises `ValueError` when it was made from another text.
    """
    file = tree.get(mutant.path)
    if file is None or file.data[mutant.start : mutant.end] != mutant.before.encode():
        raise ValueError(f"{mutant.id} was made from another text")
    data = file.data[: mutant.start] + mutant.after.encode() + file.data[mutant.end :]
    return {**tree, mutant.path: File(data, file.executable)}


def _name(change: Change, tree: Tree) -> str:
    lines = tree[change.path].data.decode("utf-8", "replace").split("\n")
    text = lines[change.line - 1].strip()
    digest = hashlib.sha256(f"{change.before}\0{change.after}\0{text}".encode())
    return f"{change.path}:{change.operator}:{digest.hexdigest()[:_DIGITS]}"
