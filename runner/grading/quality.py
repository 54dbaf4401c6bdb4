"""What the linter found that a patch introduced, on lines that the model wrote."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from testbed.records import UnusedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.grading.changes import Change, Changes

_SOURCE: Final = re.compile(r"\.[cm]?[jt]sx?$")
_UNUSED: Final = re.compile(r"\bno-unused-(?:vars|private-class-members)\b")
_SILENCER: Final = re.compile(
    r"(?://|/\*|^\s*\*).*?"
    r"(@ts-(?:ignore|nocheck|expect-error)|(?:eslint|oxlint)-disable(?:-next-line|-line)?)"
)


@dataclass(frozen=True)
class LintFinding:
    """One finding of any rule but those of unused names."""

    path: str
    line: int
    """0 for a file that could not be parsed."""
    message: str
    """With the rule's name."""


Finding = TypeVar("Finding", UnusedName, LintFinding)


def read_findings(output: bytes) -> tuple[UnusedName, ...] | None:
    """Read oxlint's JSON: unused names, by path and line; `None` when it saw no file.

    A file that could not be parsed is a finding of line 0, so that nobody takes it for clean.
    """
    items = _diagnostics(output)
    try:
        return None if items is None else tuple(name for item in items for name in _names(item))
    except (LookupError, TypeError, ValueError):
        return None


def read_others(output: bytes) -> tuple[LintFinding, ...] | None:
    """Read the findings of the other rules; `None` and line 0 as with `read_findings`."""
    items = _diagnostics(output)
    try:
        return None if items is None else tuple(other for item in items for other in _others(item))
    except (LookupError, TypeError, ValueError):
        return None


def introduced(
    before: Sequence[UnusedName] | None, after: Sequence[UnusedName] | None, changes: Changes
) -> tuple[UnusedName, ...] | None:
    """List what the patch introduced; `None` when either side could not be measured.

    A finding counts when it stands on an added line and its file has more of the same message
    than before: a line that only moved introduces nothing. A comment that silences a rule
    counts as one finding.
    """
    if before is None or after is None:
        return None
    found: list[UnusedName] = []
    for path, change in sorted(changes.items()):
        if not _SOURCE.search(path):
            continue
        here = [name for name in after if name.path == path]
        if any(name.line == 0 for name in here):
            return None
        found += _new([name for name in before if name.path == path], here, change)
        found += _silencers(path, change)
    return tuple(sorted(found, key=lambda name: (name.path, name.line, name.message)))


def count_others(
    before: Sequence[LintFinding] | None, after: Sequence[LintFinding] | None, changes: Changes
) -> int | None:
    """Count the findings of other rules that the patch introduced, by the rule of `introduced`."""
    if before is None or after is None:
        return None
    if any(finding.line == 0 and finding.path in changes for finding in after):
        return None
    return sum(
        1
        for path, change in changes.items()
        for _ in _new(
            [f for f in before if f.path == path], [f for f in after if f.path == path], change
        )
    )


def _diagnostics(output: bytes) -> list[dict[str, Any]] | None:
    try:
        report = json.loads(output)
        return None if report.get("number_of_files") == 0 else list(report["diagnostics"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _names(item: dict[str, Any]) -> Iterable[UnusedName]:
    if "code" not in item:
        yield UnusedName(path=item["filename"], line=0, message=item["message"])
    elif _UNUSED.search(item["code"]):
        line = item["labels"][0]["span"]["line"]
        yield UnusedName(path=item["filename"], line=line, message=item["message"])


def _others(item: dict[str, Any]) -> Iterable[LintFinding]:
    if "code" not in item:
        yield LintFinding(item["filename"], 0, item["message"])
    elif not _UNUSED.search(item["code"]) and item["labels"]:
        line = item["labels"][0]["span"]["line"]
        yield LintFinding(item["filename"], line, f"{item['code']}: {item['message']}")


def _new(before: Sequence[Finding], after: Sequence[Finding], change: Change) -> Iterable[Finding]:
    room = Counter(finding.message for finding in after)
    room.subtract(Counter(finding.message for finding in before))
    for finding in after:
        if finding.line in change.added and room[finding.message] > 0:
            room[finding.message] -= 1
            yield finding


def _silencers(path: str, change: Change) -> Iterable[UnusedName]:
    moved = Counter(match[1] for line in change.deleted if (match := _SILENCER.search(line)))
    for number, line in sorted(change.added.items()):
        if not (match := _SILENCER.search(line)):
            continue
        if moved[match[1]] > 0:
            moved[match[1]] -= 1
        else:
            yield UnusedName(path=path, line=number, message=f"Rule silenced by `{match[1]}`.")
