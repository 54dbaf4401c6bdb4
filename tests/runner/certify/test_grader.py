"""A case is graded once for all that decides it, and what infrastructure spoils is no outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.certify.ledger import open_ledger
from runner.grading.terms import Terms
from runner.proof.cases import Case
from testbed.errors import EnvironmentFault

if TYPE_CHECKING:
    from pathlib import Path

    from runner.certify.ledger import Outcome
    from tests.runner.certify.conftest import Desk

pytestmark = pytest.mark.bubblewrap
HIDDEN = ".testbed/checks/unit/hidden.test.mjs"
MINUS = "scenarios/minus"


async def graded(desk: Desk, path: Path, *names: str, repeat: int = 1) -> list[Outcome]:
    known = {candidate.name: candidate for candidate in desk.scenario.candidates()}
    terms = Terms(files=(HIDDEN,), inspect=False)
    cases = [Case(scenario=desk.scenario, candidate=known.get(n), terms=terms) for n in names]
    with open_ledger(path) as ledger:
        grader = desk.grader(ledger)
        return [await grader.grade(case, repeat=repeat) for case in cases]


async def test_each_patch_has_its_outcome(desk: Desk, tmp_path: Path) -> None:
    names = ("nothing", "reference", "wrong/times", "wrong/new-package")

    nothing, right, wrong, package = await graded(desk, tmp_path / "minus.jsonl", *names)

    assert [o.verdict for o in (nothing, right, wrong, package)] == ["fail", "pass", "fail", "pass"]
    assert not any(o.fault for o in (nothing, right, wrong, package))
    assert wrong.failed == (f"{HIDDEN}::adds", f"{HIDDEN}::adds nothing")
    assert "constraint:no-new-dependency" in package.failed


async def test_what_decides_nothing_leaves_outcomes_and_what_decides_them_does_not(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "minus.jsonl"
    first = await graded(desk, path, "reference", "nothing")
    desk.write(f"{MINUS}/prompt.md", "Sums are wrong.\n")
    desk.write(f"{MINUS}/wrong/times.patch", "Reason: a\nCaught-by: typecheck\n\n")
    assert await graded(desk, path, "reference", "nothing") == first
    assert len(path.read_text().splitlines()) == 2

    text = (desk.root / f"{MINUS}/reference.patch").read_text()
    desk.write(f"{MINUS}/reference.patch", text.replace("a + b", "b + a"))
    reference, nothing = await graded(desk, path, "reference", "nothing")
    assert (reference.key != first[0].key, nothing) == (True, first[1])

    desk.write(f"{MINUS}/checks/unit/extra.mjs", "")
    (again,) = await graded(desk, path, "nothing")
    assert again.key != first[1].key


async def test_a_grading_is_repeated_where_it_is_asked_for(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "minus.jsonl"

    outcomes = [await graded(desk, path, "reference", repeat=n) for n in (1, 2, 1)]

    assert outcomes[0] == outcomes[2]
    assert len(path.read_text().splitlines()) == 2


async def test_a_check_that_depends_on_its_conditions_is_told_with_them(
    desk: Desk, tmp_path: Path
) -> None:
    text = (desk.root / f"{MINUS}/checks/unit/hidden.test.mjs").read_text()
    zone = 'if (process.env.TZ) throw Error("late");'
    desk.write(
        f"{MINUS}/checks/unit/hidden.test.mjs",
        text.replace("adds: () => {", f"adds: () => {{ {zone}"),
    )
    terms = Terms(files=(HIDDEN,), inspect=False, environment={"TZ": "Asia/Tokyo"})
    reference = desk.scenario.candidates()[0]
    case = Case(scenario=desk.scenario, candidate=reference, terms=terms, variation="tokyo")

    with open_ledger(tmp_path / "minus.jsonl") as ledger:
        outcome = await desk.grader(ledger).grade(case)

    assert outcome.verdict == "fail"
    assert outcome.fault == f"failed {HIDDEN}::adds: failed: late (under TZ=Asia/Tokyo)"


async def test_a_patch_that_does_not_apply_is_a_fault_of_its_own(
    desk: Desk, tmp_path: Path
) -> None:
    text = (desk.root / f"{MINUS}/wrong/times.patch").read_text()
    desk.write(f"{MINUS}/wrong/times.patch", text.replace("a - b", "a % b"))

    wrong, right = await graded(desk, tmp_path / "minus.jsonl", "wrong/times", "reference")

    assert "does not apply" in wrong.fault
    assert right.fault == ""


async def test_what_infrastructure_spoils_is_an_error_and_no_outcome(
    desk: Desk, tmp_path: Path
) -> None:
    desk.write("fixtures/tiny.grading/run.mjs", "process.exit(1);\n")
    path = tmp_path / "minus.jsonl"

    with pytest.raises(EnvironmentFault, match=r"minus: reference: ungraded: .*`testbed certify`"):
        await graded(desk, path, "reference")

    assert path.read_text() == ""
