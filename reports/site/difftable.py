"""A diff as rows for a page: line numbers of both sides, findings at their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from reports.site.foreign import line as shown
from testbed.records import CheckKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from testbed.dossier import Dossier

LINE_CHARS: Final = 500
FILE_ROWS: Final = 600
ALL_ROWS: Final = 2500
_EMPHASISED_CHARS: Final = 400
"""Longer lines are not compared word by word."""
_ALIKE: Final = 0.4
"""Share of a line that its pair must have too before the rest is marked."""
_HEADER: Final = "diff --git "
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)")
_FATES: Final = {
    "new file mode ": "added",
    "deleted file mode ": "deleted",
    "rename from ": "renamed",
}
_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")
_PATH_CHECKS: Final = {
    "constraint:allowed-paths": "outside the paths that the task allows",
    "constraint:forbidden-paths": "a path that the task forbids",
}
_DISCARDED: Final = "protected file: the change was discarded before grading"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that grading found in a patch."""

    path: str
    line: int | None
    """1-based, in the patched file; `None`: of the file as a whole."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a diff, already made visible and cut to a length."""

    kind: str
    """`same`, `added`, `deleted`, `hunk` or `note`."""
    before: int | None = None
    """Line number in the old file."""
    after: int | None = None
    """Line number in the new file."""
    head: str = ""
    changed: str = ""
    """What differs from the other line of a changed pair; empty: the whole line does."""
    tail: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FileDiff:
    """One file of a patch."""

    path: str
    fate: str
    """`added`, `deleted`, `renamed` or `changed`."""
    added: int
    deleted: int
    rows: tuple[Row, ...]
    cut: int = 0
    """Rows that are not shown."""
    flags: tuple[str, ...] = ()
    """What was found of the file as a whole."""

    @property
    def findings(self) -> int:
        """Count what was found on its lines."""
        return sum(len(row.findings) for row in self.rows)


def findings_of(dossier: Dossier) -> tuple[Finding, ...]:
    """List what grading found in a trial's patch."""
    grade, patch = dossier.grade, dossier.trial.patch
    found = [
        Finding(path=path, line=None, text=_DISCARDED) for path in (patch.tampered if patch else ())
    ]
    if grade is None:
        return tuple(found)
    found += [Finding(path=n.path, line=n.line, text=n.message) for n in grade.unused or ()]
    found += [
        Finding(path=path, line=None, text=_PATH_CHECKS[check.id])
        for check in grade.failed(CheckKind.CONSTRAINT)
        if check.id in _PATH_CHECKS
        for path in check.detail.split(", ")
    ]
    return tuple(found)


def diff_files(patch: str, findings: Sequence[Finding]) -> tuple[FileDiff, ...]:
    """Read a diff in git's form; one that ends within a hunk is read as far as it goes.

    At most `FILE_ROWS` rows of a file and `ALL_ROWS` of all are kept; `cut` says how many are not.
    """
    files, room = [], ALL_ROWS
    for draft in _drafts(patch):
        rows = draft.rows[: min(FILE_ROWS, room)]
        room -= len(rows)
        mine = [finding for finding in findings if finding.path == draft.path]
        files.append(
            FileDiff(
                path=shown(draft.path, LINE_CHARS),
                fate=draft.fate,
                added=sum(row.kind == "added" for row in draft.rows),
                deleted=sum(row.kind == "deleted" for row in draft.rows),
                rows=tuple(_marked(rows, mine)),
                cut=len(draft.rows) - len(rows),
                flags=tuple(dict.fromkeys(f.text for f in mine if f.line is None)),
            )
        )
    return tuple(files)


@dataclass
class _Draft:
    path: str
    fate: str = "changed"
    rows: list[Row] = field(default_factory=list)


def _drafts(patch: str) -> Iterator[_Draft]:
    lines = iter(patch.removesuffix("\n").split("\n"))
    draft: _Draft | None = None
    for line in lines:
        if line.startswith(_HEADER):
            if draft:
                yield draft
            draft = _Draft(_path(line))
        elif draft and (hunk := _HUNK.match(line)):
            draft.rows += _hunk(hunk, lines)
        elif draft:
            _header(draft, line)
    if draft:
        yield draft


