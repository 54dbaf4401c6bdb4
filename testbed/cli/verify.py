"""`testbed verify`: prove that scenarios accept right patches and reject wrong ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import (
    CORES,
    EngineOption,
    JobsOption,
    JsonOption,
    SuiteOption,
    answer,
    builder,
    cache_folder,
    open_suite,
    talk,
)

if TYPE_CHECKING:
    from runner.sandbox.base import Progress
    from runner.verify import Proof
    from testbed.plan import EngineName
    from testbed.scenario import Suite

RUN_ID = "verify"


def command(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="Scenario ids [all].", show_default=False)
    ] = None,
    *,
    times: Annotated[int, typer.Option(min=1, help="Grade each patch so often.")] = 1,
    record: Annotated[
        bool, typer.Option("--record", help="First fill the manifests of test ids.")
    ] = False,
    jobs: JobsOption = CORES,
    engine: EngineOption = "auto",
    suite: SuiteOption = None,
    json: JsonOption = False,
) -> None:
    """Grade every known patch: right ones must pass, nothing and wrong ones must fail."""
    from testbed.cli.conduct import run_until_signal

    console = talk()
    show = builder(console)
    if record:
        unrecorded = open_suite(suite, scenario, recorded=False)
        run_until_signal(_record(unrecorded, engine=engine, progress=show))
    chosen = open_suite(suite, scenario)
    proofs = run_until_signal(_prove(chosen, engine=engine, progress=show, jobs=jobs, times=times))
    _show(proofs, json=json)
    raise typer.Exit(0 if all(proof.holds for proof in proofs) else 1)


async def _record(suite: Suite, *, engine: EngineName, progress: Progress) -> None:
    from runner.conductor import prepare
    from runner.manifests import record_manifests

    prepared = await prepare(suite, engine_name=engine, cache=cache_folder(), progress=progress)
    for scenario in suite.scenarios:
        turning, staying = await record_manifests(
            scenario,
            prepared.workspaces[scenario.id],
            engine=prepared.engine,
            image=prepared.images[scenario.fixture.id],
            run_id=RUN_ID,
        )
        progress(f"{scenario.id}: {turning} tests must turn green, {staying} must stay green")


async def _prove(
    suite: Suite, *, engine: EngineName, progress: Progress, jobs: int, times: int
) -> list[Proof]:
    from runner.conductor import prepare
    from runner.verify import cases_of, prove

    prepared = await prepare(suite, engine_name=engine, cache=cache_folder(), progress=progress)
    scenes = await prepared.scenes(run_id=RUN_ID, progress=progress)
    planned = sum(len(cases_of(scene)) for scene in scenes.values()) * times
    proofs: list[Proof] = []
    async for proof in prove(
        list(scenes.values()), engine=prepared.engine, run_id=RUN_ID, jobs=jobs, times=times
    ):
        proofs.append(proof)
        state = "as expected" if proof.holds else proof.fault
        progress(f"{len(proofs)}/{planned} {proof.scenario} {proof.patch}: {state}")
    return sorted(proofs, key=lambda proof: (proof.scenario, proof.patch))


def _show(proofs: list[Proof], *, json: bool) -> None:
    if json:
        import json as encoder
        from dataclasses import asdict

        rows = [{**asdict(proof), "holds": proof.holds} for proof in proofs]
        typer.echo(encoder.dumps(rows, indent=1))
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table("scenario", "patch", "expected", "outcome", box=None, pad_edge=False)
    for proof in proofs:
        outcome = "[green]holds[/]" if proof.holds else f"[red]{escape(proof.fault)}[/]"
        table.add_row(proof.scenario, proof.patch, escape(proof.expected), outcome)
    answer().print(table)
    broken = sum(not proof.holds for proof in proofs)
    answer().print(f"{len(proofs) - broken} of {len(proofs)} proofs hold")
