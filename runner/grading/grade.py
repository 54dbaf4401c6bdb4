"""One patch -> its grade, in sandboxes that no agent has touched."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.grading.archive import overlay
from runner.grading.bench import Bench, KitFault, came_to_an_end, how_it_ended
from runner.grading.changes import read_changes
from runner.grading.constraints import check_constraints
from runner.grading.control import settle_step, settle_types
from runner.grading.evidence import judge
from runner.grading.factors import measure
from runner.grading.own_tests import brought_along, try_own_tests
from runner.grading.quality import count_others, introduced, read_findings, read_others
from runner.grading.terms import USUAL, Terms
from runner.grading.warmth import COLD, Warmth
from runner.workspace import apply_patch, diff_trees
from testbed.errors import EnvironmentFault, SandboxLost, SandboxUnavailable
from testbed.records import (
    Check,
    CheckKind,
    Failure,
    Grade,
    Origin,
    UnusedName,
    Verdict,
)
from testbed.tree import Tree, matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.grading.bench import Outputs
    from runner.grading.changes import Changes
    from runner.grading.evidence import StepRun
    from runner.grading.facts import Facts
    from runner.grading.quality import LintFinding
    from runner.sandbox.base import Engine
    from runner.workspace import Workspace
    from testbed.findings import OwnTests, Quality
    from testbed.scenario import FixtureCard, Scenario

_VERIFY: Final = "Run `testbed verify`"
_LINE: Final = 300
_OURS: Final = ("**/.gitignore", "**/.eslintignore")
"""Linters skip what these name, so a patch cannot change them; doing so is no tampering."""
_NEVER: Final = ("**/node_modules/**", "**/.git/**")
"""Packages come with the image: a patch could shadow the test runner by its own."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What the seeded tree looks like before any patch; the same for every trial."""

    typecheck: str
    """Empty when the seeded tree passes the type check, else what it said."""
    findings: tuple[UnusedName, ...] | None
    """Unused names of the seeded tree; `None` when the linter cannot run."""
    others: tuple[LintFinding, ...] | None = None
    """Its findings of every other rule, likewise."""
    facts: Facts | None = None
    """About its sources; `None` when they could not be measured."""

    def quality(self, lint: bytes, facts: Facts | None, changes: Changes) -> Quality | None:
        """Compare a patched tree, by what the linter printed and its facts, with this one."""
        if self.facts is None or facts is None:
            return None
        findings = count_others(self.others, read_others(lint), changes)
        return measure(self.facts, facts, changes, lint=findings)


@dataclass(frozen=True, kw_only=True)
class GradeResult:
    """A grade and what it rests on."""

    grade: Grade
    reports: Mapping[str, bytes]
    """Step -> its JUnit report as it stood inside, even if unusable; absent if there was none."""
    log: str
    """Every command, how it ended and the end of its output."""


async def baseline(
    scenario: Scenario, workspace: Workspace, *, engine: Engine, image: str, run_id: str, name: str
) -> Baseline:
    """Measure the seeded tree, once per scenario.

    Raises `EnvironmentFault` when the type check cannot run at all, so that it never
    silently stops counting.
    """
    bench = Bench(scenario=scenario, engine=engine, image=image, run_id=run_id, name=name)
    try:
        outputs = await bench.inspect(workspace.tree)
    except KitFault as fault:
        raise EnvironmentFault(f"{scenario.fixture.id}: {fault}", next_step=_VERIFY) from fault
    result, command = outputs.typecheck, scenario.fixture.card.typecheck
    ended = how_it_ended(result, command.timeout_seconds)
    if not came_to_an_end(result):
        raise EnvironmentFault(
            f"{scenario.fixture.id}: the type check cannot run: {ended}", next_step=_VERIFY
        )
    return Baseline(
        typecheck="" if result.exit_code == 0 else f"{ended}: {_first_line(result.stdout)}",
        findings=read_findings(outputs.lint.stdout),
        others=read_others(outputs.lint.stdout),
        facts=outputs.facts,
    )


async def grade(
    scenario: Scenario,
    workspace: Workspace,
    diff: bytes,
    *,
    baseline: Baseline,
    engine: Engine,
    image: str,
    run_id: str,
    name: str,
    warmth: Warmth = COLD,
    terms: Terms = USUAL,
) -> GradeResult:
    """Grade a patch. Depends on scenario and patch alone; raises `PatchError` if it does not apply.

    `warmth` may save time and must not change a verdict, which `testbed verify` proves. Only
    the usual terms make the grade of a trial: on others it tells of what they ask for.

    Whatever infrastructure does to it ends as `ungraded` with its origin, never as an error.
    """
    began = time.monotonic()
    bench = Bench(
        scenario=scenario,
        engine=engine,
        image=image,
        run_id=run_id,
        name=name,
        warmth=warmth,
        terms=terms,
    )
    case = await asyncio.to_thread(_prepare, scenario, workspace, diff)
    try:
        outputs, runs = await bench.try_tree(case.graded)
        trees = {"tree": case.graded, "seeded": workspace.tree}
        settled = [await settle_step(bench, run, **trees) for run in runs]
        if outputs and not baseline.typecheck:
            outputs = await settle_types(bench, outputs, **trees)
    except (SandboxLost, SandboxUnavailable) as fault:
        return _ungraded(Failure(origin=Origin.SANDBOX, detail=str(fault)), began)
    except KitFault as fault:
        failure = Failure(origin=Origin.GRADER, detail=str(fault))
        return _ungraded(failure, began, log=fault.log)
    own_tests, said = await _own_tests(bench, case, settled, seeded=workspace.tree)
    found = _graded(bench, case, outputs, settled, baseline=baseline)
    seconds = time.monotonic() - began
    return GradeResult(
        grade=found.model_copy(update={"own_tests": own_tests, "seconds": seconds}),
        reports={run.step: run.report for run in settled if run.report},
        log=(outputs.log if outputs else "") + "".join(run.log for run in settled) + said,
    )


