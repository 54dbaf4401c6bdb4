"""Proof that a scenario is fair: right patches pass, nothing and wrong ones fail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.grading.grade import grade
from testbed.records import Grade, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runner.sandbox.base import Engine
    from runner.scene import Scene
    from testbed.scenario import CandidatePatch

CONSTRAINT = "constraint:"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One patch of a scenario, graded, and what should have come out."""

    scenario: str
    patch: str
    """`nothing`, `reference`, `right/<name>` or `wrong/<name>`."""
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
    """Grade every patch of every scenario `times` times; yield each proof as it is done."""
    room = asyncio.Semaphore(jobs)
    cases = [
        _prove_one(scene, candidate, engine=engine, run_id=run_id, room=room)
        for scene in scenes
        for _ in range(times)
        for candidate in (None, *scene.scenario.candidates())
    ]
    tasks = [asyncio.ensure_future(case) for case in cases]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _prove_one(
    scene: Scene,
    candidate: CandidatePatch | None,
    *,
    engine: Engine,
    run_id: str,
    room: asyncio.Semaphore,
) -> Proof:
    name = candidate.name if candidate else "nothing"
    async with room:
        result = await grade(
            scene.scenario,
            scene.workspace,
            candidate.path.read_bytes() if candidate else b"",
            baseline=scene.baseline,
            engine=engine,
            image=scene.image,
            run_id=run_id,
            name=f"verify-{scene.scenario.id}-{name.replace('/', '-')}",
        )
    return Proof(
        scenario=scene.scenario.id,
        patch=name,
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
