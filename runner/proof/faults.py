"""What is wrong with the outcome of a proof, in one sentence; empty when it is as it must be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runner.grading.junit import NoReport, doubled_tests, read_report
from runner.grading.terms import USUAL, step_of
from runner.proof.cases import CONSTRAINT
from testbed.records import CheckKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.grading.grade import Baseline, GradeResult
    from runner.proof.cases import Case
    from testbed.records import Grade
    from testbed.scenario import CandidatePatch, Scenario


def fault_of(case: Case, result: GradeResult) -> str:
    """Say what is wrong with a grade, and under which conditions."""
    fault = _fault(case, result)
    return f"{fault} (under {case.conditions})" if fault and case.conditions else fault


def fault_of_seed(seeded: Baseline, pristine: Baseline) -> str:
    """Say what whoever works on the seeded tree would see at once."""
    if seeded.typecheck and not pristine.typecheck:
        return f"the seeded tree fails the type check: {seeded.typecheck}"
    if seeded.findings is None:
        return "the linter cannot run on the seeded tree"
    known = Counter((name.path, name.message) for name in pristine.findings or ())
    left = Counter((name.path, name.message) for name in seeded.findings) - known
    if not left:
        return ""
    path, message = min(left)
    return f"the seed leaves {left.total()} unused names, e.g. {path}: {message}"


def _fault(case: Case, result: GradeResult) -> str:
    grade = result.grade
    if grade.verdict is Verdict.UNGRADED:
        return f"ungraded: {grade.failure.detail if grade.failure else 'no reason recorded'}"
    if case.candidate is None:
        return _fault_of_nothing(grade)
    if not case.candidate.right:
        return _fault_of_wrong(case, grade, case.candidate)
    for check in grade.failed():
        return f"failed {check.id}: {check.detail}"
    reference = case.candidate.path == case.scenario.reference and case.terms == USUAL
    return _fault_of_reference(case.scenario, result) if reference else ""


def _fault_of_nothing(grade: Grade) -> str:
    """Demand of every test what its manifest says of the seeded tree; some must fail there."""
    for check in grade.checks:
        if check.kind is CheckKind.FAIL_TO_PASS and check.passed:
            return f"{check.id} must fail on the seeded tree and passes"
        if check.kind is CheckKind.PASS_TO_PASS and not check.passed:
            return f"{check.id} must pass on the seeded tree: {check.detail}"
    return ""


def _fault_of_wrong(case: Case, grade: Grade, candidate: CandidatePatch) -> str:
    named = [check for check in grade.checks if check.id == candidate.caught_by]
    if not named:
        return f"{candidate.caught_by} is no check of this scenario"
    if any(check.passed for check in named):
        return f"{candidate.caught_by} passes"
    # A hook that fails skips the tests behind it, and shows in the exit code.
    clean = {check.id for check in grade.checks if check.passed and not check.detail}
    skipped = any(check.detail.startswith("skipped") for check in named)
    if skipped and f"witness:{step_of(case.scenario, candidate.caught_by)}" in clean:
        return f"{candidate.caught_by} was skipped, which catches nothing"
    by_constraint = candidate.caught_by.startswith(CONSTRAINT)
    return "" if by_constraint or grade.verdict is Verdict.FAIL else "a wrong patch passes"


def _fault_of_reference(scenario: Scenario, result: GradeResult) -> str:
    if result.grade.unused is None:
        return "the linter cannot run, so nobody knows what is unused"
    if result.grade.unused:
        first = result.grade.unused[0]
        count = len(result.grade.unused)
        return f"adds {count} unused names, e.g. {first.path}:{first.line}: {first.message}"
    return _fault_of_manifests(scenario, result.reports)


def _fault_of_manifests(scenario: Scenario, reports: Mapping[str, bytes]) -> str:
    """Compare what the reports show with what is recorded, test by test."""
    listed = {*scenario.fail_to_pass, *scenario.pass_to_pass}
    again = f"run `testbed verify --record {scenario.id}`"
    try:
        ran = {step: read_report(report).keys() for step, report in reports.items()}
        doubled = doubled_tests(reports.values())
    except NoReport as fault:
        return str(fault)
    if doubled:
        return f"{doubled[0]} is the name of several tests: give each its own"
    for step, tests in ran.items():
        if unlisted := sorted(tests - listed):
            return f"{len(unlisted)} tests are in no manifest, e.g. {unlisted[0]}: {again}"
        if astray := sorted(test for test in tests if step_of(scenario, test) != step):
            return f"{astray[0]} is run by step `{step}`: move it to checks/{step}/"
    return ""
