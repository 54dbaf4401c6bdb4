"""`testbed plan`: what a run would make, what it may cost, and what it could show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import (
    CORES,
    RUNS,
    JobsOption,
    JsonOption,
    RunsOption,
    ScenarioOption,
    SuiteOption,
    open_suite,
    talk,
)
from testbed.cli.run import (
    MAX_TOKENS,
    MAX_TURNS,
    CostOption,
    FollowUpsOption,
    ModelOption,
    RepeatsOption,
    TokensOption,
    TrialCostOption,
    TurnsOption,
    configure,
    refuse_beside_resume,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from testbed.bounds import Room
    from testbed.estimate import EarlierRun, Evidence
    from testbed.plan import PlannedTrial, RunConfig
    from testbed.scenario import Suite
    from testbed.store import Run


def command(
    *,
    model: ModelOption = None,
    scenario: ScenarioOption = None,
    repeats: RepeatsOption = 3,
    jobs: JobsOption = CORES,
    max_turns: TurnsOption = MAX_TURNS,
    max_tokens: TokensOption = MAX_TOKENS,
    max_trial_cost_usd: TrialCostOption = None,
    max_cost_usd: CostOption = None,
    follow_ups: FollowUpsOption = 0,
    resume: Annotated[
        str | None, typer.Option(help="Plan what this run still misses, with its own settings.")
    ] = None,
    suite: SuiteOption = None,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Tell what a run would cost and could show; needs no sandbox, no network and no key."""
    from datetime import UTC, datetime

    from testbed.cli import plan_tables
    from testbed.estimate import estimate_plan
    from testbed.plan import TrialLimits

    begun: Run | None = None
    if resume is not None:
        refuse_beside_resume(model, scenario, follow_ups, max_trial_cost_usd)
        begun, config = _begun(runs, resume, max_cost_usd=max_cost_usd)
        chosen = open_suite(Path(config.suite), [s.id for s in config.scenarios])
    else:
        chosen = open_suite(suite, scenario)
        limits = TrialLimits(
            max_turns=max_turns, max_tokens=max_tokens, max_cost_usd=max_trial_cost_usd
        )
        config = configure(
            chosen,
            model or [],
            repeats=repeats,
            engine="auto",
            limits=limits,
            max_cost_usd=max_cost_usd,
            follow_ups=follow_ups,
        )
    now = datetime.now(UTC)
    missing = begun.missing() if begun else list(config.trials())
    evidence = _evidence(config, chosen, _folders(runs, begun), now)
    estimate = estimate_plan(config, missing, evidence, jobs=jobs, now=now)
    show = plan_tables.print_json if json else plan_tables.print_plan
    show(config, estimate, _room(config, missing, begun, now), jobs=jobs)


def _begun(runs: Path, name: str, *, max_cost_usd: float | None) -> tuple[Run, RunConfig]:
    from testbed.store import find_run

    run = find_run(runs, name)
    if max_cost_usd is None:
        return run, run.config
    return run, run.config.model_copy(update={"max_cost_usd": max_cost_usd})


def _folders(runs: Path, begun: Run | None) -> list[Path]:
    """List the folders of earlier runs: all below `runs`, and the begun one wherever it is."""
    found = {path.parent.resolve() for path in runs.glob("*/run.json")}
    return sorted(found | ({begun.paths.folder.resolve()} if begun else set()))


def _evidence(config: RunConfig, suite: Suite, folders: list[Path], now: datetime) -> Evidence:
    """Read the earlier runs, and digest the scenarios that one of them met."""
    from testbed.estimate import gather

    earlier = list(_earlier(folders))
    met = {trial.scenario for run in earlier for trial in run.trials}
    digests = _digests(suite, met)
    return gather(config, earlier, digests=digests, now=now)


def _earlier(folders: list[Path]) -> Iterator[EarlierRun]:
    from testbed.errors import RunError
    from testbed.estimate import EarlierRun
    from testbed.store import Run

    for folder in folders:
        try:
            run = Run(folder)
            lock, (counted, _) = run.resolved(), run.trials()
        except RunError as fault:
            talk().print(f"left out: {fault.what}", markup=False)
            continue
        digests = lock.scenarios if lock else {}
        yield EarlierRun(config=run.config, digests=digests, trials=counted)


def _digests(suite: Suite, wanted: set[str]) -> dict[str, str]:
    from runner.scene import digest_scenario
    from runner.workspace import seed_workspace

    return {
        scenario.id: digest_scenario(scenario, seed_workspace(scenario))
        for scenario in suite.scenarios
        if scenario.id in wanted
    }


def _room(
    config: RunConfig, missing: list[PlannedTrial], begun: Run | None, now: datetime
) -> Room | None:
    """Say what the cost limit leaves for the dearest trial; `None` without one or the other."""
    from runner.spending import spent_by_run
    from testbed.bounds import Room, reservation

    if config.max_cost_usd is None or not missing:
        return None
    models = {planned.model for planned in missing}
    return Room(
        limit=config.max_cost_usd,
        spent=spent_by_run(begun) if begun else 0.0,
        next_trial=max(reservation(config.card(m), config.limits, now) for m in models),
    )
