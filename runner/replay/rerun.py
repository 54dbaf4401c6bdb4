"""The whole pipeline again from recorded streams: real sandbox, real tools, patch and grading.

Nothing of it reaches the run: every trial is made in a folder that is removed at its end.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.chat.replay import ReplayChat
from runner.chatters import Pricer
from runner.conductor import prepare
from runner.replay.compare import Difference
from runner.replay.departures import (
    Departure,
    RequestWatch,
    Side,
    first_departure,
    results_that_differ,
)
from runner.replay.files import Damaged, read_kept, replay_endpoint
from runner.scratch import scratch_folder
from runner.together import together
from runner.trial import Workshop, make_trial
from testbed.plan import PlannedTrial, new_run_id
from testbed.records import Ending, Origin
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from runner.conductor import Prepared
    from runner.recording import Recording
    from runner.replay.files import Kept
    from runner.sandbox.base import Progress
    from runner.scene import Scene
    from testbed.plan import EngineName, RunConfig
    from testbed.records import Trial
    from testbed.scenario import Suite

FIRST_TRY: Final = 1


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """One trial, replayed."""

    stored: Trial
    departure: Departure | None
    """The first thing that is not what it was; `None` when calls, patch and grade are the same."""
    results: tuple[Departure, ...] = ()
    """Tool results with another text. They decide nothing: the recorded replies follow anyway."""
    skipped: str | None = None
    """Why the trial cannot be replayed."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What was replayed, and what had changed around it since."""

    trials: tuple[Replayed, ...]
    conditions: tuple[str, ...]
    """Names of the conditions that are no longer those of the run."""

    @property
    def departs(self) -> bool:
        """Say whether any trial is not what it was."""
        return any(one.departure is not None for one in self.trials)


async def replay_run(
    run: Run,
    trials: Sequence[Trial],
    suite: Suite,
    *,
    engine: EngineName,
    cache: Path,
    jobs: int,
    progress: Progress,
    done: Callable[[Replayed], None],
) -> Replay:
    """Replay trials of a run, `jobs` at a time; `done` is told each as it ends.

    A recording that cannot be read departs before its first turn.
    """
    prepared = await prepare(suite, engine_name=engine, cache=cache, progress=progress)
    lock = run.resolved()
    now = prepared.lock(run.config)
    # Of a scenario that is not replayed nothing is known.
    known = lock and lock.model_copy(
        update={"scenarios": {s: d for s, d in lock.scenarios.items() if s in now.scenarios}}
    )
    changed = known.differences(now) if known else []
    run_id = f"replay-{new_run_id()}"
    scenes = await prepared.scenes(run_id=run_id, progress=progress)
    room, graders = asyncio.Semaphore(jobs), asyncio.Semaphore(jobs)

    async def one(trial: Trial) -> Replayed:
        async with room:
            stage = _Stage(run, trial, prepared, scenes, graders, run_id)
            replayed = await stage.replay()
        done(replayed)
        return replayed

    async with together() as group:
        tasks = [group.create_task(one(trial)) for trial in trials]
    return Replay(trials=tuple(task.result() for task in tasks), conditions=tuple(changed))


@dataclass(frozen=True)
class _Stage:
    """Where one trial is made again."""

    run: Run
    trial: Trial
    prepared: Prepared
    scenes: Mapping[str, Scene]
    graders: asyncio.Semaphore
    run_id: str

    async def replay(self) -> Replayed:
        planned = PlannedTrial(*self.trial.key)
        paths = self.run.paths.attempt(planned, self.trial.attempt)
        try:
            kept = read_kept(paths)
        except Damaged as damage:
            found = Difference(field=damage.path.name, was="readable", now=damage.detail)
            return Replayed(stored=self.trial, departure=Departure(turn=None, difference=found))
        if why := _unfit(self.trial, kept):
            return Replayed(stored=self.trial, departure=None, skipped=why)
        with scratch_folder() as folder:
            shadow = Run.create(folder, _config(self.run.config, self.trial, self.run_id))
            watch = RequestWatch()
            again = await make_trial(self._workshop(shadow, kept, watch), planned, FIRST_TRY)
            made = read_kept(shadow.paths.attempt(planned, FIRST_TRY))
        was, now = Side(trial=self.trial, kept=kept), Side(trial=again, kept=made)
        return Replayed(
            stored=self.trial,
            departure=first_departure(was, now, watch),
            results=results_that_differ(kept, made),
        )

    def _workshop(self, shadow: Run, kept: Kept, watch: RequestWatch) -> Workshop:
        @asynccontextmanager
        async def open_chat(
            planned: PlannedTrial, recording: Recording
        ) -> AsyncIterator[ReplayChat]:
            card = shadow.config.card(planned.model)
            yield ReplayChat(
                kept.attempts,
                replay_endpoint(card),
                recorder=recording.exchange,
                price=Pricer(card=card),
                watch=watch.sent,
            )

        return Workshop(
            run=shadow,
            engine=self.prepared.engine,
            scenes=self.scenes,
            open_chat=open_chat,
            graders=self.graders,
        )


def _unfit(trial: Trial, kept: Kept) -> str | None:
    """Say why a trial's recording cannot lead to its end again."""
    if trial.failure is not None and trial.failure.origin is not Origin.MODEL_API:
        return f"spoiled by infrastructure: {trial.failure.origin}"
    return None if kept.attempts else "nothing was recorded"


def _config(config: RunConfig, trial: Trial, run_id: str) -> RunConfig:
    """Ask for the same again; a limit of wall-clock time ends it after as many turns."""
    limits = config.limits
    if trial.ending is Ending.TIME_LIMIT:
        limits = limits.model_copy(update={"max_turns": trial.turns})
    return config.model_copy(update={"run_id": run_id, "limits": limits})
