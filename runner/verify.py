"""Proof that scenarios are fair: right patches pass, nothing and wrong ones fail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from runner.grading.grade import baseline
from runner.proof.faults import fault_of, fault_of_seed
from runner.workspace import PatchError, make_workspace, pristine_tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from runner.conductor import Prepared
    from runner.grading.grade import Baseline
    from runner.proof.cases import Case
    from runner.scene import Scene
    from testbed.scenario import Scenario

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One patch of a scenario, graded, and what should have come out."""

    scenario: str
    patch: str
    """`files`, `seed`, `nothing`, `reference`, `right/<name>` or `wrong/<name>`.

    What varied follows in brackets: `reference (load)`.
    """
    expected: str
    fault: str
    """Empty when it came out as expected."""
    seconds: float

    @property
    def holds(self) -> bool:
        """Say whether it came out as expected."""
        return not self.fault


async def prove(
    prepared: Prepared, cases: Sequence[Case], *, run_id: str, jobs: int
) -> AsyncIterator[Proof]:
    """Look at every seeded tree and grade every case; yield each proof as it is done.

    Raises the first expected error of the machine; a patch's own faults are in its proof.
    """
    verifier = _Verifier(prepared=prepared, run_id=run_id, room=asyncio.Semaphore(jobs))
    proofs = [
        *(verifier.prove_seed(scenario) for scenario in prepared.scenarios),
        *(verifier.prove_case(case) for case in cases),
    ]
    tasks = [asyncio.ensure_future(proof) for proof in proofs]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        begun: list[asyncio.Future[Any]] = [
            *tasks,
            *verifier.scenes.values(),
            *verifier.pristine.values(),
        ]
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


@dataclass(frozen=True, kw_only=True)
class _Verifier:
    """Grades cases; what several of them need is measured once."""

    prepared: Prepared
    run_id: str
    room: asyncio.Semaphore
    scenes: dict[str, asyncio.Future[Scene]] = field(default_factory=dict)
    pristine: dict[str, asyncio.Future[Baseline]] = field(default_factory=dict)
    """Fixture -> what it shows before any seed."""

    async def prove_seed(self, scenario: Scenario) -> Proof:
        """Prove that the seeded tree looks healthy to whoever begins to work on it."""
        pristine = _once(self.pristine, scenario.fixture.id, lambda: self._measure(scenario))
        seeded = (await self._scene(scenario)).baseline
        return Proof(
            scenario=scenario.id,
            patch="seed",
            expected="looks healthy",
            fault=fault_of_seed(seeded, await pristine),
            seconds=0.0,
        )

    async def prove_case(self, case: Case) -> Proof:
        """Grade one case."""
        scene = await self._scene(case.scenario)
        fault, seconds = await self._grade(scene, case)
        return Proof(
            scenario=case.scenario.id,
            patch=case.patch,
            expected=case.expected,
            fault=fault,
            seconds=seconds,
        )

    async def _grade(self, scene: Scene, case: Case) -> tuple[str, float]:
        diff = case.candidate.path.read_bytes() if case.candidate else b""
        async with self.room:
            try:
                result = await scene.grade(
                    diff,
                    engine=self.prepared.engine,
                    run_id=self.run_id,
                    name=f"verify-{case.slug}",
                    terms=case.terms,
                )
            except PatchError as fault:
                return fault.what, 0.0
        return fault_of(case, result), result.grade.seconds

    async def _scene(self, scenario: Scenario) -> Scene:
        async def make() -> Scene:
            async with self.room:
                return await self.prepared.scene(scenario, run_id=self.run_id)

        return await _once(self.scenes, scenario.id, make)

    async def _measure(self, scenario: Scenario) -> Baseline:
        fixture = scenario.fixture
        async with self.room:
            return await baseline(
                scenario,
                make_workspace(pristine_tree(fixture)),
                engine=self.prepared.engine,
                image=self.prepared.images[fixture.id],
                run_id=self.run_id,
                name=f"baseline-{fixture.id}",
            )


def _once(
    made: dict[str, asyncio.Future[T]], key: str, make: Callable[[], Coroutine[None, None, T]]
) -> asyncio.Future[T]:
    """Begin what was not begun yet."""
    if key not in made:
        made[key] = asyncio.ensure_future(make())
    return made[key]
