"""The checks of a trial for its page: failed tests with their output, passed ones by file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.site.foreign import clipped, line
from testbed.records import CheckKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testbed.dossier import Dossier
    from testbed.records import Check

MOST_FAILURES: Final = 60
"""Groups of failed tests that are shown."""
MOST_NAMES: Final = 1000
"""Passed tests that are named."""
_NAME_CHARS: Final = 300
_OUTPUT_CHARS: Final = 6000
_KIT: Final = ".testbed/"
"""The folder of everything that only grading sees."""
_TESTS: Final = (CheckKind.FAIL_TO_PASS, CheckKind.PASS_TO_PASS)
_KINDS: Final = {
    CheckKind.TYPECHECK: "types",
    CheckKind.WITNESS: "witness",
    CheckKind.CONSTRAINT: "constraint",
}
_ASKED: Final = {
    "witness": "exit code, report and expected tests agree",
    "undisturbed": "files of the harness stayed as they were",
}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Failed tests of one file that have one cause."""

    file: str
    names: tuple[str, ...]
    kind: str
    hidden: bool
    """Whether the model could not see it."""
    output: str


@dataclass(frozen=True, kw_only=True)
class Passed:
    """The passed tests of one file."""

    file: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Single:
    """One check that is no test."""

    name: str
    kind: str
    passed: bool
    detail: str
    asks: str
    """What it asks for, where that is known."""

    @property
    def outcome(self) -> str:
        """Say in one word what came of it."""
        if self.kind == _KINDS[CheckKind.CONSTRAINT]:
            return "kept" if self.passed else "violated"
        return "holds" if self.passed else "fails"


@dataclass(frozen=True, kw_only=True)
class Checklist:
    """All checks of a trial."""

    failed: int
    """Tests."""
    failures: tuple[Failure, ...]
    more: int
    """Failed tests that are not shown."""
    passed: int
    by_file: tuple[Passed, ...]
    singles: tuple[Single, ...]
    """Type check, witnesses and constraints; what failed stands first."""

    @property
    def broken(self) -> int:
        """Count those that failed, tests apart."""
        return sum(not one.passed for one in self.singles)


def checklist(dossier: Dossier) -> Checklist:
    """Sort a trial's checks; without a grade there are none."""
    checks = dossier.grade.checks if dossier.grade else ()
    tests = [check for check in checks if check.kind in _TESTS]
    red = [check for check in tests if not check.passed]
    groups = _grouped(red, dossier)
    shown = tuple(groups[:MOST_FAILURES])
    green = [check for check in tests if check.passed]
    singles = [_single(check, dossier) for check in checks if check.kind not in _TESTS]
    return Checklist(
        failed=len(red),
        failures=shown,
        more=len(red) - sum(len(group.names) for group in shown),
        passed=len(green),
        by_file=tuple(_by_file(green[:MOST_NAMES])),
        singles=tuple(sorted(singles, key=lambda one: one.passed)),
    )


def _grouped(checks: Iterable[Check], dossier: Dossier) -> list[Failure]:
    groups: dict[tuple[str, CheckKind, str], list[str]] = {}
    for check in checks:
        file, name = _parted(check)
        output = dossier.output(check.id) or check.detail
        groups.setdefault((file, check.kind, output), []).append(name)
    return [
        Failure(
            file=line(file, _NAME_CHARS),
            names=tuple(line(name, _NAME_CHARS) for name in names),
            kind=kind.replace("_", " "),
            hidden=file.startswith(_KIT),
            output=clipped(output, _OUTPUT_CHARS),
        )
        for (file, kind, output), names in groups.items()
    ]


def _by_file(checks: Iterable[Check]) -> list[Passed]:
    files: dict[str, list[str]] = {}
    for check in checks:
        file, name = _parted(check)
        files.setdefault(file, []).append(line(name, _NAME_CHARS))
    return [
        Passed(file=line(file, _NAME_CHARS), names=tuple(names)) for file, names in files.items()
    ]


def _parted(check: Check) -> tuple[str, str]:
    file, _, name = check.id.partition("::")
    return file, name or file


def _single(check: Check, dossier: Dossier) -> Single:
    beginning, _, rest = check.id.partition(":")
    name = rest if check.kind is CheckKind.CONSTRAINT and rest else check.id
    asked = dossier.brief.constraints if dossier.brief else {}
    asks = asked.get(name.replace("-", "_"), "") or _ASKED.get(beginning, "")
    return Single(
        name=line(name.replace("-", " ").replace(":", ": "), _NAME_CHARS),
        kind=_KINDS.get(check.kind, ""),
        passed=check.passed,
        detail=line(check.detail, _NAME_CHARS),
        asks=line(asks, _NAME_CHARS),
    )
