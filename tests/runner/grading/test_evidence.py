from __future__ import annotations

from dataclasses import replace

import pytest

from runner.grading.evidence import StepRun, judge
from runner.grading.junit import Outcome, Result
from testbed.records import Check, CheckKind

OK = Result(Outcome.PASSED)
RED = Result(Outcome.FAILED, "expected 1 to be 2")
ERROR = Result(Outcome.ERROR, "late")
SKIPPED = Result(Outcome.SKIPPED)
NEW, OLD = "new.test.ts::new", "old.test.ts::old"
FLAKY = "flaky.test.ts::flaky"
OUTSIDE = "vitest unhandled errors::late"
GREEN = {NEW: OK, OLD: OK}


def run_of(exit_code: int | None, results: dict[str, Result] | None) -> StepRun:
    ended = "killed at 60 s" if exit_code is None else f"exit code {exit_code}"
    missing = "" if results else "no report"
    return StepRun(step="unit", exit_code=exit_code, ended=ended, results=results, missing=missing)


def checks_of(*runs: StepRun) -> dict[str, Check]:
    checks = judge(runs, fail_to_pass=[NEW], pass_to_pass=[OLD])
    return {check.id: check for check in checks}


@pytest.mark.parametrize(
    ("exit_code", "results", "failed"),
    [
        (0, GREEN, []),
        (0, {NEW: RED, OLD: OK}, [NEW, "witness:unit"]),
        (0, {**GREEN, FLAKY: RED}, ["witness:unit"]),
        (0, {NEW: SKIPPED, OLD: OK}, [NEW]),
        (0, {NEW: OK, OLD: SKIPPED}, [OLD]),
        (0, {NEW: OK}, [OLD]),
        (0, {FLAKY: OK}, [NEW, OLD]),
        (1, {NEW: RED, OLD: OK}, [NEW]),
        (1, {NEW: OK, OLD: ERROR}, [OLD]),
        (1, {**GREEN, FLAKY: RED}, ["witness:unit"]),
        (1, {**GREEN, "old.test.ts::other": RED}, ["witness:unit"]),
        (1, {NEW: RED, OLD: OK, FLAKY: RED}, [NEW]),
        (1, {**GREEN, OUTSIDE: ERROR}, ["witness:unit"]),
        (1, {**GREEN, FLAKY: RED, OUTSIDE: ERROR}, ["witness:unit"]),
        (1, GREEN, ["witness:unit"]),
        (-9, GREEN, ["witness:unit"]),
        (None, GREEN, ["witness:unit"]),
        (None, {**GREEN, FLAKY: RED}, ["witness:unit"]),
        (None, None, [NEW, OLD, "witness:unit"]),
        (1, None, [NEW, OLD, "witness:unit"]),
        (0, None, [NEW, OLD, "witness:unit"]),
    ],
)
def test_three_witnesses_decide(
    exit_code: int | None, results: dict[str, Result] | None, failed: list[str]
) -> None:
    checks = checks_of(run_of(exit_code, results))

    assert [name for name, check in checks.items() if not check.passed] == failed


def test_every_failed_check_says_why() -> None:
    def detail(exit_code: int | None, results: dict[str, Result] | None, name: str) -> str:
        return checks_of(run_of(exit_code, results))[name].detail

    assert detail(1, {NEW: RED, OLD: OK}, NEW) == "failed: expected 1 to be 2"
    assert detail(0, {NEW: SKIPPED, OLD: OK}, NEW) == "skipped"
    assert detail(0, {OLD: OK}, NEW) == "did not run: not in the report"
    assert detail(None, None, NEW) == "did not run: unit: no report: killed at 60 s"
    assert detail(None, None, "witness:unit") == "no report: killed at 60 s"
    unloadable = {"new.test.ts::new.test.ts": Result(Outcome.FAILED, "no module"), OLD: OK}
    assert detail(1, unloadable, NEW) == "did not run: new.test.ts failed to load: no module"
    assert "no test in the report failed" in detail(1, GREEN, "witness:unit")
    assert detail(None, GREEN, "witness:unit") == "the runner did not end: killed at 60 s"
    assert detail(1, {**GREEN, OUTSIDE: ERROR}, "witness:unit") == (
        f"exit code 1, though no listed test failed: {OUTSIDE}"
    )
    assert detail(0, {**GREEN, FLAKY: RED}, "witness:unit") == f"exit code 0, but failed: {FLAKY}"


def test_a_test_that_fails_in_one_of_two_steps_fails() -> None:
    unit, app = run_of(0, GREEN), replace(run_of(1, {NEW: RED}), step="app")

    assert not checks_of(unit, app)[NEW].passed
    assert not checks_of(app, unit)[NEW].passed


def test_a_silent_step_is_no_excuse_for_the_other() -> None:
    unit, app = run_of(0, {NEW: OK}), replace(run_of(None, None), step="app")

    checks = checks_of(unit, app)

    assert checks[OLD].detail == "did not run: app: no report: killed at 60 s"
    assert checks[NEW].passed
    assert checks["witness:unit"].passed
    assert not checks["witness:app"].passed


def test_a_kit_that_changed_during_the_run_is_no_witness() -> None:
    run = replace(run_of(0, GREEN), disturbed=(".testbed/checks/unit/new.test.ts",))

    check = checks_of(run)["undisturbed:unit"]

    assert not check.passed
    assert check.kind is CheckKind.WITNESS
    assert check.detail == "changed during the run: .testbed/checks/unit/new.test.ts"
