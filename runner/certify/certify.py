"""One scenario -> its certificate, from outcomes that are made once and kept."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import TYPE_CHECKING, Final

from runner.certify.figures import caches_of, graded_of, steadiness_of
from runner.certify.grader import Grader
from runner.certify.hunt import Hunt
from runner.certify.ledger import open_ledger
from runner.certify.mutants import in_drawn_order, mutation_of
from runner.grading.grade import graded_tree
from runner.grading.terms import USUAL
from runner.proof.cases import cold_cases, known_cases, steady_cases
from runner.workspace import apply_patch
from testbed.certificate import Certificate
from testbed.certified import certificate_path, inputs_of
from testbed.equivalents import read_equivalents
from testbed.errors import ScenarioError
from testbed.store import write_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from runner.certify.ledger import Outcome
    from runner.conductor import Prepared
    from runner.proof.cases import Case
    from runner.sandbox.base import Progress
    from testbed.certificate import Mutation
    from testbed.scenario import Scenario

SEED: Final = 1
"""Draws the orders of tests and of mutants: the same again, so that it can be gone on with."""


async def certify_all(
    prepared: Prepared, *, cache: Path, jobs: int, progress: Progress
) -> AsyncIterator[Scenario]:
    """Certify every prepared scenario, `jobs` at a time; write each certificate as it is made.

    Raises the first expected error; what was found out until then is kept below `cache`.
    """
    room = asyncio.Semaphore(jobs)

    async def make(scenario: Scenario) -> Scenario:
        async with room:
            certificate = await certify(prepared, scenario, cache=cache, progress=progress)
        write_record(certificate_path(scenario), certificate)
        return scenario

    tasks = [asyncio.ensure_future(make(scenario)) for scenario in prepared.scenarios]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def certify(
    prepared: Prepared, scenario: Scenario, *, cache: Path, progress: Progress
) -> Certificate:
    """Make the certificate of one scenario.

    Raises `ScenarioError` when its files change meanwhile, and whatever grading raises.
    """
    inputs, equivalents = inputs_of(scenario), read_equivalents(scenario.root)
    with open_ledger(cache / "certificates" / f"{scenario.id}.jsonl") as ledger:
        grader = Grader(prepared, scenario, ledger, inputs=inputs, progress=progress)
        known = [(case, await grader.grade(case)) for case in known_cases(scenario)]
        cold = [(case, await grader.grade(case)) for case in cold_cases(scenario)]
        steady = await _grade_again(grader, steady_cases(scenario, seed=SEED))
        hunt = Hunt(prepared=prepared, scenario=scenario, ledger=ledger, progress=progress)
        control, mutation = await _mutate(hunt, prepared, scenario, equivalents)
    if inputs_of(scenario) != inputs:
        raise ScenarioError(
            f"{scenario.root}: changed while it was certified",
            next_step="Run `testbed certify` again",
        )
    return Certificate(
        scenario=scenario.id,
        engine=prepared.engine.name,
        seed=SEED,
        inputs=inputs,
        graded=tuple(graded_of(case, outcome) for case, outcome in known),
        steadiness=steadiness_of(steady),
        caches=caches_of(scenario, known, cold),
        control_failed=tuple(name for outcome in control.values() for name in outcome.failed),
        mutation=mutation,
        trial_seconds=median(told.seconds for case, told in known if case.terms == USUAL),
        step_seconds={step: outcome.seconds for step, outcome in control.items()},
    )


async def _grade_again(grader: Grader, cases: Sequence[Case]) -> list[tuple[Case, Outcome]]:
    return [(case, await grader.grade(case, repeat=n)) for n, case in enumerate(cases, 1)]


async def _mutate(
    hunt: Hunt, prepared: Prepared, scenario: Scenario, equivalents: Mapping[str, str]
) -> tuple[dict[str, Outcome], Mutation | None]:
    """Return what the hidden checks of each step say of the reference, and the score."""
    card, workspace = scenario.fixture.card, prepared.workspaces[scenario.id]
    diff = scenario.reference.read_bytes()
    solved = apply_patch(workspace, diff, source=str(scenario.reference))
    reference = graded_tree(card, workspace.tree, solved)
    control = await hunt.control(reference)
    if card.mutants is None or any(outcome.verdict == "fail" for outcome in control.values()):
        return control, None
    listed = await hunt.mutants(workspace.tree, reference)
    tried = await hunt.try_all(reference, in_drawn_order(listed, SEED))
    return control, mutation_of(len(listed), tried, equivalents)
