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
    from collections.abc import Iterable

    from testbed.plan import EngineName, RunConfig, TrialLimits
    from testbed.scenario import Suite
    from testbed.store import Run

MAX_TURNS = 60
MAX_TOKENS = 2_000_000
LEAST_USD = 0.001

ModelOption = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="Model card: an id of `testbed models`, or a .toml path."),
]
RepeatsOption = Annotated[int, typer.Option("--repeats", "-n", min=1, help="Trials of each kind.")]
TurnsOption = Annotated[int, typer.Option("--max-turns", min=1, help="Turns per trial.")]
TokensOption = Annotated[int, typer.Option("--max-tokens", min=1, help="Tokens per trial.")]
TrialCostOption = Annotated[
    float | None,
    typer.Option(
        "--max-trial-cost-usd", min=LEAST_USD, help="USD per trial, looked at after every request."
    ),
]
CostOption = Annotated[
    float | None,
    typer.Option(
        "--max-cost-usd",
        min=LEAST_USD,
        help="USD of the whole run; no trial starts that may exceed it.",
    ),
]
FollowUpsOption = Annotated[
    int,
    typer.Option(
        "--follow-ups",
        min=0,
        max=10,
        help="Prompts after the first, while the patch does not pass; a mode of its own.",
    ),
]


