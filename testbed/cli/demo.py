"""`testbed demo`: every scenario with the scripted players, without any key."""

from __future__ import annotations

import typer

from testbed.cli.common import (
    CORES,
    RUNS,
    EngineOption,
    JobsOption,
    JsonOption,
    RunsOption,
    SuiteOption,
    open_suite,
)

PLAYERS = ["scripted/oracle", "scripted/sloppy", "scripted/noop"]
REPEATS = 3


def command(
    *,
    jobs: JobsOption = CORES,
    engine: EngineOption = "auto",
    suite: SuiteOption = None,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Run every scenario with three scripted players, three times each."""
    from testbed.cli.conduct import conduct
    from testbed.cli.run import begin
    from testbed.plan import TrialLimits

    chosen = open_suite(suite)
    run = begin(
        chosen,
        PLAYERS,
        repeats=REPEATS,
        engine=engine,
        limits=TrialLimits(),
        max_cost_usd=None,
        runs=runs,
    )
    raise typer.Exit(conduct(run, chosen, jobs=jobs, json=json))
