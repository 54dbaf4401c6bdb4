"""What `run` and `demo` share: make the trials, show the figures, write the scoreboard."""

from __future__ import annotations

import asyncio
import math
import signal
import sys
from typing import TYPE_CHECKING, TypeVar

from testbed.cli.common import CORES, answer, builder, cache_folder, talk

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from pathlib import Path

    from reports.site.build import SiteOptions
    from runner.batch import Batch
    from testbed.bounds import Room
    from testbed.scenario import Suite
    from testbed.store import Run

T = TypeVar("T")


def conduct(
    run: Run, suite: Suite, *, jobs: int, json: bool, force: bool = False, shots: bool = False
) -> int:
    """Make the missing trials of a run, then report it; return the exit code.

    `force` runs a model that fails the preflight, whatever the run itself asked for. `shots`
    also takes pictures of what each model's first valid trial built.
    """
    from testbed.continuing import how_to_continue

    console = talk()
    try:
        batch = make_trials(run, suite, jobs=jobs, force=force)
        if shots:
            _take_shots(run, suite)
    except KeyboardInterrupt:
        console.print(
            f"interrupted, finished trials are kept: continue with {how_to_continue(run)}"
        )
        return 130
    report([run], json=json)
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
            f"see {run.paths.journal}; try again with {how_to_continue(run)}"
        )
    return 3 if left and not batch.capped else 0


def _take_shots(run: Run, suite: Suite) -> None:
    from runner.shots.sitters import Order
    from runner.shots.studio import take_shots

    work = take_shots(
        run,
        suite,
        Order(),
        engine=run.config.engine,
        cache=cache_folder(),
        jobs=1,
        progress=builder(talk()),
    )
    run_until_signal(work)


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


def report(
    runs: Sequence[Run],
    *,
    json: bool,
    folder: Path | None = None,
    whole: bool = False,
    options: SiteOptions | None = None,
) -> None:
    """Print the figures to stdout and write the scoreboard; its path is printed last.

    The scoreboard of a single run stands in the run's own folder unless `folder` is given; that
    of several is written nowhere else.
    """
    from reports.plain import plain_scoreboard
    from reports.site.build import build_site
    from reports.terminal import print_scoreboard
    from testbed.merged import merge_views

    view = merge_views([run.view() for run in runs])
    target = folder or (runs[0].paths.scoreboard if len(runs) == 1 else None)
    page = build_site(runs, target, options=options) if target else None
    if json:
        import json as encoder

        place = {"scoreboard": str(page) if page else None}
        sys.stdout.write(encoder.dumps({**plain_scoreboard(view), **place}, indent=1) + "\n")
        return
    print_scoreboard(view, answer(), whole=whole)
    if page:
        sys.stdout.write(f"{page}\n")
    else:
        talk().print("no scoreboard is written: say where with -o")


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
