"""The tool calls that turn one tree into another."""

from __future__ import annotations

import shlex
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from runner.players.player import Answer, Call, call
from testbed.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testbed.tree import File, Tree

CONTEXT_LINES = 1


def carry_out(before: Tree, after: Tree) -> tuple[Answer, ...]:
    """Read what changes, remove what goes, then edit or write one file per answer.

    Raises `ScenarioError` for a changed file that is not UTF-8 text: the tools take text only.
    """
    gone = sorted(before.keys() - after.keys())
    changed = sorted(path for path, file in after.items() if before.get(path) != file)
    known = [path for path in changed if path in before]
    answers = []
    if known:
        reads = tuple(call("read_file", path=path) for path in known)
        answers.append(Answer(text="I read what has to change.", calls=reads))
    if gone:
        removal = call("shell", command=shlex.join(["rm", "--", *gone]))
        answers.append(Answer(text="I remove what is no longer needed.", calls=(removal,)))
    for path in changed:
        calls = tuple(_change(path, before.get(path), after[path]))
        answers.append(Answer(text=f"I change {path}.", calls=calls))
    return tuple(answers)


def _change(path: str, old: File | None, new: File) -> Iterable[Call]:
    if not all(is_text(file) for file in (old, new) if file):
        raise ScenarioError(
            f"{path}: a scripted player cannot change a file that is not UTF-8 text",
            next_step="Keep seeds and reference solutions to text files",
        )
    if old is None or (not old.data and new.data):
        yield call("write_file", path=path, content=new.data.decode())
    elif old.data != new.data:
        yield from edits(path, old.data.decode(), new.data.decode())
    if new.executable != (old is not None and old.executable):
        mode = "+x" if new.executable else "-x"
        yield call("shell", command=shlex.join(["chmod", mode, "--", path]))


def is_text(file: File) -> bool:
    """Say whether the tools can read and edit it: UTF-8 without NUL."""
    try:
        return "\0" not in file.data.decode()
    except UnicodeDecodeError:
        return False


def edits(path: str, before: str, after: str) -> Iterable[Call]:
    """Write one `edit_file` per hunk, each to be applied to what the one before it left.

    `before` must not be empty. Every `old_text` occurs exactly once when its turn comes,
    overlapping occurrences counted: it grows by lines until it does, at most to the whole file.
    """
    lines = before.splitlines(keepends=True)
    wanted = after.splitlines(keepends=True)
    shift = 0
    for group in SequenceMatcher(a=lines, b=wanted, autojunk=False).get_grouped_opcodes(
        CONTEXT_LINES
    ):
        first, last = group[0], group[-1]
        start, end = first[1] + shift, last[2] + shift
        fresh = wanted[first[3] : last[4]]
        low, high = _unique_span(lines, start, end)
        old = "".join(lines[low:high])
        new = "".join([*lines[low:start], *fresh, *lines[end:high]])
        yield call("edit_file", path=path, old_text=old, new_text=new)
        lines[start:end] = fresh
        shift += len(fresh) - (end - start)


def _unique_span(lines: list[str], low: int, high: int) -> tuple[int, int]:
    whole = "".join(lines)
    while True:
        text = "".join(lines[low:high])
        if whole.find(text) == whole.rfind(text):
            return low, high
        low, high = max(low - 1, 0), min(high + 1, len(lines))
