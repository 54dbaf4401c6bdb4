"""Grades stored patches again: a grade depends on scenario and patch alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.conductor import prepare
from runner.recording import Recording, sealed
from runner.redaction import Redactor
from runner.summary import graded
from runner.together import together
from runner.trial import grade_name
from testbed.plan import PlannedTrial

if TYPE_CHECKING:
    from pathlib import Path

    from runner.grading.grade import GradeResult
    from runner.sandbox.base import Engine, Progress
    from runner.scene import Scene
    from testbed.records import Trial, Verdict
    from testbed.scenario import Suite
    from testbed.store import Run


async def regrade(run: Run, suite: Suite, *, cache: Path, jobs: int, progress: Progress) -> int:
    """Grade every stored patch of a run again; return how many verdicts changed."""
    config = run.config
    prepared = await prepare(suite, engine_name=config.engine, cache=cache, progress=progress)
    with run.writing(prepared.lock(config)):
        scenes = await prepared.scenes(run_id=config.run_id, progress=progress)
        trials = [trial for trial in run.trials()[0] if trial.patch is not None]
        progress(f"grading {len(trials)} patches")
        room = asyncio.Semaphore(jobs)
        async with together() as group:
            tasks = [
                group.create_task(_again(run, t, scenes[t.scenario], prepared.engine, room))
                for t in trials
            ]
    return sum(task.result() for task in tasks)


async def _again(
    run: Run, trial: Trial, scene: Scene, engine: Engine, room: asyncio.Semaphore
) -> bool:
    planned = PlannedTrial(*trial.key)
    paths = run.paths.attempt(planned, trial.attempt)

    async def grade(diff: bytes) -> GradeResult:
        async with room:
            return await scene.grade(
                diff,
                engine=engine,
                run_id=run.config.run_id,
                name=grade_name(planned),
            )

    earlier: list[Verdict] = []
    for prompt, verdict in enumerate(trial.prompts[:-1], 1):
        path = paths.prompt_patch(prompt)
        earlier.append(
            (await grade(path.read_bytes())).grade.verdict if path.is_file() else verdict
        )
    result = await grade(paths.patch.read_bytes())
    recording = Recording(paths, Redactor.for_cards(run.config.models))
    recording.grade(result)
    again = graded(trial, result.grade)
    again = again.model_copy(update={"prompts": (*earlier, *again.prompts[-1:])})
    run.add(sealed(recording.redactor.record(again), run))
    return (again.verdict, again.prompts) != (trial.verdict, trial.prompts)