def _header(draft: _Draft, line: str) -> None:
    for beginning, fate in _FATES.items():
        if line.startswith(beginning):
            draft.fate = fate
    if line.startswith(("Binary files ", "GIT binary patch")):
        draft.rows.append(Row(kind="note", head="Binary content, not shown"))
    elif line.startswith("\\"):
        draft.rows.append(Row(kind="note", head=shown(line[2:], LINE_CHARS)))


def _hunk(found: re.Match[str], lines: Iterator[str]) -> Iterator[Row]:
    """Read a hunk by its lengths, so that contents that look like headers are told apart."""
    old, new = int(found[1]), int(found[3])
    left, right = int(found[2] or 1), int(found[4] or 1)
    if old > 1 or found[5].strip():
        yield Row(kind="hunk", head=shown(found[5].strip(), LINE_CHARS))
    rows: list[tuple[Row, str]] = []
    while left > 0 or right > 0:
        line = next(lines, None)
        if line is None:
            break
        mark, text = line[:1], line[1:]
        if mark == "\\":
            rows.append((Row(kind="note", head=shown(line[2:], LINE_CHARS)), ""))
            continue
        kind = {"+": "added", "-": "deleted"}.get(mark, "same")
        row = Row(
            kind=kind,
            before=None if mark == "+" else old,
            after=None if mark == "-" else new,
            head=shown(text, LINE_CHARS),
        )
        rows.append((row, text))
        old, left = old + (mark != "+"), left - (mark != "+")
        new, right = new + (mark != "-"), right - (mark != "-")
    yield from _emphasised(rows)


def _emphasised(rows: Sequence[tuple[Row, str]]) -> Iterator[Row]:
    """Mark what differs in deleted lines that as many added ones follow."""
    at = 0
    while at < len(rows):
        gone = _stretch(rows, at, "deleted")
        come = _stretch(rows, at + gone, "added")
        end = at + max(gone + come, 1)
        if gone and gone == come:
            pairs = [_pair(rows[n], rows[n + gone]) for n in range(at, at + gone)]
            yield from (left for left, _ in pairs)
            yield from (right for _, right in pairs)
        else:
            yield from (row for row, _ in rows[at:end])
        at = end


def _stretch(rows: Sequence[tuple[Row, str]], start: int, kind: str) -> int:
    end = start
    while end < len(rows) and rows[end][0].kind == kind:
        end += 1
    return end - start


def _pair(left: tuple[Row, str], right: tuple[Row, str]) -> tuple[Row, Row]:
    (old, was), (new, now) = left, right
    if max(len(was), len(now)) > _EMPHASISED_CHARS:
        return old, new
    before, after = _WORD.findall(was), _WORD.findall(now)
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    shared = "".join((*before[:head], *before[len(before) - tail :])).strip()
    if len(shared) < _ALIKE * max(len(was.strip()), len(now.strip())):
        return old, new
    return _parted(old, before, head, tail), _parted(new, after, head, tail)


def _alike(left: Sequence[str], right: Sequence[str]) -> int:
    pairs = zip(left, right, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))


def _parted(row: Row, words: Sequence[str], head: int, tail: int) -> Row:
    end = len(words) - tail
    parts = ("".join(part) for part in (words[:head], words[head:end], words[end:]))
    first, changed, last = (shown(part, LINE_CHARS) for part in parts)
    return replace(row, head=first, changed=changed, tail=last)


def _marked(rows: Iterable[Row], findings: Sequence[Finding]) -> Iterator[Row]:
    by_line: dict[int, list[str]] = {}
    for finding in findings:
        if finding.line is not None:
            by_line.setdefault(finding.line, []).append(shown(finding.text, LINE_CHARS))
    for row in rows:
        said = by_line.get(row.after or 0, ()) if row.kind in ("added", "same") else ()
        yield replace(row, findings=tuple(said)) if said else row


def _path(header: str) -> str:
    # Without renames both names are the same, so the first half holds one of them.
    names = header.removeprefix(_HEADER)
    name = names[: (len(names) - 1) // 2]
    if name.startswith('"') and name.endswith('"'):
        name = _unquoted(name[1:-1])
    return name.removeprefix("a/")


def _unquoted(name: str) -> str:
    try:
        raw = name.encode("latin-1", "backslashreplace").decode("unicode_escape")
        return raw.encode("latin-1").decode(errors="replace")
    except UnicodeError:
        return name
