"""`testbed demo`: a part of the suite with the scripted players, without any key."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import (
    CORES,
    RUNS,
    EngineOption,
    JobsOption,
    JsonOption,
    RunsOption,
    SuiteOption,
    answer,
    open_suite,
    talk,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.cast.table import Row
    from testbed.plan import EngineName
    from testbed.scenario import Suite

PLAYERS = ("scripted/oracle", "scripted/sloppy", "scripted/noop")
PART = ("dark-mode", "pagination", "shared-action-helper")
"""A feature, a bug and a refactor; one is checked in the built application, which takes longest."""
CAST_PART = ("pagination",)
"""The scenario that is graded fastest."""
REPEATS = 2
"""Of these, the flaky player passes the first alone."""
CAST_TURNS = 30
CAST_TOKENS = 1_000_000
"""Limits of every trial of the cast: low enough that two players soon reach one."""


def command(
    *,
    cast: Annotated[
        bool, typer.Option("--cast", help="Prove the figures: every player, one scenario.")
    ] = False,
    jobs: JobsOption = CORES,
    engine: EngineOption = "auto",
    suite: SuiteOption = None,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Run three scenarios (all of another suite) with three scripted players, twice each.

    With --cast every player is run, and each of its figures compared with what its script
    foretells; the exit code is 1 when one differs.
    """
    from testbed.cli.conduct import conduct
    from testbed.cli.run import begin
    from testbed.plan import TrialLimits

    whole = open_suite(suite, recorded=False)
    if cast:
        raise typer.Exit(_prove(whole, jobs=jobs, engine=engine, runs=runs, json=json))
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


def _prove(whole: Suite, *, jobs: int, engine: EngineName, runs: Path, json: bool) -> int:
    """Run the cast and compare; 1 when a figure differs."""
    from runner.cast.table import cast_table
    from runner.players.cast import CAST
    from testbed.cli.conduct import make_trials
    from testbed.cli.run import begin
    from testbed.plan import TrialLimits

    known = [scenario.id for scenario in whole.scenarios]
    part = CAST_PART if set(known).issuperset(CAST_PART) else tuple(known[:1])
    chosen = whole.pick(part).demand_recorded()
    run = begin(
        chosen,
        [player.model for player in CAST.values()],
        repeats=REPEATS,
        engine=engine,
        limits=TrialLimits(max_turns=CAST_TURNS, max_tokens=CAST_TOKENS),
        max_cost_usd=None,
        runs=runs,
    )
    try:
        make_trials(run, chosen, jobs=jobs)
    except KeyboardInterrupt:
        talk().print("interrupted; the cast is proved whole or not at all")
        return 130
    rows = cast_table(run, chosen)
    _show(rows, json=json)
    differing = [row for row in rows if not row.equal]
    talk().print(f"{len(rows) - len(differing)} of {len(rows)} figures are as expected")
    return 1 if differing else 0


def _show(rows: Sequence[Row], *, json: bool) -> None:
    """Print the rows to stdout."""
    if json:
        from dataclasses import asdict
        from json import dumps

        sys.stdout.write(dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n")
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for heading in ("player", "figure", "expected", "measured", "equal?"):
        table.add_column(heading, overflow="fold")
    player = ""
    for row in rows:
        name = "" if row.player == player else row.player
        player = row.player
        cells = (name, row.figure, row.expected, row.measured, "yes" if row.equal else "NO")
        table.add_row(*map(escape, cells))
    answer().print(table)
