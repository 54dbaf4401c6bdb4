"""`testbed verify`: prove that scenarios accept right patches and reject wrong ones."""

from __future__ import annotations

import time
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
    from collections.abc import Sequence

    from runner.proof.cases import Case
    from runner.sandbox.base import Progress
    from runner.verify import Proof
    from testbed.plan import EngineName
    from testbed.scenario import Suite

RUN_ID = "verify"
SEEDS = 1_000_000
QUICK = "quick: each patch once, by what decides it; nothing was varied"


def command(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="Scenario ids [all].", show_default=False)
    ] = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Each patch once, by what decides it; nothing varied.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Number behind what is drawn by lot [drawn].")
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="Grade each patch so often.")] = 1,
    record: Annotated[
        bool, typer.Option("--record", help="First fill the manifests of test ids.")
    ] = False,
    jobs: JobsOption = CORES,
    engine: EngineOption = "auto",
    suite: SuiteOption = None,
    json: JsonOption = False,
) -> None:
    """Grade every known patch: right ones must pass, nothing and wrong ones must fail.

    Without --quick, what is right and nothing are graded in other orders, time zones and
    locales, at load and without build caches too: the verdict must stay the same.
    """
    from runner.proof.cases import full_cases, quick_cases
    from testbed.cli.conduct import run_until_signal

    console = talk()
    show = builder(console)
    if record:
        unrecorded = open_suite(suite, scenario, recorded=False)
        run_until_signal(_record(unrecorded, engine=engine, progress=show))
    chosen = open_suite(suite, scenario)
    number = _drawn() if seed is None else seed
    if not quick:
        show(f"--seed {number} repeats what is drawn")
    scenarios = chosen.scenarios
    cases = quick_cases(scenarios) if quick else full_cases(scenarios, seed=number)
    began = time.monotonic()
    proofs = _prove_files(chosen, progress=show)
    proofs += run_until_signal(
        _prove(chosen, cases * times, engine=engine, progress=show, jobs=jobs)
    )
    remark = QUICK if quick else f"--seed {number}"
    _show(proofs, seconds=time.monotonic() - began, remark=remark, json=json)
    raise typer.Exit(0 if all(proof.holds for proof in proofs) else 1)


def _drawn() -> int:
    import secrets

    return secrets.randbelow(SEEDS)


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


def _prove_files(suite: Suite, *, progress: Progress) -> list[Proof]:
    """Look over the files first: that costs seconds, and a fault there explains others."""
    from runner.authoring.lint import lint
    from runner.verify import Proof

    faults: dict[str, list[str]] = {scenario.id: [] for scenario in suite.scenarios}
    for finding in lint(suite.root, tuple(faults)):
        progress(str(finding))
        faults[finding.scenario].append(str(finding))
    return [
        Proof(scenario=name, patch="files", expected="no finding", fault="; ".join(f), seconds=0.0)
        for name, f in faults.items()
    ]


async def _prove(
    suite: Suite, cases: Sequence[Case], *, engine: EngineName, progress: Progress, jobs: int
) -> list[Proof]:
    from runner.conductor import prepare
    from runner.verify import prove

    prepared = await prepare(suite, engine_name=engine, cache=cache_folder(), progress=progress)
    planned = len(suite.scenarios) + len(cases)
    proofs: list[Proof] = []
    async for proof in prove(prepared, cases, run_id=RUN_ID, jobs=jobs):
        proofs.append(proof)
        state = "as expected" if proof.holds else proof.fault
        progress(f"{len(proofs)}/{planned} {proof.scenario} {proof.patch}: {state}")
    return sorted(proofs, key=lambda proof: (proof.scenario, proof.patch))


def _show(proofs: list[Proof], *, seconds: float, remark: str, json: bool) -> None:
    if json:
        import json as encoder
        from dataclasses import asdict

        rows = [{**asdict(proof), "holds": proof.holds} for proof in proofs]
        typer.echo(encoder.dumps(rows, indent=1))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("scenario", "patch"):
        table.add_column(heading, no_wrap=True)
    table.add_column("outcome", overflow="fold")
    for proof in proofs:
        held = Text(f"as expected: {proof.expected}", "green", no_wrap=True, overflow="ellipsis")
        table.add_row(
            proof.scenario, proof.patch, held if proof.holds else Text(proof.fault, "red")
        )
    answer().print(table)
    _summarise(proofs)
    minutes, rest = divmod(round(seconds), 60)
    broken = [f"{proof.scenario} {proof.patch}" for proof in proofs if not proof.holds]
    verdict = f"NOT PROVEN: {', '.join(broken)}" if broken else "PROVEN"
    count = f"{len(proofs) - len(broken)} of {len(proofs)} proofs hold, {minutes}:{rest:02d}"
    answer().print(f"\n{verdict}: {count}; {remark}", markup=False, soft_wrap=True)


def _summarise(proofs: list[Proof]) -> None:
    from rich.table import Table

    table = Table("\nscenario", box=None, pad_edge=False)
    for heading in ("\nproofs", "\nhold", "seconds\nof grading"):
        table.add_column(heading, justify="right")
    for name in sorted({proof.scenario for proof in proofs}):
        mine = [proof for proof in proofs if proof.scenario == name]
        seconds = sum(proof.seconds for proof in mine)
        held = sum(proof.holds for proof in mine)
        table.add_row(name, str(len(mine)), str(held), f"{seconds:.0f}")
    answer().print(table)
