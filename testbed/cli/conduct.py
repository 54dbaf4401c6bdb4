"""What `run` and `demo` share: make the trials, show the figures, write the scoreboard."""

from __future__ import annotations

import asyncio
import math
import signal
import sys
from typing import TYPE_CHECKING, TypeVar

from testbed.cli.common import CORES, answer, builder, cache_folder, talk

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from runner.batch import Batch
    from testbed.bounds import Room
    from testbed.scenario import Suite
    from testbed.store import Run

T = TypeVar("T")


def conduct(run: Run, suite: Suite, *, jobs: int, json: bool, force: bool = False) -> int:
    """Make the missing trials of a run, then report it; return the exit code.

    `force` runs a model that fails the preflight, whatever the run itself asked for.
    """
    console = talk()
    try:
        batch = make_trials(run, suite, jobs=jobs, force=force)
    except KeyboardInterrupt:
        console.print(
            f"interrupted, finished trials are kept: continue with "
            f"`testbed run --resume {run.config.run_id}`"
        )
        return 130
    report(run, json=json)
    left = len(run.missing())
    for model, why in batch.given_up.items():
        console.print(f"{model} was given up: {why}", markup=False)
    if left and batch.capped:
        console.print(
            f"{left} trials have no valid result: {told(batch.capped)}; raise it with "
            f"`testbed run --resume {run.config.run_id} --max-cost-usd USD`"
        )
    elif left:
        console.print(
            f"{left} trials have no valid result, infrastructure spoiled them: "
            f"see {run.paths.journal}; try again with `testbed run --resume {run.config.run_id}`"
        )
    return 3 if left and not batch.capped else 0


def make_trials(run: Run, suite: Suite, *, jobs: int, force: bool = False) -> Batch:
    """Make the missing trials of a run, and show how it goes; raises `KeyboardInterrupt`."""
    from runner.conductor import Conductor
    from testbed.cli.progress import TrialProgress

    console = talk()
    planned, missing = len(list(run.config.trials())), len(run.missing())
    console.print(
        f"run {run.config.run_id}: {missing} of {planned} trials to make, {jobs} at a time"
        f"{_within(run.config.max_cost_usd)}"
    )
    watcher = TrialProgress(console, planned=planned, done=planned - missing, jobs=jobs)
    conductor = Conductor(
        run=run,
        suite=suite,
        cache=cache_folder(),
        jobs=jobs,
        graders=CORES,
        progress=builder(console),
        watcher=watcher,
        force=force,
    )
    with watcher:
        return run_until_signal(conductor.work())


def told(room: Room) -> str:
    """Say what a cost limit has left for one more trial."""
    from reports.words import money

    if math.isinf(room.next_trial):
        return "nothing bounds what one more trial may cost"
    return (
        f"one more trial may cost up to {money(room.next_trial)}, and {money(room.spent)} "
        f"of the limit of {money(room.limit)} is spent"
    )


def _within(limit: float | None) -> str:
    from reports.words import money

    return "" if limit is None else f", at most {money(limit)} in all"


def report(run: Run, *, json: bool, folder: Path | None = None, whole: bool = False) -> None:
    """Print the figures to stdout and write the scoreboard; its path is printed last."""
    from reports.html import build_scoreboard
    from reports.plain import plain_scoreboard
    from reports.terminal import print_scoreboard

    target = folder or run.paths.scoreboard
    view = run.view(target)
    page = build_scoreboard(view, target)
    if json:
        import json as encoder

        sys.stdout.write(
            encoder.dumps({**plain_scoreboard(view), "scoreboard": str(page)}, indent=1) + "\n"
        )
        return
    print_scoreboard(view, answer(), whole=whole)
    sys.stdout.write(f"{page}\n")


def run_until_signal(work: Coroutine[object, object, T]) -> T:
    """Run to the end; SIGTERM ends it as Ctrl-C does: sandboxes are closed first."""

    async def guarded() -> T:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
