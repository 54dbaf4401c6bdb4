"""Fills a scenario's manifests from what its tests really do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.grading.bench import Bench
from runner.grading.grade import graded_tree
from runner.grading.junit import Outcome, doubled_tests
from runner.grading.terms import Terms
from runner.workspace import apply_patch
from testbed.errors import VerificationFailed
from testbed.store import write_atomically

if TYPE_CHECKING:
    from runner.sandbox.base import Engine
    from runner.workspace import Workspace
    from testbed.scenario import Scenario
    from testbed.tree import Tree


async def record_manifests(
    scenario: Scenario, workspace: Workspace, *, engine: Engine, image: str, run_id: str
) -> tuple[int, int]:
    """Write `fail_to_pass.txt` and `pass_to_pass.txt`; return their sizes.

    Fail to pass: passes with the reference and not on the seeded tree. Pass to pass: passes on
    both. Raises `VerificationFailed` when the reference leaves a test red or gives no report, and
    when several tests bear one name, as one of them could then hide the other.
    """
    bench = Bench(
        scenario=scenario,
        engine=engine,
        image=image,
        run_id=run_id,
        name=f"record-{scenario.id}",
        terms=Terms(inspect=False),
    )
    solved = apply_patch(workspace, scenario.reference.read_bytes(), source=str(scenario.reference))
    reference = graded_tree(scenario.fixture.card, workspace.tree, solved)
    before = await _passed(bench, workspace.tree, demand_green=False)
    after = await _passed(bench, reference, demand_green=True)
    groups = {"fail_to_pass": after - before, "pass_to_pass": after & before}
    for name, ids in groups.items():
        text = "".join(f"{line}\n" for line in sorted(ids))
        write_atomically(scenario.checks / f"{name}.txt", text.encode())
    return len(groups["fail_to_pass"]), len(groups["pass_to_pass"])


async def _passed(bench: Bench, tree: Tree, *, demand_green: bool) -> set[str]:
    _, runs = await bench.try_tree(tree)
    passed: set[str] = set()
    for run in runs:
        results = run.results or {}
        passed |= {name for name, result in results.items() if result.outcome is Outcome.PASSED}
        red = sorted(set(results) - passed)
        if demand_green and (red or not results):
            raise VerificationFailed(
                f"{bench.scenario.id}: with the reference, step `{run.step}` leaves "
                f"{red[0] if red else 'no report'}",
                next_step="Mend the reference or the checks",
            )
    if demand_green and (doubled := doubled_tests(run.report for run in runs)):
        raise VerificationFailed(
            f"{bench.scenario.id}: {doubled[0]} is the name of several tests",
            next_step="Give each test a name of its own",
        )
    return passed
