"""Each way in which a scenario can be unfair is told in one sentence."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.grading.grade import Baseline, GradeResult
from runner.grading.terms import USUAL, Terms
from runner.proof.cases import Case
from runner.proof.faults import fault_of, fault_of_seed
from testbed.records import Check, CheckKind, Failure, Grade, Origin, UnusedName, Verdict
from testbed.scenario import Scenario, load_suite

if TYPE_CHECKING:
    from collections.abc import Collection

TINY = Path(__file__).parents[2] / "suites" / "tiny"
UNUSED = UnusedName(path="lib/sum.mjs", line=3, message="Variable 'left' is never used.")
CLEAN = Baseline(typecheck="", findings=())


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    shutil.copytree(TINY, tmp_path, dirs_exist_ok=True)
    return load_suite(tmp_path).scenarios[0]


def case(scenario: Scenario, name: str, terms: Terms = USUAL) -> Case:
    candidates = {candidate.name: candidate for candidate in scenario.candidates()}
    return Case(scenario=scenario, candidate=candidates.get(name), terms=terms)


def report(tests: Collection[str]) -> bytes:
    cases = (
        f'<testcase classname="{file}" name="{name}"/>'
        for file, _, name in (test.partition("::") for test in tests)
    )
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>".encode()


def graded(
    scenario: Scenario,
    *failed: str,
    unused: tuple[UnusedName, ...] | None = (),
    reports: dict[str, bytes] | None = None,
) -> GradeResult:
    """Make the result of a grading in which these checks failed."""
    kinds = dict.fromkeys(scenario.fail_to_pass, CheckKind.FAIL_TO_PASS)
    kinds |= dict.fromkeys(scenario.pass_to_pass, CheckKind.PASS_TO_PASS)
    kinds |= {"typecheck": CheckKind.TYPECHECK, "constraint:size": CheckKind.CONSTRAINT}
    checks = tuple(
        Check(id=name, kind=kind, passed=name not in failed, detail="why" * (name in failed))
        for name, kind in kinds.items()
    )
    decides = [c for c in checks if not c.passed and c.kind is not CheckKind.CONSTRAINT]
    verdict = Verdict.FAIL if decides else Verdict.PASS
    whole = {"unit": report((*scenario.fail_to_pass, *scenario.pass_to_pass))}
    return GradeResult(
        grade=Grade(verdict=verdict, checks=checks, unused=unused),
        reports=whole if reports is None else reports,
        log="",
    )


def test_what_must_come_out_has_no_fault(scenario: Scenario) -> None:
    (turns,) = scenario.fail_to_pass

    assert fault_of(case(scenario, "nothing"), graded(scenario, turns)) == ""
    assert fault_of(case(scenario, "reference"), graded(scenario)) == ""
    assert fault_of(case(scenario, "right/other-way-round"), graded(scenario, unused=None)) == ""
    assert fault_of(case(scenario, "wrong/times"), graded(scenario, turns)) == ""
    assert fault_of(case(scenario, "wrong/no-code"), graded(scenario, "typecheck")) == ""


def test_a_named_check_that_was_skipped_catches_nothing(scenario: Scenario) -> None:
    (turns,) = scenario.fail_to_pass
    skipped = Check(id=turns, kind=CheckKind.FAIL_TO_PASS, passed=False, detail="skipped")

    def fault(said: str) -> str:
        kind = CheckKind.WITNESS
        witness = Check(id="witness:unit", kind=kind, passed=not said, detail=said)
        grade = Grade(verdict=Verdict.FAIL, checks=(skipped, witness), unused=())
        result = GradeResult(grade=grade, reports={}, log="")
        return fault_of(case(scenario, "wrong/times"), result)

    assert fault("") == f"{turns} was skipped, which catches nothing"
    assert fault("exit code 1, though no listed test failed: a hook") == ""


def test_nothing_must_show_what_the_manifests_say(scenario: Scenario) -> None:
    (turns,) = scenario.fail_to_pass
    stays = scenario.pass_to_pass[0]
    nothing = case(scenario, "nothing")

    assert fault_of(nothing, graded(scenario)) == f"{turns} must fail on the seeded tree and passes"
    assert fault_of(nothing, graded(scenario, turns, stays)) == (
        f"{stays} must pass on the seeded tree: why"
    )


def test_a_step_that_shows_no_change_has_nothing_to_fail_by(scenario: Scenario) -> None:
    seen = replace(scenario, fail_to_pass=())

    assert fault_of(case(scenario, "nothing"), graded(seen)) == ""


def test_a_right_patch_must_fail_nothing_not_even_a_constraint(scenario: Scenario) -> None:
    for name in ("reference", "right/other-way-round"):
        fault = fault_of(case(scenario, name), graded(scenario, "constraint:size"))
        assert fault == "failed constraint:size: why"


def test_the_reference_must_leave_no_unused_name(scenario: Scenario) -> None:
    reference = case(scenario, "reference")

    assert "adds 1 unused names, e.g. lib/sum.mjs:3" in fault_of(
        reference, graded(scenario, unused=(UNUSED,))
    )
    assert "the linter cannot run" in fault_of(reference, graded(scenario, unused=None))


def test_a_wrong_patch_must_fail_by_the_check_it_names(scenario: Scenario) -> None:
    (turns,) = scenario.fail_to_pass
    wrong = case(scenario, "wrong/times")

    assert fault_of(wrong, graded(scenario, "typecheck")) == f"{turns} passes"
    renamed = replace(scenario, fail_to_pass=("unit.test.mjs::renamed",))
    assert fault_of(wrong, graded(renamed)) == f"{turns} is no check of this scenario"


def test_an_ungraded_patch_proves_nothing(scenario: Scenario) -> None:
    failure = Failure(origin=Origin.SANDBOX, detail="the engine went away")
    lost = GradeResult(grade=Grade(verdict=Verdict.UNGRADED, failure=failure), reports={}, log="")

    for name in ("nothing", "reference", "wrong/times"):
        assert fault_of(case(scenario, name), lost) == "ungraded: the engine went away"


def test_a_fault_says_under_which_conditions_it_showed(scenario: Scenario) -> None:
    (turns,) = scenario.fail_to_pass
    terms = Terms(environment={"TZ": "Asia/Tokyo"}, busy=4, cold=True)

    fault = fault_of(case(scenario, "reference", terms), graded(scenario, turns))

    assert fault == f"failed {turns}: why (under TZ=Asia/Tokyo 4 busy processes no build cache)"


def test_a_test_that_no_manifest_names_is_found(scenario: Scenario) -> None:
    tests = (*scenario.fail_to_pass, *scenario.pass_to_pass, "test/new.test.mjs::is new")

    fault = fault_of(case(scenario, "reference"), graded(scenario, reports={"unit": report(tests)}))

    assert fault == (
        "1 tests are in no manifest, e.g. test/new.test.mjs::is new: "
        "run `testbed verify --record minus`"
    )


def test_a_name_that_several_tests_bear_is_found(scenario: Scenario) -> None:
    tests = (*scenario.fail_to_pass, *scenario.pass_to_pass)

    for reports in (
        {"unit": report((*tests, tests[-1]))},
        {"unit": report(tests), "app": report(tests[-1:])},
    ):
        fault = fault_of(case(scenario, "reference"), graded(scenario, reports=reports))
        assert fault == f"{tests[-1]} is the name of several tests: give each its own"


def test_a_check_that_another_step_runs_than_its_folder_says_is_found(scenario: Scenario) -> None:
    tests = (*scenario.fail_to_pass, *scenario.pass_to_pass)

    fault = fault_of(case(scenario, "reference"), graded(scenario, reports={"app": report(tests)}))

    assert fault == f"{min(tests)} is run by step `app`: move it to checks/app/"


def test_a_seeded_tree_must_look_like_the_fixture_it_came_from() -> None:
    found = replace(CLEAN, findings=(UNUSED,))
    broken = replace(CLEAN, typecheck="exit code 2: lib/sum.mjs(1,1)")

    assert fault_of_seed(CLEAN, CLEAN) == ""
    assert fault_of_seed(found, found) == ""
    assert fault_of_seed(broken, broken) == ""
    assert fault_of_seed(found, CLEAN).startswith("the seed leaves 1 unused names, e.g. lib/sum")
    assert fault_of_seed(broken, CLEAN).startswith("the seeded tree fails the type check: exit")
    assert "linter cannot run" in fault_of_seed(replace(CLEAN, findings=None), CLEAN)
