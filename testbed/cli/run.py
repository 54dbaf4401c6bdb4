"""`testbed run`: make trials with one or several models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import (
    CORES,
    RUNS,
    EngineOption,
    JobsOption,
    JsonOption,
    RunsOption,
    ScenarioOption,
    SuiteOption,
    open_suite,
)

if TYPE_CHECKING:
    from testbed.plan import EngineName, TrialLimits
    from testbed.scenario import Suite
    from testbed.store import Run

ModelOption = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="Model card: an id of `testbed models`, or a .toml path."),
]
RepeatsOption = Annotated[int, typer.Option("--repeats", "-n", min=1, help="Trials of each kind.")]


def command(
    *,
    model: ModelOption = None,
    scenario: ScenarioOption = None,
    repeats: RepeatsOption = 3,
    jobs: JobsOption = CORES,
    engine: EngineOption = "auto",
    max_turns: Annotated[int, typer.Option(min=1, help="Turns per trial.")] = 60,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens per trial.")] = 2_000_000,
    max_cost_usd: Annotated[
        float | None, typer.Option(help="USD of the whole run; no trial starts beyond it.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="Continue this run with the trials it still misses.")
    ] = None,
    suite: SuiteOption = None,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Run scenarios with models, grade the patches, and write a scoreboard."""
    from testbed.cli.conduct import conduct
    from testbed.errors import UsageError
    from testbed.plan import TrialLimits
    from testbed.store import find_run

    if resume is not None:
        if model or scenario:
            raise UsageError(
                "--resume takes models and scenarios from the run itself",
                next_step="Leave out --model and --scenario, or start a new run",
            )
        run = find_run(runs, resume)
        chosen = open_suite(Path(run.config.suite), [s.id for s in run.config.scenarios])
    else:
        chosen = open_suite(suite, scenario)
        run = begin(
            chosen,
            model or [],
            repeats=repeats,
            engine=engine,
            limits=TrialLimits(max_turns=max_turns, max_tokens=max_tokens),
            max_cost_usd=max_cost_usd,
            runs=runs,
        )
    raise typer.Exit(conduct(run, chosen, jobs=jobs, json=json))


def begin(
    suite: Suite,
    models: list[str],
    *,
    repeats: int,
    engine: EngineName,
    limits: TrialLimits,
    max_cost_usd: float | None,
    runs: Path,
) -> Run:
    """Check what was asked for and make the run's directory."""
    from datetime import UTC, datetime

    from testbed.catalog import find_card
    from testbed.errors import UsageError
    from testbed.plan import PlannedScenario, RunConfig, new_run_id
    from testbed.pricing import price_at
    from testbed.store import Run

    if not models:
        raise UsageError("no model was named", next_step="Give --model; see `testbed models`")
    cards = tuple(find_card(name) for name in dict.fromkeys(models))
    now = datetime.now(UTC)
    for card in cards:
        if max_cost_usd is not None and not card.scripted and not price_at(card.prices, now):
            raise UsageError(
                f"{card.id} has no price valid today, so --max-cost-usd could not hold",
                next_step="Add `[[prices]]` to its card, or leave the option out",
            )
    config = RunConfig(
        run_id=new_run_id(now),
        created_at=now.isoformat(timespec="seconds"),
        suite=str(suite.root),
        models=cards,
        scenarios=tuple(
            PlannedScenario(
                id=s.id, title=s.card.title, kind=s.card.kind, difficulty=s.card.difficulty
            )
            for s in suite.scenarios
        ),
        repeats=repeats,
        engine=engine,
        limits=limits,
        max_cost_usd=max_cost_usd,
    )
    return Run.create(runs.resolve(), config)
