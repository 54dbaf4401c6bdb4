"""`testbed demo`: a part of the suite with the scripted players, without any key."""

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
    talk,
)

PLAYERS = ("scripted/oracle", "scripted/sloppy", "scripted/noop")
PART = ("dark-mode", "pagination", "shared-action-helper")
"""A feature, a bug and a refactor; one is checked in the built application, which takes longest."""
REPEATS = 2


def command(
    *,
    jobs: JobsOption = CORES,
    engine: EngineOption = "auto",
    suite: SuiteOption = None,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Run three scenarios (all of another suite) with three scripted players, twice each."""
    from testbed.cli.conduct import conduct
    from testbed.cli.run import begin
    from testbed.plan import TrialLimits

    whole = open_suite(suite, recorded=False)
    known = {scenario.id for scenario in whole.scenarios}
    chosen = whole.pick(PART if known.issuperset(PART) else ()).demand_recorded()
    left = len(known) - len(chosen.scenarios)
    if left:
        players = " ".join(f"-m {player}" for player in PLAYERS)
        talk().print(
            f"{len(chosen.scenarios)} of {len(known)} scenarios, {left} are left out; "
            f"all of them: testbed run {players}"
        )
    run = begin(
        chosen,
        list(PLAYERS),
        repeats=REPEATS,
        engine=engine,
        limits=TrialLimits(),
        max_cost_usd=None,
        runs=runs,
    )
    raise typer.Exit(conduct(run, chosen, jobs=jobs, json=json))
