"""`testbed replay`: the whole pipeline again from a run's recorded streams."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from testbed.cli.common import (
    CORES,
    RUNS,
    JobsOption,
    JsonOption,
    RunsOption,
    builder,
    cache_folder,
    open_suite,
    talk,
)

if TYPE_CHECKING:
    from runner.replay.rerun import Replay, Replayed
    from testbed.plan import EngineName
    from testbed.records import Trial
    from testbed.store import Run


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")] = "latest",
    *,
    trial: Annotated[
        str | None, typer.Option(metavar="MODEL/SCENARIO/REPEAT", help="This trial alone [all].")
    ] = None,
    jobs: JobsOption = CORES,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Replay trials without a model: real sandbox, tools, patch and grading; no key, no network.

    Says of each `same` or where it departs first. Exit code 1 when any departs. The run itself
    is left as it is.
    """
    from runner.replay.rerun import replay_run
    from testbed.cli.conduct import run_until_signal
    from testbed.store import find_run

    found = find_run(runs, run)
    chosen = _chosen(found, trial)
    wanted = {one.scenario for one in chosen}
    suite = open_suite(
        Path(found.config.suite), [s.id for s in found.config.scenarios if s.id in wanted]
    )
    work = replay_run(
        found,
        chosen,
        suite,
        engine=_engine(found),
        cache=cache_folder(),
        jobs=jobs,
        progress=builder(talk()),
        done=lambda one: None if json else typer.echo(_line(one)),
    )
    replay = run_until_signal(work)
    if json:
        _print(replay)
    else:
        _conclude(replay)
    raise typer.Exit(1 if replay.departs else 0)


def _chosen(run: Run, name: str | None) -> list[Trial]:
    """Return the tries that count, or the named one."""
    from testbed.errors import RunError

    trials, _ = run.trials()
    chosen = [one for one in trials if name in (None, _name(one))]
    if not chosen:
        known = ", ".join(_name(one) for one in trials[:3]) or "none"
        raise RunError(
            f"no complete trial `{name or 'at all'}` in {run.paths.folder}",
            next_step=f"Its trials: {known}",
        )
    return chosen


def _engine(run: Run) -> EngineName:
    """Take the engine that the run was made on: on another one results may differ."""
    lock = run.resolved()
    names: dict[str, EngineName] = {"docker": "docker", "local": "local"}
    return names.get(lock.engine, run.config.engine) if lock else run.config.engine


def _name(trial: Trial) -> str:
    return f"{trial.model}/{trial.scenario}/{trial.repeat}"


def _line(one: Replayed) -> str:
    name = _name(one.stored)
    if one.skipped is not None:
        return f"{name}: not replayed: {one.skipped}"
    told = f"{name}: {'same' if one.departure is None else f'departs at {one.departure}'}"
    if one.results:
        told += f" (result differs, calls: {len(one.results)}, first at {one.results[0]})"
    return told


def _conclude(replay: Replay) -> None:
    if replay.conditions:
        talk().print(f"changed since the run: {', '.join(replay.conditions)}", markup=False)
    departed = sum(one.departure is not None for one in replay.trials)
    skipped = sum(one.skipped is not None for one in replay.trials)
    same = len(replay.trials) - departed - skipped
    typer.echo(f"{same} same, {departed} depart, {skipped} not replayed")


def _print(replay: Replay) -> None:
    import json

    from runner.replay.departures import IGNORED

    rows: list[dict[str, Any]] = [
        {
            "trial": _name(one.stored),
            "same": one.departure is None and one.skipped is None,
            "departure": None if one.departure is None else str(one.departure),
            "results_differ": [str(result) for result in one.results],
            "not_replayed": one.skipped,
        }
        for one in replay.trials
    ]
    answer = {"trials": rows, "changed_conditions": replay.conditions, "not_compared": IGNORED}
    sys.stdout.write(json.dumps(answer, indent=1) + "\n")
