"""Grades stored patches again: a grade depends on scenario and patch alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.conductor import prepare
from runner.summary import graded
from runner.trial import grade_name, store_grade
from testbed.plan import PlannedTrial

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.base import Engine, Progress
    from runner.scene import Scene
    from testbed.records import Trial
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
        async with asyncio.TaskGroup() as group:
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
    async with room:
        result = await scene.grade(
            paths.patch.read_bytes(),
            engine=engine,
            run_id=run.config.run_id,
            name=grade_name(planned),
        )
    store_grade(paths, result)
    again = graded(trial, result.grade)
    run.add(again)
    return again.verdict is not trial.verdict