async def reference_quality(
    scenario: Scenario,
    workspace: Workspace,
    *,
    baseline: Baseline,
    engine: Engine,
    image: str,
    run_id: str,
) -> Quality | None:
    """Measure the reference solution as a patch is measured; `None` when that cannot be done."""
    if baseline.facts is None:
        return None
    name = f"reference-{scenario.id}"
    bench = Bench(scenario=scenario, engine=engine, image=image, run_id=run_id, name=name)
    diff = scenario.reference.read_bytes()
    case = await asyncio.to_thread(_prepare, scenario, workspace, diff)
    try:
        lint, facts = await bench.survey(case.graded)
    except KitFault:
        return None
    return baseline.quality(lint.stdout, facts, case.kept)


def graded_tree(card: FixtureCard, seeded: Tree, patched: Tree) -> Tree:
    """Put the harness's own files back, and drop what a patch may not bring along."""
    ours = (*card.protected, *_OURS)
    discarded = (*ours, *card.ignored, *_NEVER)
    kept = {path: file for path, file in patched.items() if not matches(path, discarded)}
    return overlay(kept, {path: file for path, file in seeded.items() if matches(path, ours)})


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What the host knows of a patch before anything runs."""

    graded: Tree
    kept: Changes
    """Between the seeded and the graded tree."""
    tests: Tree
    """Test files of the patch, which grading discards."""
    constraints: tuple[Check, ...]
    localised: bool | None


def _prepare(scenario: Scenario, workspace: Workspace, diff: bytes) -> _Case:
    card, seeded_files = scenario.fixture.card, scenario.card.seeded_files
    patched = apply_patch(workspace, diff)
    graded = graded_tree(card, workspace.tree, patched)
    changes = read_changes(diff_trees(workspace.tree, patched))
    kept = {path: c for path, c in changes.items() if graded.get(path) == patched.get(path)}
    return _Case(
        graded=graded,
        kept=kept,
        tests=brought_along(card, changes, patched),
        constraints=check_constraints(
            scenario.card.constraints,
            changes,
            protected=card.protected,
            before=workspace.tree,
            after=patched,
        ),
        localised=any(matches(path, seeded_files) for path in kept) if seeded_files else None,
    )


def _graded(
    bench: Bench,
    case: _Case,
    outputs: Outputs | None,
    runs: Sequence[StepRun],
    *,
    baseline: Baseline,
) -> Grade:
    scenario, terms = bench.scenario, bench.terms
    checks = (
        *judge(
            runs,
            fail_to_pass=terms.judged(scenario, scenario.fail_to_pass),
            pass_to_pass=terms.judged(scenario, scenario.pass_to_pass),
        ),
        *([_typecheck(scenario, baseline, outputs)] if outputs else []),
        *case.constraints,
    )
    decides = [check.passed for check in checks if check.kind is not CheckKind.CONSTRAINT]
    lint = outputs.lint.stdout if outputs else b""
    return Grade(
        verdict=Verdict.PASS if all(decides) else Verdict.FAIL,
        checks=checks,
        unused=introduced(baseline.findings, read_findings(lint), case.kept),
        localised=case.localised,
        quality=baseline.quality(lint, outputs.facts if outputs else None, case.kept),
    )


async def _own_tests(
    bench: Bench, case: _Case, runs: Sequence[StepRun], *, seeded: Tree
) -> tuple[OwnTests | None, str]:
    """Try the patch's own tests, after all that decides; a proof of fairness needs none."""
    if not case.tests or bench.terms != USUAL:
        return None, ""
    there = {path for path, file in seeded.items() if case.graded.get(path) == file}
    shown = {test for run in runs for test in run.results or {} if test.partition("::")[0] in there}
    known = {*bench.scenario.fail_to_pass, *bench.scenario.pass_to_pass, *shown}
    return await try_own_tests(
        bench, files=case.tests, graded=case.graded, seeded=seeded, known=known
    )


def _typecheck(scenario: Scenario, baseline: Baseline, outputs: Outputs) -> Check:
    result = outputs.typecheck
    if baseline.typecheck:
        passed, detail = True, f"not counted, the seeded tree fails it: {baseline.typecheck}"
    elif result.exit_code == 0:
        passed, detail = True, ""
    else:
        ended = how_it_ended(result, scenario.fixture.card.typecheck.timeout_seconds)
        passed, detail = False, f"{ended}: {_first_line(result.stdout)}"
    return Check(id="typecheck", kind=CheckKind.TYPECHECK, passed=passed, detail=detail)


def _ungraded(failure: Failure, began: float, *, log: str = "") -> GradeResult:
    seconds = time.monotonic() - began
    grade = Grade(verdict=Verdict.UNGRADED, failure=failure, seconds=seconds)
    return GradeResult(grade=grade, reports={}, log=f"{log}{failure.detail}\n")


def _first_line(output: bytes) -> str:
    return output.decode("utf-8", "replace").strip().partition("\n")[0][:_LINE]
