"""Grades the cases of one scenario; what was graded before is not graded again."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Literal

from runner.certify.ledger import Outcome, key_of
from runner.proof.faults import fault_of
from runner.workspace import PatchError
from testbed.errors import EnvironmentFault
from testbed.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.certify.ledger import Ledger
    from runner.conductor import Prepared
    from runner.grading.grade import GradeResult
    from runner.grading.terms import Terms
    from runner.proof.cases import Case
    from runner.sandbox.base import Progress
    from runner.scene import Scene
    from testbed.scenario import Scenario

RUN_ID: Final = "certify"
TRIES: Final = 3
"""At what infrastructure spoils."""
AGAIN: Final = "Run `testbed certify` again: it goes on where it was"
_DECIDING: Final = ("fixtures/", "seed.patch", "checks/")


class Grader:
    """Where one scenario's cases are graded, each in fresh sandboxes."""

    def __init__(
        self,
        prepared: Prepared,
        scenario: Scenario,
        ledger: Ledger,
        *,
        inputs: Mapping[str, str],
        progress: Progress,
    ) -> None:
        self._prepared = prepared
        self._scenario = scenario
        self._ledger = ledger
        self._progress = progress
        self._scene: Scene | None = None
        self._basis: tuple[object, ...] = (
            prepared.engine.name,
            prepared.images[scenario.fixture.id],
            {name: digest for name, digest in inputs.items() if name.startswith(_DECIDING)},
            scenario.card.constraints.model_dump(mode="json"),
            scenario.card.seeded_files,
        )

    async def grade(self, case: Case, *, repeat: int = 1) -> Outcome:
        """Grade a case, or return what came out before; `repeat` tells equal cases apart.

        Raises `EnvironmentFault` when infrastructure spoils it again and again.
        """
        diff = case.candidate.path.read_bytes() if case.candidate else b""
        patch = hashlib.sha256(diff).hexdigest()
        key = key_of("grading", self._basis, patch, _asked(case.terms), repeat)
        return await self._ledger.once(key, lambda: self._grade(key, case, diff))

    async def _grade(self, key: str, case: Case, diff: bytes) -> Outcome:
        scene = await self._set_scene()
        outcome = Outcome(key=key, what=case.patch, verdict="fail", seconds=0.0)
        for _ in range(TRIES):
            try:
                result = await scene.grade(
                    diff,
                    engine=self._prepared.engine,
                    run_id=RUN_ID,
                    name=f"{RUN_ID}-{case.slug}",
                    terms=case.terms,
                )
            except PatchError as fault:
                return outcome.model_copy(update={"fault": fault.what})
            if result.grade.verdict is not Verdict.UNGRADED:
                return self._told(outcome, case, result)
        failure = result.grade.failure
        raise EnvironmentFault(
            f"{self._scenario.id}: {case.patch}: ungraded: {failure.detail if failure else ''}",
            next_step=AGAIN,
        )

    async def _set_scene(self) -> Scene:
        """Set the scene once something has to be graded: that costs a type check."""
        if self._scene is None:
            self._scene = await self._prepared.scene(self._scenario, run_id=RUN_ID)
        return self._scene

    def _told(self, outcome: Outcome, case: Case, result: GradeResult) -> Outcome:
        grade, fault = result.grade, fault_of(case, result)
        state = fault or "as expected"
        self._progress(f"{self._scenario.id} {case.patch}: {state} ({grade.seconds:.0f} s)")
        verdict: Literal["pass", "fail"] = "pass" if grade.verdict is Verdict.PASS else "fail"
        told = {
            "verdict": verdict,
            "failed": tuple(check.id for check in grade.failed()),
            "fault": fault,
            "seconds": grade.seconds,
        }
        return outcome.model_copy(update=told)


def _asked(terms: Terms) -> dict[str, object]:
    steps = None if terms.steps is None else sorted(terms.steps)
    return {**asdict(terms), "steps": steps}
