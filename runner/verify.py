"""Proof that a scenario is fair: right patches pass, nothing and wrong ones fail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from testbed.records import Grade, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runner.sandbox.base import Engine
    from runner.scene import Scene
    from testbed.scenario import CandidatePatch

CONSTRAINT = "constraint:"


@dataclass(frozen=True)
class Case:
    """One patch to be graded; `None` is the empty one."""

    candidate: CandidatePatch | None
    cold: bool = False

    @property
    def name(self) -> str:
        """Name it for people and for its sandbox."""
        return (self.candidate.name if self.candidate else "nothing") + "-cold" * self.cold


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One patch of a scenario, graded, and what should have come out."""

    scenario: str
    patch: str
    """`nothing`, `reference`, `right/<name>` or `wrong/<name>`; `-cold` without build caches."""
    expected: str
    fault: str
    """Empty when it came out as expected."""
    seconds: float

    @property
    def holds(self) -> bool:
        """Say whether it came out as expected."""
        return not self.fault


async def prove(
    scenes: Sequence[Scene], *, engine: Engine, run_id: str, jobs: int, times: int
) -> AsyncIterator[Proof]:
    """Grade every patch of every scenario `times` times; yield each proof as it is done.

    Where build caches are used, nothing and the reference are graded without them too.
    """
    room = asyncio.Semaphore(jobs)
    cases = [
        _prove_one(scene, case, engine=engine, run_id=run_id, room=room)
        for scene in scenes
        for _ in range(times)
        for case in cases_of(scene)
    ]
    tasks = [asyncio.ensure_future(case) for case in cases]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def cases_of(scene: Scene) -> tuple[Case, ...]:
    """List what has to be proven of a scenario."""
    nothing, (reference, *others) = Case(None), map(Case, scene.scenario.candidates())
    warm = (nothing, reference, *others)
    used = [step for step in scene.scenario.steps() if step.id in scene.warmth.archives]
    return (*warm, Case(None, cold=True), replace(reference, cold=True)) if used else warm


async def _prove_one(
    scene: Scene, case: Case, *, engine: Engine, run_id: str, room: asyncio.Semaphore
) -> Proof:
    candidate = case.candidate
    async with room:
        result = await scene.grade(
            candidate.path.read_bytes() if candidate else b"",
            engine=engine,
            run_id=run_id,
            name=f"verify-{scene.scenario.id}-{case.name.replace('/', '-')}",
            cold=case.cold,
        )
    return Proof(
        scenario=scene.scenario.id,
        patch=case.name,
        expected=_expected(candidate),
        fault=_fault(result.grade, candidate),
        seconds=result.grade.seconds,
    )


def _expected(candidate: CandidatePatch | None) -> str:
    if candidate is None:
        return "fail"
    return "pass" if candidate.right else f"fail by {candidate.caught_by}"


def _fault(grade: Grade, candidate: CandidatePatch | None) -> str:
    """Say what is wrong with a grade; empty when it is as it must be."""
    failed = {check.id: check.detail for check in grade.failed()}
    if grade.verdict is Verdict.UNGRADED:
        return f"ungraded: {grade.failure.detail if grade.failure else 'no reason recorded'}"
    if candidate is None:
        return "" if grade.verdict is Verdict.FAIL else "doing nothing passes"
    if candidate.right:
        first = next(iter(failed.items()), None)
        return "" if first is None else f"failed {first[0]}: {first[1]}"
    if candidate.caught_by not in failed:
        known = candidate.caught_by in {check.id for check in grade.checks}
        return f"{candidate.caught_by} {'passes' if known else 'is no check of this scenario'}"
    by_constraint = candidate.caught_by.startswith(CONSTRAINT)
    return "" if by_constraint or grade.verdict is Verdict.FAIL else "a wrong patch passes"
