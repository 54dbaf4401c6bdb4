"""`testbed certify`: show that a scenario's verdicts can be trusted, and write down how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import (
    EngineOption,
    JsonOption,
    SuiteOption,
    answer,
    builder,
    cache_folder,
    open_suite,
    talk,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.certified import Standing
    from testbed.plan import EngineName
    from testbed.scenario import Suite


def command(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="Scenario ids [all].", show_default=False)
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only look at the certificates; needs no engine.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Scenarios at the same time.")
    ] = 1,
    engine: EngineOption = "auto",
    suite: SuiteOption = None,
    markdown: Annotated[bool, typer.Option(help="Print the table of docs/scenarios.md.")] = False,
    json: JsonOption = False,
) -> None:
    """Write `certificate.json` of each scenario that has none, or whose files have changed since.

    It tells how every known patch came out, how often gradings of the hidden checks disagree, and
    which small mutants of the reference they find. What was found out is kept: an interrupted
    certification goes on where it was. Exit code 1 when a certificate is missing or stale, or when
    what it says is too little.
    """
    from testbed.certified import standings
    from testbed.cli.conduct import run_until_signal

    chosen = open_suite(suite, scenario)
    if not check:
        run_until_signal(_certify(chosen, jobs=jobs, engine=engine))
    found = standings(chosen.scenarios)
    _show(found, markdown=markdown, json=json)
    raise typer.Exit(1 if any(standing.faults for standing in found.values()) else 0)


async def _certify(suite: Suite, *, jobs: int, engine: EngineName) -> None:
    from runner.certify.certify import certify_all
    from runner.conductor import prepare
    from testbed.certified import certificate_path, standings
    from testbed.scenario import Suite

    show, cache = builder(talk()), cache_folder()
    found = standings(suite.scenarios)
    due = tuple(s for s in suite.scenarios if found[s.id].state != "fresh")
    show(f"{len(due)} of {len(suite.scenarios)} scenarios have no fresh certificate")
    if not due:
        return
    rest = Suite(root=suite.root, scenarios=due)
    prepared = await prepare(rest, engine_name=engine, cache=cache, progress=show)
    async for scenario in certify_all(prepared, cache=cache, jobs=jobs, progress=show):
        show(f"{scenario.id}: wrote {certificate_path(scenario)}")


def _show(found: Mapping[str, Standing], *, markdown: bool, json: bool) -> None:
    if json:
        import json as encoder

        rows = {name: standing.brief().model_dump() for name, standing in found.items()}
        typer.echo(encoder.dumps(rows, indent=1))
    elif markdown:
        from reports.certificates import markdown_table

        typer.echo(markdown_table(found), nl=False)
    else:
        _print(found)


def _print(found: Mapping[str, Standing]) -> None:
    from rich.table import Table

    from reports.certificates import HEADINGS, cells, survivors

    table = Table("scenario", "certificate", box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for name, standing in found.items():
        table.add_row(name, standing.state, *cells(standing))
    answer().print(table)
    for name, standing in found.items():
        for survivor in survivors(standing):
            typer.echo(f"{name}: {survivor}")
    faults = [f"{name}/certificate.json: {f}" for name, s in found.items() for f in s.faults]
    for fault in faults:
        typer.echo(fault)
    typer.echo(f"{len(faults) or 'no'} fault{'s' if len(faults) > 1 else ''}")
