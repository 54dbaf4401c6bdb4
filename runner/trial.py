"""One trial: seed, sandbox, agent, patch, grade, record; every phase timed."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from runner.agent.budget import AgentResult, Budget
from runner.agent.loop import run_agent
from runner.agent.prompts import Task
from runner.agent.tools import Tools
from runner.grading.terms import USUAL, Terms
from runner.leaving import leave_patch
from runner.recording import Recording, sealed
from runner.redaction import Redactor
from runner.rounds import Rounds, no_patch
from runner.sandbox.base import SandboxSpec, ToolFault
from runner.summary import Outcome, served_models, summarise
from runner.workspace import PatchError
from testbed.errors import SandboxLost, TestbedError
from testbed.records import Failure, Origin, Trial

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from runner.chat.base import ChatModel
    from runner.grading.grade import GradeResult
    from runner.sandbox.base import Engine, Sandbox
    from runner.scene import Scene
    from testbed.plan import PlannedTrial
    from testbed.store import Run


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all trials of a run share."""

    run: Run
    engine: Engine
    scenes: Mapping[str, Scene]
    open_chat: Callable[[PlannedTrial, Recording], AbstractAsyncContextManager[ChatModel]]
    """Opens the conversation of one trial with its model or player."""
    graders: asyncio.Semaphore
    """Bounds gradings at the same time: a crowded machine makes tests time out."""


@dataclass
class Phases:
    """Seconds spent per phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the block's time to a phase, however it ends."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[phase] = round(self.seconds.get(phase, 0.0) + spent, 6)

    def take_off(self, phase: str, seconds: float) -> None:
        """Subtract what belongs to other phases, though it happened within this one."""
        self.seconds[phase] = round(self.seconds[phase] - seconds, 6)


async def make_trial(workshop: Workshop, planned: PlannedTrial, attempt: int) -> Trial:
    """Make one try at a trial; only errors that would spoil every other trial are raised."""
    run = workshop.run
    recording = Recording(
        run.paths.attempt(planned, attempt), Redactor.for_cards(run.config.models)
    )
    recording.begin()
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    one = _Try(workshop=workshop, planned=planned, recording=recording)
    with one.phases.timed("total"):
        outcome = await one.outcome()
    _note_change_of_model(outcome, recording)
    trial = summarise(
        planned,
        card=run.config.card(planned.model),
        kind=one.scene.scenario.kind,
        attempt=attempt,
        started_at=started_at,
        phases=one.phases.seconds,
        tally=recording.tally,
        outcome=outcome,
    )
    return sealed(recording.redactor.record(trial), run)


def _note_change_of_model(outcome: Outcome, recording: Recording) -> None:
    served = served_models(outcome.result.exchanges if outcome.result else ())
    if len(served) > 1:
        recording.note(f"the model served changed during the trial: {', '.join(served)}")


@dataclass(kw_only=True)
class _Try:
    """One try at a trial, from its empty sandbox to its grade."""

    workshop: Workshop
    planned: PlannedTrial
    recording: Recording
    phases: Phases = field(default_factory=Phases, init=False)
    result: AgentResult | None = field(default=None, init=False)
    """What the conversation took, once it has ended: it stays spent whatever happens next."""

    @property
    def scene(self) -> Scene:
        return self.workshop.scenes[self.planned.scenario]

    async def outcome(self) -> Outcome:
        """Make it, and return what it came to, whatever infrastructure does."""
        follow_ups = self.workshop.run.config.follow_ups
        rounds = Rounds(
            scene=self.scene, recording=self.recording, grade=self._graded, allowed=follow_ups
        )
        outcome = await self._worked_and_graded(rounds)
        return replace(outcome, prompts=tuple(rounds.verdicts)) if follow_ups else outcome

    async def _worked_and_graded(self, rounds: Rounds) -> Outcome:
        outcome = None
        try:
            outcome = await self._worked(rounds)
            if outcome.patch is not None:
                diff = outcome.patch.diff
                result = rounds.settled.get(diff) or await self._graded(diff)
                self.recording.grade(result)
                grade = result.grade
                outcome = replace(outcome, grade=grade, failure=grade.failure)
        except SandboxLost as lost:
            failure = Failure(origin=Origin.SANDBOX, detail=lost.what)
        except TestbedError:
            raise
        except Exception as fault:  # noqa: BLE001  (one trial's surprise must not end the others)
            self.recording.note(traceback.format_exc())
            log = self.recording.paths.log
            detail = f"{type(fault).__name__}: {fault} (traceback in {log})"
            failure = Failure(origin=Origin.HARNESS, detail=detail)
        else:
            return outcome
        return replace(outcome or Outcome(result=self.result), failure=failure)

    async def _worked(self, rounds: Rounds) -> Outcome:
        """Let the model work in a sandbox, and take the patch that it leaves."""
        scene, recording, timed = self.scene, self.recording, self.phases.timed
        with timed("start"):
            sandbox = await self.workshop.engine.start(self._spec())
        async with sandbox:
            with timed("seed"):
                await sandbox.unpack(scene.workspace.archive)
            with timed("agent"):
                result = self.result = await self._converse(sandbox, rounds)
            self.phases.take_off("agent", rounds.seconds)
            if result.failure is not None:
                return Outcome(result=result, failure=result.failure)
            try:
                with timed("patch"):
                    patch = await leave_patch(scene, sandbox, recording.redactor)
            except (ToolFault, PatchError) as fault:
                return Outcome(result=result, grade=no_patch(fault, scene.scenario))
        recording.patch(patch.diff)
        if rounds.allowed:
            recording.patch(patch.diff, prompt=len(rounds.verdicts) + 1)
        for dropped in patch.dropped:
            recording.note(f"not part of the patch: {dropped}")
        return Outcome(result=result, patch=patch)

    async def _converse(self, sandbox: Sandbox, rounds: Rounds) -> AgentResult:
        scenario = self.scene.scenario
        task = Task(
            prompt=scenario.prompt,
            commands=scenario.fixture.card.commands,
        )
        async with self.workshop.open_chat(self.planned, self.recording) as chat:
            return await run_agent(
                model=chat,
                tools=Tools(sandbox),
                task=task,
                budget=Budget(**self.workshop.run.config.limits.model_dump()),
                sink=self.recording.turn,
                follow_up=partial(rounds.next_prompt, sandbox) if rounds.allowed else None,
            )

    async def _graded(self, diff: bytes, terms: Terms = USUAL) -> GradeResult:
        with self.phases.timed("queue"):
            await self.workshop.graders.acquire()
        try:
            with self.phases.timed("grade"):
                return await self.scene.grade(
                    diff,
                    engine=self.workshop.engine,
                    run_id=self.workshop.run.config.run_id,
                    name=grade_name(self.planned),
                    terms=terms,
                )
        finally:
            self.workshop.graders.release()

    def _spec(self) -> SandboxSpec:
        return SandboxSpec(
            run_id=self.workshop.run.config.run_id,
            name=_name("agent", self.planned),
            image=self.scene.image,
            environment=self.scene.scenario.fixture.card.environment,
        )


def grade_name(planned: PlannedTrial) -> str:
    """Name the sandboxes in which a trial's patch is graded."""
    return _name("grade", planned)


def _name(purpose: str, planned: PlannedTrial) -> str:
    model = re.sub(r"[^A-Za-z0-9.-]", "-", planned.model)
    return f"{purpose}-{model}-{planned.scenario}-{planned.repeat}"
