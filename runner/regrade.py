"""Grades stored patches again: a grade depends on scenario and patch alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.conductor import prepare
from runner.recording import Recording, sealed
from runner.redaction import Redactor
from runner.summary import graded
from runner.together import together
from runner.trial import grade_name
from testbed.plan import PlannedTrial
from testbed.records import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from runner.grading.grade import GradeResult
    from runner.sandbox.base import Engine, Progress
    from runner.scene import Scene
    from testbed.records import Trial
    from testbed.scenario import Suite
    from testbed.store import Run


TRIES: Final = 3
"""Gradings of one patch, when infrastructure spoils them."""


@dataclass(frozen=True, kw_only=True)
class Regraded:
    """What grading again came to, in numbers of trials."""

    changed: int
    """Those with another verdict than before."""
    spoiled: int
    """Those that infrastructure kept from being graded: they keep the verdict that they had."""


class _Spoiled(Exception):
    """A patch could not be graded."""


async def regrade(
    run: Run, suite: Suite, *, cache: Path, jobs: int, progress: Progress
) -> Regraded:
    """Grade every stored patch of a run again."""
    config = run.config
    prepared = await prepare(suite, engine_name=config.engine, cache=cache, progress=progress)
    with run.writing(prepared.lock(config)):
        scenes = await prepared.scenes(run_id=config.run_id, progress=progress)
        trials = [trial for trial in run.trials()[0] if trial.patch is not None]
        progress(f"grading {len(trials)} patches")
        room = asyncio.Semaphore(jobs)

        async def changed(trial: Trial) -> bool | None:
            try:
                return await _again(run, trial, scenes[trial.scenario], prepared.engine, room)
            except _Spoiled as spoiled:
                name = "/".join(map(str, trial.key))
                progress(f"{name} could not be graded: {spoiled}")
                return None

        async with together() as group:
            tasks = [group.create_task(changed(trial)) for trial in trials]
    came_to = [task.result() for task in tasks]
    return Regraded(changed=came_to.count(True), spoiled=came_to.count(None))


async def _again(
    run: Run, trial: Trial, scene: Scene, engine: Engine, room: asyncio.Semaphore
) -> bool:
    """Grade a trial and say whether its verdict is another; raise `_Spoiled`, nothing written."""
    planned = PlannedTrial(*trial.key)
    paths = run.paths.attempt(planned, trial.attempt)

    async def grade(diff: bytes) -> GradeResult:
        async with room:
            return await _graded(scene, diff, engine, run.config.run_id, grade_name(planned))

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


async def _graded(scene: Scene, diff: bytes, engine: Engine, run_id: str, name: str) -> GradeResult:
    """Grade a patch, again where infrastructure spoils it; raise `_Spoiled` in the end."""
    why = ""
    for _ in range(TRIES):
        result = await scene.grade(diff, engine=engine, run_id=run_id, name=name)
        if result.grade.verdict is not Verdict.UNGRADED:
            return result
        why = result.grade.failure.detail if result.grade.failure else "no reason recorded"
    raise _Spoiled(why)
