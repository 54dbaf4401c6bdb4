"""How results read to a model: short, complete about what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.sandbox.base import ToolFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.sandbox.base import Entry, ExecResult, Match


def capped(text: str, limit: int, *, cut_before: int = 0) -> str:
    """Keep the head and the tail of a text longer than `limit` bytes.

    `cut_before` bytes were already missing from its middle and are counted in.
    """
    raw = text.encode()
    if len(raw) <= limit:
        return text
    half = limit // 2
    cut = len(raw) - 2 * half + cut_before
    head, tail = (part.decode(errors="ignore") for part in (raw[:half], raw[-half:]))
    return f"{head}\n[... {cut} bytes cut ...]\n{tail}"


def numbered(text: str, offset: int, limit: int, most_bytes: int) -> str:
    """Return `limit` numbered lines from line `offset` on, or as many of them as fit."""
    if not text:
        return "(empty file)"
    lines = text.removesuffix("\n").split("\n")
    if offset > len(lines):
        raise ToolFault("bad_argument", f"offset {offset} is past the last line, {len(lines)}")
    shown: list[str] = []
    room = most_bytes - 100  # for the last line, which says where to go on
    for number, line in enumerate(lines[offset - 1 : offset - 1 + limit], offset):
        row = f"{number}\t{line}"
        room -= len(row.encode()) + 1
        if room < 0 and shown:
            break
        shown.append(row)
    last = offset + len(shown) - 1
    if last < len(lines):
        shown.append(f"[lines {offset}-{last} of {len(lines)}; go on with offset={last + 1}]")
    return "\n".join(shown)


def listing(entries: Sequence[Entry], limit: int) -> str:
    """Write one entry a line: folders end in /, files have their size in bytes."""
    if not entries:
        return "(empty folder)"
    marks = {"dir": "/", "link": " (link)"}
    rows = [f"{entry.path}{marks.get(entry.kind, f'  {entry.size}')}" for entry in entries[:limit]]
    if len(entries) >= limit:
        rows.append(f"[the first {limit} entries; list a folder further down]")
    return "\n".join(rows)


def matches(found: Sequence[Match], limit: int) -> str:
    """Write one match a line: path, line number, text."""
    if not found:
        return "(no match)"
    rows = [f"{match.path}:{match.line}: {match.text}" for match in found[:limit]]
    if len(found) >= limit:
        rows.append(f"[the first {limit} matches; narrow the pattern, path or glob]")
    return "\n".join(rows)


def shell_report(done: ExecResult, timeout_s: float, most_bytes: int) -> tuple[str, str]:
    """Say how a command ended, and what it printed."""
    output = capped(
        done.stdout.decode(errors="replace"), most_bytes - 200, cut_before=done.cut_bytes
    )
    if done.timed_out:
        how = f"killed: not done after {timeout_s:g} s"
    elif done.exit_code is not None and done.exit_code < 0:
        how = f"ended by signal {-done.exit_code} after {done.seconds:.1f} s"
    else:
        how = f"exit code {done.exit_code} after {done.seconds:.1f} s"
    return how, output or "(no output)"
