"""Whose doing it is that something told nothing: the seeded tree is tried in the same way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.grading.bench import KitFault, came_to_an_end, how_it_ended
from testbed.errors import SandboxLost

if TYPE_CHECKING:
    from runner.grading.bench import Bench, Outputs
    from runner.grading.evidence import StepRun
    from testbed.tree import Tree


async def settle_step(bench: Bench, run: StepRun, *, tree: Tree, seeded: Tree) -> StepRun:
    """Return the run that counts for `tree`: one without a report, only if the seeded tree reports.

    Raises `SandboxLost` or `KitFault` when that gives no report either.
    """
    if run.results is not None:
        return run
    step = next(step for step in bench.scenario.steps() if step.id == run.step)
    control = await bench.run_step(seeded, step, label="control-")
    if control.results is None:
        said = f"step `{step.id}` gives no report on the seeded tree either: {control.ended}"
        if control.lost:
            raise SandboxLost(said)
        raise KitFault(f"{said}: {control.missing}", log=run.log + control.log)
    return await bench.run_step(tree, step, label="again-") if run.lost else run


async def settle_types(bench: Bench, outputs: Outputs, *, tree: Tree, seeded: Tree) -> Outputs:
    """Return the outputs that count for `tree`: a type check that was cut short is made again.

    Raises `KitFault` when it does not come to its end on the seeded tree either.
    """
    if came_to_an_end(outputs.typecheck):
        return outputs
    limit_s = bench.scenario.fixture.card.typecheck.timeout_seconds
    control = await bench.check_types(seeded, label="control-")
    if not came_to_an_end(control):
        ended = how_it_ended(control, limit_s)
        said = f"the type check does not end by itself on the seeded tree either: {ended}"
        raise KitFault(said, log=outputs.log)
    again = await bench.check_types(tree, label="again-")
    log = f"{outputs.log}type check again: {how_it_ended(again, limit_s)}\n\n"
    return replace(outputs, typecheck=again, log=log)
