"""`testbed shots`: pictures of what the patches of a run made of the application."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import (
    RUNS,
    EngineOption,
    JobsOption,
    JsonOption,
    RunsOption,
    ScenarioOption,
    answer,
    builder,
    cache_folder,
    open_suite,
    talk,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.shots.studio import Taken


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")] = "latest",
    *,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Model; repeatable [all].")
    ] = None,
    scenario: ScenarioOption = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every trial, not only each model's first valid one.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also take those anew that are up to date.")
    ] = False,
    engine: EngineOption = "auto",
    jobs: JobsOption = 1,
    runs: RunsOption = RUNS,
    suite: Annotated[
        Path | None, typer.Option("--suite", help="Suite that the run was made of [its own].")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Build what patches made of the application, walk through it in Chromium, keep pictures.

    The seeded tree and the reference are shown once per scenario too. Pictures never count: they
    are for people, and no figure is made of them.
    """
    from runner.shots.sitters import Order
    from runner.shots.studio import take_shots
    from testbed.cli.conduct import run_until_signal
    from testbed.store import find_run

    found = find_run(runs, run)
    ids = scenario or [planned.id for planned in found.config.scenarios]
    scenarios = open_suite(suite or Path(found.config.suite), ids)
    order = Order(models=tuple(model or ()), every_trial=every, again=again)
    taken = run_until_signal(
        take_shots(
            found,
            scenarios,
            order,
            engine=engine,
            cache=cache_folder(),
            jobs=jobs,
            progress=builder(talk()),
        )
    )
    _tell(taken, json=json)
    if taken:
        talk().print(f"the scoreboard shows them: testbed report {run}", markup=False)


def _tell(taken: Sequence[Taken], *, json: bool) -> None:
    """Print where the pictures are, and where a tour stopped."""
    if json:
        from json import dumps

        facts = [{"folder": str(t.folder), **t.shots.model_dump()} for t in taken]
        typer.echo(dumps(facts, indent=1))
        return
    console = answer()
    if not taken:
        console.print("nothing to be seen: no scenario of this run has a tour")
    for one in taken:
        stopped = f"  stopped at {one.shots.stopped}" if one.shots.stopped else ""
        console.print(f"{one.folder}  {len(one.shots.files)} files{stopped}", markup=False)
