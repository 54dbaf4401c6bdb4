"""Unused names and silenced rules that a patch introduced, on lines that the model wrote."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

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


def read_findings(output: bytes) -> tuple[UnusedName, ...] | None:
    """Read oxlint's JSON: unused names, by path and line; `None` when it saw no file.

    A file that could not be parsed is a finding of line 0, so that nobody takes it for clean.
    """
    try:
        report = json.loads(output)
        if report.get("number_of_files") == 0:
            return None
        return tuple(name for item in report["diagnostics"] for name in _names(item))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
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


def _names(item: dict[str, Any]) -> Iterable[UnusedName]:
    if "code" not in item:
        yield UnusedName(path=item["filename"], line=0, message=item["message"])
    elif _UNUSED.search(item["code"]):
        line = item["labels"][0]["span"]["line"]
        yield UnusedName(path=item["filename"], line=line, message=item["message"])


def _new(
    before: Sequence[UnusedName], after: Sequence[UnusedName], change: Change
) -> Iterable[UnusedName]:
    room = Counter(name.message for name in after) - Counter(name.message for name in before)
    for name in after:
        if name.line in change.added and room[name.message] > 0:
            room[name.message] -= 1
            yield name


def _silencers(path: str, change: Change) -> Iterable[UnusedName]:
    moved = Counter(match[1] for line in change.deleted if (match := _SILENCER.search(line)))
    for number, line in sorted(change.added.items()):
        if not (match := _SILENCER.search(line)):
            continue
        if moved[match[1]] > 0:
            moved[match[1]] -= 1
        else:
            yield UnusedName(path=path, line=number, message=f"Rule silenced by `{match[1]}`.")
