"""One trial: seed, sandbox, agent, patch, grade, record; every phase timed."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.agent.budget import AgentResult, Budget
from runner.agent.loop import run_agent
from runner.agent.prompts import Task
from runner.agent.tools import Tools
from runner.recording import Recording
from runner.sandbox.base import SandboxSpec, ToolFault
from runner.summary import Outcome, summarise
from runner.workspace import PatchError, PatchFile, take_patch
from testbed.errors import SandboxLost, TestbedError
from testbed.records import Check, CheckKind, Failure, Grade, Origin, Trial, Verdict
from testbed.store import write_atomically, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from runner.chat.base import ChatModel
    from runner.grading.grade import GradeResult
    from runner.sandbox.base import Engine, Sandbox
    from runner.scene import Scene
    from testbed.plan import PlannedTrial
    from testbed.store import Run, TrialPaths


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


async def make_trial(workshop: Workshop, planned: PlannedTrial, attempt: int) -> Trial:
    """Make one try at a trial; only errors that would spoil every other trial are raised."""
    paths = workshop.run.paths.attempt(planned, attempt)
    recording = Recording(paths)
    recording.begin()
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    phases = Phases()
    with phases.timed("total"):
        outcome = await _attempt(workshop, planned, recording, phases)
    return summarise(
        planned,
        card=workshop.run.config.card(planned.model),
        kind=workshop.scenes[planned.scenario].scenario.kind,
        attempt=attempt,
        started_at=started_at,
        phases=phases.seconds,
        funnel=recording.funnel(),
        outcome=outcome,
    )


async def _attempt(
    workshop: Workshop, planned: PlannedTrial, recording: Recording, phases: Phases
) -> Outcome:
    outcome = Outcome()
    try:
        outcome = await _work(workshop, planned, recording, phases)
        if outcome.patch is not None:
            graded = await _grade(workshop, planned, outcome.patch.diff, recording, phases)
            outcome = replace(outcome, grade=graded, failure=graded.failure)
    except SandboxLost as lost:
        return replace(outcome, failure=Failure(origin=Origin.SANDBOX, detail=lost.what))
    except TestbedError:
        raise
    except Exception as fault:  # noqa: BLE001  (one trial's surprise must not end the others)
        recording.note(traceback.format_exc())
        detail = f"{type(fault).__name__}: {fault} (traceback in {recording.paths.log})"
        return replace(outcome, failure=Failure(origin=Origin.HARNESS, detail=detail))
    return outcome


async def _work(
    workshop: Workshop, planned: PlannedTrial, recording: Recording, phases: Phases
) -> Outcome:
    """Let the model work in a sandbox, and take the patch that it leaves."""
    scene = workshop.scenes[planned.scenario]
    with phases.timed("start"):
        sandbox = await workshop.engine.start(_spec(workshop, planned, scene))
    async with sandbox:
        with phases.timed("seed"):
            await sandbox.unpack(scene.workspace.archive)
        with phases.timed("agent"):
            result = await _converse(workshop, planned, sandbox, recording)
        if result.failure is not None:
            return Outcome(result=result, failure=result.failure)
        try:
            with phases.timed("patch"):
                patch = await _take_patch(scene, sandbox)
        except (ToolFault, PatchError) as fault:
            return Outcome(result=result, grade=_no_patch(fault))
    write_atomically(recording.paths.patch, patch.diff)
    for dropped in patch.dropped:
        recording.note(f"not part of the patch: {dropped}")
    return Outcome(result=result, patch=patch)


async def _converse(
    workshop: Workshop, planned: PlannedTrial, sandbox: Sandbox, recording: Recording
) -> AgentResult:
    scenario = workshop.scenes[planned.scenario].scenario
    task = Task(
        title=scenario.card.title, prompt=scenario.prompt, commands=scenario.fixture.card.commands
    )
    async with workshop.open_chat(planned, recording) as chat:
        return await run_agent(
            model=chat,
            tools=Tools(sandbox),
            task=task,
            budget=Budget(**workshop.run.config.limits.model_dump()),
            sink=recording.turn,
        )


async def _take_patch(scene: Scene, sandbox: Sandbox) -> PatchFile:
    card = scene.scenario.fixture.card
    packed = await sandbox.pack(exclude=card.ignored)
    return await asyncio.to_thread(take_patch, scene.workspace, packed, card)


def _no_patch(fault: Exception) -> Grade:
    """Fail a workspace that cannot become a patch: the model made it so."""
    check = Check(id="patch", kind=CheckKind.WITNESS, passed=False, detail=str(fault))
    return Grade(verdict=Verdict.FAIL, checks=(check,))


async def _grade(
    workshop: Workshop, planned: PlannedTrial, diff: bytes, recording: Recording, phases: Phases
) -> Grade:
    scene = workshop.scenes[planned.scenario]
    with phases.timed("queue"):
        await workshop.graders.acquire()
    try:
        with phases.timed("grade"):
            graded = await scene.grade(
                diff,
                engine=workshop.engine,
                run_id=workshop.run.config.run_id,
                name=grade_name(planned),
            )
    finally:
        workshop.graders.release()
    store_grade(recording.paths, graded)
    return graded.grade


def store_grade(paths: TrialPaths, graded: GradeResult) -> None:
    """Keep a grade, the reports it rests on and what the commands said."""
    for step, report in graded.reports.items():
        write_atomically(paths.junit(step), report)
    write_record(paths.grade, graded.grade)
    Recording(paths).note(graded.log)


def _spec(workshop: Workshop, planned: PlannedTrial, scene: Scene) -> SandboxSpec:
    return SandboxSpec(
        run_id=workshop.run.config.run_id,
        name=_name("agent", planned),
        image=scene.image,
        environment=scene.scenario.fixture.card.environment,
    )


def grade_name(planned: PlannedTrial) -> str:
    """Name the sandboxes in which a trial's patch is graded."""
    return _name("grade", planned)


def _name(purpose: str, planned: PlannedTrial) -> str:
    model = re.sub(r"[^A-Za-z0-9.-]", "-", planned.model)
    return f"{purpose}-{model}-{planned.scenario}-{planned.repeat}"
