"""A JUnit report written inside a sandbox -> what each test did; nothing in it is trusted.

Only the form that test runners write is read: UTF-8, an optional XML declaration, then
`<testsuites>` or `<testsuite>`. A document type, hence every entity, is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from junitparser import TestCase

MAX_REPORT_BYTES: Final = 8 << 20
_MESSAGE_LENGTH: Final = 300
_OPENING: Final = re.compile(rb"\s*(?:<\?xml[^<>]{0,200}\?>)?\s*<testsuites?[\s/>]")


class Outcome(IntEnum):
    """What one test did, from good to bad: of two tests with one id, the worse counts."""

    PASSED = 0
    SKIPPED = 1
    ERROR = 2
    FAILED = 3


@dataclass(frozen=True)
class Result:
    """One test of a report."""

    outcome: Outcome
    message: str = ""
    """The first lines of the failure, at most 300 characters."""

    @property
    def red(self) -> bool:
        """Say whether it ran and did not pass."""
        return self.outcome in (Outcome.FAILED, Outcome.ERROR)


Results = Mapping[str, Result]
"""Test id `<classname>::<name>` -> result."""


_OUTCOMES: Final = {
    "Failure": Outcome.FAILED,
    "Error": Outcome.ERROR,
    "Skipped": Outcome.SKIPPED,
}


class NoReport(Exception):
    """There is no report that says which tests ran; the message says why."""


def read_report(report: bytes) -> dict[str, Result]:
    """Read a report that holds at least one test; raise `NoReport` otherwise."""
    results: dict[str, Result] = {}
    for identity, result in _cases(report):
        known = results.get(identity, result)
        results[identity] = max(known, result, key=lambda r: r.outcome)
    return results


def doubled_tests(reports: Iterable[bytes]) -> list[str]:
    """List the ids that several tests of these reports bear; raise as `read_report` does."""
    counts = Counter(identity for report in reports for identity, _ in _cases(report))
    return sorted(identity for identity, count in counts.items() if count > 1)


def _cases(report: bytes) -> list[tuple[str, Result]]:
    from junitparser import JUnitXml  # it loads the XML machinery

    _demand_plain(report)
    try:
        cases = [
            (f"{case.classname}::{case.name}", _result(case))
            for suite in JUnitXml.fromstring(report)
            for case in suite
            if case.classname and case.name
        ]
    except (SyntaxError, ValueError, LookupError, RecursionError) as fault:
        raise NoReport(f"the report is no JUnit XML: {fault}") from fault
    if not cases:
        raise NoReport("the report names no test")
    return cases


def _demand_plain(report: bytes) -> None:
    if not report.strip():
        raise NoReport("the report is empty")
    if len(report) > MAX_REPORT_BYTES:
        raise NoReport(f"the report is larger than {MAX_REPORT_BYTES >> 20} MiB")
    try:
        report.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise NoReport("the report is not UTF-8") from fault
    if not _OPENING.match(report):
        raise NoReport("the report does not begin like JUnit XML")


def _result(case: TestCase) -> Result:
    found = [(_OUTCOMES[type(mark).__name__], mark) for mark in case.result]
    if not found:
        return Result(Outcome.PASSED)
    outcome, mark = max(found, key=lambda pair: pair[0])
    message = mark.message or mark.text or ""
    return Result(outcome, " ".join(message.split())[:_MESSAGE_LENGTH])