def command(
    *,
    model: ModelOption = None,
    scenario: ScenarioOption = None,
    repeats: RepeatsOption = 3,
    jobs: JobsOption = CORES,
    engine: EngineOption = "auto",
    max_turns: TurnsOption = MAX_TURNS,
    max_tokens: TokensOption = MAX_TOKENS,
    max_trial_cost_usd: TrialCostOption = None,
    max_cost_usd: CostOption = None,
    follow_ups: FollowUpsOption = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Run a model although it fails the preflight.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(help="Continue this run; a new --max-cost-usd holds this time."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make trials of this plan.json, with its settings."),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="With --plan: only the I-th of N parts of it."),
    ] = None,
    shots: Annotated[
        bool, typer.Option("--shots", help="Take pictures of what was built, as `testbed shots`.")
    ] = False,
    suite: SuiteOption = None,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Run scenarios with models, grade the patches, and write a scoreboard."""
    from testbed.cli.conduct import conduct
    from testbed.errors import UsageError
    from testbed.plan import TrialLimits

    settled = (
        *(model, scenario, resume, follow_ups, max_trial_cost_usd, max_cost_usd, json),
        (repeats, engine, max_turns, max_tokens) != (3, "auto", MAX_TURNS, MAX_TOKENS),
    )
    if plan is not None:
        refuse_beside_plan(settled)
        raise typer.Exit(_make_part(plan, shard, suite=suite, runs=runs, jobs=jobs, force=force))
    if shard is not None:
        raise UsageError("--shard is a part of a plan", next_step="Give --plan as well")
    if resume is not None:
        refuse_beside_resume(model, scenario, follow_ups, max_trial_cost_usd)
        run = continued(runs, resume, max_cost_usd=max_cost_usd)
        chosen = open_suite(Path(run.config.suite), [s.id for s in run.config.scenarios])
    else:
        chosen = open_suite(suite, scenario)
        run = begin(
            chosen,
            model or [],
            repeats=repeats,
            engine=engine,
            limits=TrialLimits(
                max_turns=max_turns, max_tokens=max_tokens, max_cost_usd=max_trial_cost_usd
            ),
            max_cost_usd=max_cost_usd,
            runs=runs,
            follow_ups=follow_ups,
            forced=force,
        )
    raise typer.Exit(conduct(run, chosen, jobs=jobs, json=json, force=force, shots=shots))


def refuse_beside_resume(*options: object) -> None:
    """Refuse options that a begun run has settled."""
    from testbed.errors import UsageError

    if any(options):
        raise UsageError(
            "--resume takes models, scenarios, follow-ups and limits of trials from the run",
            next_step="Leave these options out, or start a new run",
        )


def refuse_beside_plan(options: Iterable[object]) -> None:
    """Refuse options that a plan has settled."""
    from testbed.errors import UsageError

    if any(options):
        raise UsageError(
            "--plan settles models, scenarios, repeats, engine and limits, and prints no figures",
            next_step="Leave these options out",
        )


def _make_part(
    plan: Path, shard: str | None, *, suite: Path | None, runs: Path, jobs: int, force: bool
) -> int:
    """Make one part of a plan, and tell where it is; return the exit code."""
    from testbed.cli.part import make_part
    from testbed.plan import Part
    from testbed.shards import parse_part, read_plan

    found = read_plan(plan)
    part = parse_part(shard) if shard else Part(1, 1)
    made = make_part(found, part, suite=suite, runs=runs, jobs=jobs, force=force)
    typer.echo(made.run.paths.folder)
    if made.fault is not None:
        raise made.fault
    return 3 if made.run.missing() and not made.capped else 0


def begin(
    suite: Suite,
    models: list[str],
    *,
    repeats: int,
    engine: EngineName,
    limits: TrialLimits,
    max_cost_usd: float | None,
    runs: Path,
    follow_ups: int = 0,
    forced: bool = False,
) -> Run:
    """Check what was asked for and make the run's directory."""
    from testbed.store import Run

    config = configure(
        suite,
        models,
        repeats=repeats,
        engine=engine,
        limits=limits,
        max_cost_usd=max_cost_usd,
        follow_ups=follow_ups,
        forced=forced,
    )
    _demand_room(
        config,
        (card.id for card in config.models),
        spent=0.0,
        next_step="Lower --max-tokens or --max-turns, set --max-trial-cost-usd, or raise the limit",
    )
    return Run.create(runs.resolve(), config)


def configure(
    suite: Suite,
    models: list[str],
    *,
    repeats: int,
    engine: EngineName,
    limits: TrialLimits,
    max_cost_usd: float | None,
    follow_ups: int = 0,
    forced: bool = False,
) -> RunConfig:
    """Put together what is asked for, as it is stored with a run."""
    from datetime import UTC, datetime

    from testbed.catalog import find_card
    from testbed.errors import UsageError
    from testbed.plan import PlannedScenario, RunConfig, new_run_id

    if not models:
        raise UsageError("no model was named", next_step="Give --model; see `testbed models`")
    now = datetime.now(UTC)
    return RunConfig(
        run_id=new_run_id(now),
        created_at=now.isoformat(timespec="seconds"),
        suite=str(suite.root),
        models=tuple(find_card(name) for name in dict.fromkeys(models)),
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
        follow_ups=follow_ups,
        forced=forced,
    )


def continued(runs: Path, name: str, *, max_cost_usd: float | None) -> Run:
    """Open a run to be continued, under another cost limit when one is given."""
    from runner.spending import spent_by_run
    from testbed.store import find_run

    run = find_run(runs, name)
    if max_cost_usd is not None:
        # In memory alone: the lock holds the digest of what was asked for at first.
        run.config = run.config.model_copy(update={"max_cost_usd": max_cost_usd})
    missing = run.missing()
    if missing and run.config.max_cost_usd is not None:
        _demand_room(
            run.config,
            [missing[0].model],
            spent=spent_by_run(run),
            next_step="Give a higher --max-cost-usd",
        )
    return run


def _demand_room(config: RunConfig, models: Iterable[str], *, spent: float, next_step: str) -> None:
    """Refuse a cost limit that could not hold, or under which a trial cannot be started."""
    from datetime import UTC, datetime

    from testbed.bounds import Room, reservation
    from testbed.cli.conduct import told
    from testbed.errors import UsageError
    from testbed.pricing import price_at

    limit, now = config.max_cost_usd, datetime.now(UTC)
    if limit is None:
        return
    for card in config.models:
        if not card.scripted and not price_at(card.prices, now):
            raise UsageError(
                f"{card.id} has no price valid today, so --max-cost-usd could not hold",
                next_step="Add `[[prices]]` to its card, or leave the option out",
            )
    for model in models:
        most = reservation(config.card(model), config.limits, now)
        room = Room(limit=limit, spent=spent, next_trial=most)
        if not room.fits:
            raise UsageError(
                f"no trial of {model} can be started: {told(room)}", next_step=next_step
            )
