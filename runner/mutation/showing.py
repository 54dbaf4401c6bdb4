"""What a run of tests shows of a tree that is compared with the pristine fixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.grading.junit import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.grading.evidence import StepRun


def file_of(test: str) -> str:
    """Name the file of a test id."""
    return test.partition("::")[0]


def files_of(tests: Iterable[str]) -> tuple[str, ...]:
    """List the files of test ids, each once."""
    return tuple(sorted({file_of(test) for test in tests}))


def passed(run: StepRun) -> tuple[str, ...]:
    """List the tests that ran and passed."""
    results = run.results or {}
    return tuple(sorted(test for test in results if results[test].outcome is Outcome.PASSED))


def failing(run: StepRun, expected: Iterable[str]) -> tuple[str, ...]:
    """List the tests that failed, and expected ones that did not run: their file may not load."""
    results = run.results or {}
    red = {test for test in results if results[test].red}
    return tuple(sorted(red | ({*expected} - {*passed(run)})))


def doubt(run: StepRun, failed: Iterable[str]) -> str:
    """Say why a run shows nothing; empty when it does.

    An exit code that no failed test explains is no evidence of anything.
    """
    if run.results is None:
        return f"{run.missing}: {run.ended}"
    if run.exit_code is None:
        return f"the tests did not end: {run.ended}"
    if run.exit_code != 0 and not any(failed):
        return f"{run.ended}, though every test passed"
    return ""
