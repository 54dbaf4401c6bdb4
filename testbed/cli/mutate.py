"""`testbed scenarios mutate`: bugs by lot, where the visible tests are blind."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import (
    CORES,
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
    from pathlib import Path

    from runner.mutation.harvest import Order, Tried
    from testbed.plan import EngineName

SEEDS = 1_000_000
SHOWN = 60
WORDS = {
    "types": "refused by the type check",
    "lint": "shown by the linter",
    "visible": "found by visible tests",
    "hidden": "found by hidden checks alone",
    "nobody": "found by nobody",
    "unclear": "unclear",
}


def command(
    *,
    fixture: Annotated[str, typer.Option(help="Fixture whose sources are changed.")],
    count: Annotated[int, typer.Option(min=1, help="Scenarios to be written.")] = 1,
    paths: Annotated[
        list[str] | None, typer.Option(help="Glob of sources; repeatable [all].")
    ] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="Operator, e.g. drop-await; repeatable [all].")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Number behind the lot that is drawn [drawn].")
    ] = None,
    tries: Annotated[
        int | None, typer.Option(min=1, help="Mutants to be tried at most [all].")
    ] = None,
    survivors: Annotated[
        bool, typer.Option("--survivors", help="Also write those that no check finds.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Mutants at the same time.")
    ] = CORES,
    engine: EngineOption = "auto",
    suite: SuiteOption = None,
    json: JsonOption = False,
) -> None:
    """Seed bugs by operator: small changes that only hidden checks find.

    Each is a mutant of the pristine fixture with clean types, clean lint and green visible tests,
    on which a hidden check of a scenario fails. Its scenario is written with seed, reference and
    that check; the ticket is yours to write.
    """
    import secrets

    from runner.mutation.harvest import Order
    from testbed.cli.conduct import run_until_signal

    order = Order(
        seed=secrets.randbelow(SEEDS) if seed is None else seed,
        count=count,
        tries=tries,
        survivors=survivors,
        paths=tuple(paths or ()),
        operators=tuple(operator or ()),
    )
    try:
        tried = run_until_signal(_harvest(suite, fixture, order, jobs=jobs, engine_name=engine))
    except KeyboardInterrupt:
        talk().print(f"interrupted, outcomes are kept: --seed {order.seed} goes on from there")
        raise typer.Exit(130) from None
    if json:
        _print_json(tried, order)
    else:
        _print_table(tried, order)


async def _harvest(
    root: Path | None, name: str, order: Order, *, jobs: int, engine_name: EngineName
) -> list[Tried]:
    from runner.conductor import open_engine
    from runner.mutation.harvest import open_field
    from runner.scene import build_image
    from testbed.scenario import load_fixture

    show, cache = builder(talk()), cache_folder()
    suite = open_suite(root, recorded=False)
    fixture = load_fixture(suite.root / "fixtures", name)
    engine = await open_engine(engine_name, progress=show)
    image = await build_image(fixture, engine=engine, cache=cache, progress=show)
    field = open_field(suite, fixture, engine=engine, image=image, cache=cache)
    mutants = await field.mutants(order)
    show(f"{len(mutants)} mutants to draw from; --seed {order.seed} repeats the lot")
    tried: list[Tried] = []
    async with aclosing(field.harvest(mutants, order, jobs=jobs, progress=show)) as harvest:
        async for one in harvest:
            tried.append(one)
            mutant, outcome = one.mutant, one.outcome
            place = f"{mutant.path}:{mutant.line} {mutant.operator}"
            written = f", scenarios/{one.scenario}" if one.scenario else ""
            show(f"{len(tried)} {place}: {WORDS[outcome.noticed]}{written}")
    return tried


def _print_json(tried: list[Tried], order: Order) -> None:
    import json
    from dataclasses import asdict

    rows = [
        {
            **asdict(one.mutant),
            **one.outcome.model_dump(mode="json", exclude={"mutant"}),
            "scenario": one.scenario,
        }
        for one in tried
    ]
    typer.echo(json.dumps({"seed": order.seed, "tried": rows}, indent=1))


def _print_table(tried: list[Tried], order: Order) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("found by", "where", "operator", "change", box=None, pad_edge=False)
    for one in tried:
        if one.outcome.noticed not in ("hidden", "nobody"):
            continue
        mutant = one.mutant
        change = f"{_short(mutant.before)} → {_short(mutant.after) or 'nothing'}"
        where = f"{mutant.path}:{mutant.line}"
        table.add_row(
            one.outcome.noticed, *(Text(part) for part in (where, mutant.operator, change))
        )
    if table.row_count:
        answer().print(table)
    for one in tried:
        if one.scenario:
            typer.echo(f"scenarios/{one.scenario}")
    counts = Counter(one.outcome.noticed.value for one in tried)
    parts = [f"{counts[noticed]} {words}" for noticed, words in WORDS.items() if counts[noticed]]
    typer.echo(f"{len(tried)} tried: {', '.join(parts) or 'none'}; --seed {order.seed}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
