"""Terms other than a trial's: fewer steps, one file, busy processors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.grading.grade import Baseline, grade
from runner.grading.terms import USUAL, Terms, step_of
from runner.sandbox.fake import FakeEngine
from testbed.records import CheckKind, Verdict

if TYPE_CHECKING:
    from runner.sandbox.base import Sandbox
    from testbed.scenario import Scenario, Step
    from tests.runner.grading.conftest import Tiny

HIDDEN = ".testbed/checks/unit/hidden.test.mjs"
BUILT = ".testbed/checks/app/page.test.mjs::answers"
VISIBLE = "test/visible.test.mjs::greets"
COUNT = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done | grep -c '^sh -c for _ in'"


@pytest.fixture
def two_steps(tiny: Tiny) -> Scenario:
    """Return the scenario with a check of the built application."""
    folder = tiny.scenario.checks / "app"
    folder.mkdir()
    (folder / "page.test.mjs").write_text("export default {};\n")
    return replace(tiny.scenario, fail_to_pass=(*tiny.scenario.fail_to_pass, BUILT))


def steps(scenario: Scenario) -> dict[str, Step]:
    return {step.id: step for step in scenario.steps()}


@pytest.mark.parametrize(
    ("test", "step"), [(f"{HIDDEN}::adds", "unit"), (VISIBLE, "unit"), (BUILT, "app")]
)
def test_the_folder_of_a_hidden_check_names_its_step(
    two_steps: Scenario, test: str, step: str
) -> None:
    assert step_of(two_steps, test) == step


def test_a_folder_that_only_begins_like_a_steps_is_another(two_steps: Scenario) -> None:
    assert step_of(two_steps, ".testbed/checks/app-two/page.test.mjs::answers") == "unit"


def test_only_what_the_steps_can_show_is_judged(two_steps: Scenario) -> None:
    tests = (*two_steps.fail_to_pass, *two_steps.pass_to_pass)

    assert USUAL.judged(two_steps, tests) == tests
    assert Terms(steps=frozenset({"app"})).judged(two_steps, tests) == (BUILT,)
    assert Terms(steps=frozenset()).judged(two_steps, tests) == ()
    narrowed = Terms(steps=frozenset({"unit"}), files=(HIDDEN,)).judged(two_steps, tests)
    assert narrowed == (f"{HIDDEN}::adds", f"{HIDDEN}::adds nothing")


def test_files_are_named_to_steps_that_take_files_and_to_no_others(two_steps: Scenario) -> None:
    unit, app = steps(two_steps).values()
    terms = Terms(files=(HIDDEN, VISIBLE))

    assert terms.command(unit) == (*unit.argv, HIDDEN, VISIBLE)
    assert terms.command(app) == app.argv
    assert USUAL.command(unit) == unit.argv


def test_a_step_ends_at_its_first_failure_only_where_that_is_asked_for(tiny: Tiny) -> None:
    (unit,) = tiny.scenario.steps()

    assert Terms(bail=True, files=(HIDDEN,)).command(unit) == (*unit.argv, "--bail", HIDDEN)
    assert USUAL.command(unit) == unit.argv


async def test_what_is_not_asked_for_is_neither_run_nor_judged(tiny: Tiny) -> None:
    engine = FakeEngine()

    result = await grade(
        tiny.scenario,
        tiny.workspace,
        b"",
        baseline=Baseline(typecheck="", findings=()),
        engine=engine,
        image="fake-1",
        run_id="run",
        name="grade",
        terms=Terms(steps=frozenset(), inspect=False),
    )

    assert engine.sandboxes == []
    assert {check.kind for check in result.grade.checks} == {CheckKind.CONSTRAINT}
    assert result.grade.verdict is Verdict.PASS
    assert result.grade.unused is None


async def test_busy_processes_surround_the_command_and_end_with_it(
    tiny: Tiny, box: Sandbox
) -> None:
    (step,) = tiny.scenario.steps()
    asked = step.model_copy(update={"argv": ("bash", "-c", f"{COUNT}; exit 7")})

    result = await box.run(Terms(busy=3).command(asked), timeout_s=20)
    after = await box.run(("bash", "-c", COUNT), timeout_s=20)

    assert (result.exit_code, result.stdout.strip()) == (7, b"3")
    assert after.stdout.strip() == b"0"
