"""What a patch must keep to, machine-checked: prompt adherence, never part of the verdict.

Files that are discarded before grading (protected ones) are judged by `no-tampering`,
`no-deleted-test`, `no-skipped-test` and `no-new-dependency` alone; paths and size are judged
on what is graded. Adding tests, in new files or to old ones, is no tampering, nor is it to import
more for them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from runner.grading.changes import Change, Changes, Fate
from testbed.records import Check, CheckKind
from testbed.tree import File, Tree, matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from testbed.scenario import Constraints

TEST_FILE: Final = re.compile(r"(?:^|/)(?:__tests__/.*|[^/]*[._-](?:test|spec)\.[cm]?[jt]sx?)$")
_CASE: Final = re.compile(r"^\s*(?:it|test)(?:\.\w+)*\s*[.(]")
_SKIP: Final = re.compile(
    r"\b(?:describe|it|test|suite)(?:\.\w+)*\.(?:skip|only|todo|skipIf|runIf|fails)\b"
    r"|\b(?:xit|xtest|xdescribe|fit|fdescribe)\s*\(|\b(?:ctx|context)\.skip\s*\("
)
_IMPORT: Final = re.compile(
    r"""^import(?P<kind> type)? \{(?P<names>[^{}]*)\} from (?P<module>"[^"]*"|'[^']*');?\s*$"""
)
_TABLES: Final = (
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "overrides",
)


def check_constraints(
    rules: Constraints,
    changes: Changes,
    *,
    protected: Collection[str],
    before: Tree,
    after: Tree,
) -> tuple[Check, ...]:
    """Check what the scenario declares, and what every scenario demands.

    `after` is the patched tree with nothing put back.
    """
    kept = {path: change for path, change in changes.items() if not matches(path, protected)}
    return (
        *_declared(rules, kept, after),
        _check("no-new-dependency", _new_dependencies(changes, before, after)),
        _check("no-deleted-test", _deleted_tests(changes)),
        _check("no-skipped-test", _skipped_tests(changes)),
        _check("no-tampering", _tampered(changes, protected)),
    )


def _declared(rules: Constraints, kept: Changes, after: Tree) -> Iterable[Check]:
    if rules.allowed_paths is not None:
        allowed = rules.allowed_paths
        yield _check("allowed-paths", [path for path in kept if not matches(path, allowed)])
    if rules.forbidden_paths:
        forbidden = rules.forbidden_paths
        yield _check("forbidden-paths", [path for path in kept if matches(path, forbidden)])
    if rules.required_paths:
        absent = [g for g in rules.required_paths if not any(matches(path, [g]) for path in after)]
        yield _check("required-paths", [f"no {glob}" for glob in absent])
    if rules.max_changed_lines is not None:
        size = sum(len(change.added) + len(change.deleted) for change in kept.values())
        over = size > rules.max_changed_lines
        faults = [f"{size} lines, at most {rules.max_changed_lines}"] if over else []
        yield _check("max-changed-lines", faults)


def _check(name: str, faults: Iterable[str]) -> Check:
    detail = ", ".join(sorted(faults))
    return Check(
        id=f"constraint:{name}",
        kind=CheckKind.CONSTRAINT,
        passed=not detail,
        detail=detail if len(detail) <= 300 else f"{detail[:299]}…",  # noqa: PLR2004  (one line)
    )


def _new_dependencies(changes: Changes, before: Tree, after: Tree) -> Iterable[str]:
    for path in changes:
        if path.rpartition("/")[2] == "package.json" and path in after:
            new = _dependencies(after[path]).items() - _dependencies(before.get(path)).items()
            yield from (f"{name} {version}" for name, version in new)


def _dependencies(file: File | None) -> Mapping[str, str]:
    try:
        manifest = json.loads(file.data) if file else {}
    except (ValueError, RecursionError):
        return {"package.json": "cannot be read"}
    tables = [manifest.get(name) for name in _TABLES] if isinstance(manifest, dict) else []
    return {
        name: str(version)
        for table in tables
        if isinstance(table, dict)
        for name, version in table.items()
    }


def _deleted_tests(changes: Changes) -> Iterable[str]:
    for path, change in _test_files(changes):
        if change.fate is Fate.DELETED:
            yield path
        elif (gone := -_growth(change, _CASE)) > 0:
            yield f"{path}: {gone} fewer"


def _skipped_tests(changes: Changes) -> Iterable[str]:
    return [path for path, change in _test_files(changes) if _growth(change, _SKIP) > 0]


def _tampered(changes: Changes, protected: Collection[str]) -> Iterable[str]:
    for path, change in changes.items():
        grown = bool(TEST_FILE.search(path)) and change.added and not _loses(change)
        if matches(path, protected) and not grown:
            yield path


def _loses(change: Change) -> bool:
    """Say whether a line is gone that no added one stands in for, by importing as much or more."""
    added = [there for line in change.added.values() if (there := _imported(line))]
    gone = map(_imported, change.deleted)
    return any(not was or not any(_covers(there, was) for there in added) for was in gone)


def _imported(line: str) -> tuple[str, frozenset[str]] | None:
    """Return the module of a one-line import, its kind included, and the names."""
    found = _IMPORT.match(line)
    if not found:
        return None
    names = {name.strip() for name in found["names"].split(",")} - {""}
    return f"{found['kind'] or ''} {found['module'][1:-1]}", frozenset(names)


def _covers(there: tuple[str, frozenset[str]], was: tuple[str, frozenset[str]]) -> bool:
    return there[0] == was[0] and there[1] >= was[1]


def _test_files(changes: Changes) -> Iterable[tuple[str, Change]]:
    return [(path, change) for path, change in changes.items() if TEST_FILE.search(path)]


def _growth(change: Change, pattern: re.Pattern[str]) -> int:
    added = sum(bool(pattern.search(line)) for line in change.added.values())
    return added - sum(bool(pattern.search(line)) for line in change.deleted)
