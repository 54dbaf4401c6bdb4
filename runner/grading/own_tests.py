"""The tests that a patch brought along, run apart from its verdict.

Grading puts the harness's own tests back, so whether a model's tests are worth something shows
in sandboxes of their own: on the patched tree, and then on the seeded one, where a test of the
task must fail. Both run with the harness's own runner and configuration, and only these files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.grading.archive import KIT_FOLDER, overlay
from runner.grading.bench import KitFault
from runner.grading.junit import Outcome
from runner.grading.terms import Terms
from testbed.errors import SandboxLost, SandboxUnavailable
from testbed.findings import OwnTests
from testbed.tree import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runner.grading.bench import Bench
    from runner.grading.changes import Changes
    from runner.grading.evidence import StepRun
    from runner.grading.junit import Results
    from testbed.scenario import FixtureCard
    from testbed.tree import Tree

_NEVER = ("**/node_modules/**", "**/.git/**", f"{KIT_FOLDER}/**", "-*")
"""A path that begins with a dash would be an option of the test runner."""


def brought_along(card: FixtureCard, changes: Changes, patched: Tree) -> Tree:
    """Return the test files that a patch added or changed."""
    never = (*card.ignored, *_NEVER)
    paths = (path for path in changes if matches(path, card.tests) and not matches(path, never))
    return {path: patched[path] for path in paths if path in patched}


async def try_own_tests(
    bench: Bench, *, files: Tree, graded: Tree, seeded: Tree, known: Collection[str]
) -> tuple[OwnTests | None, str]:
    """Run a patch's own test files on both trees; `known` are ids of tests that were there.

    Returns no figures without evidence: when there is no new test, when the runner gives no
    report of its own, or when a sandbox fails. The second part is the log.
    """
    apart = replace(
        bench,
        name=f"{bench.name}-own",
        terms=Terms(files=tuple(sorted(files)), hidden=False, environment=bench.terms.environment),
    )
    try:
        return await _try(apart, files=files, graded=graded, seeded=seeded, known=known)
    except (SandboxLost, SandboxUnavailable, KitFault) as fault:
        return None, f"the patch's own tests could not be run: {fault}\n\n"


async def _try(
    bench: Bench, *, files: Tree, graded: Tree, seeded: Tree, known: Collection[str]
) -> tuple[OwnTests | None, str]:
    step = next(step for step in bench.scenario.fixture.card.steps if step.takes_files)
    run = await bench.run_step(overlay(graded, files), step)
    results = _evidence(run)
    if results is None:
        return None, _log(run, "no evidence that the patch's own tests ran")
    added = {test for test in _tests(results, files) if test not in known}
    passing = {test for test in added if results[test].outcome is Outcome.PASSED}
    if not added:
        return None, _log(run, "no new test in the patch's test files")
    if not passing:
        return OwnTests(added=len(added), passing=0, proving=0), _log(run, "none passes")
    control = await bench.run_step(overlay(seeded, files), step, label="seeded-")
    before = _evidence(control)
    log = _log(run) + _log(control, "" if before else "no evidence on the seeded tree")
    if before is None:
        return None, log
    proving = sum(_fails(test, before) for test in passing)
    return OwnTests(added=len(added), passing=len(passing), proving=proving), log


def _evidence(run: StepRun) -> Results | None:
    """Return what a run shows, if its witnesses agree."""
    if run.results is None or run.exit_code is None or run.disturbed:
        return None
    contradicts = run.exit_code == 0 and any(result.red for result in run.results.values())
    return None if contradicts else run.results


def _tests(results: Results, files: Tree) -> Iterable[str]:
    # A file that fails to load is reported as one test named like the file.
    for test in results:
        file, _, name = test.partition("::")
        if file in files and name != file:
            yield test


def _fails(test: str, results: Results) -> bool:
    file = test.partition("::")[0]
    result = results.get(test) or results.get(f"{file}::{file}")
    return result is not None and result.red


def _log(run: StepRun, remark: str = "") -> str:
    return f"{run.log}{remark}\n\n" if remark else run.log
