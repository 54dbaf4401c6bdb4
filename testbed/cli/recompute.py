"""`testbed recompute`: a run's records made again from its recorded files alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from testbed.cli.common import RUNS, JsonOption, RunsOption, answer, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.replay.recompute import Rebuilt
    from testbed.catalog import ModelCard
    from testbed.store import Run

UNKNOWN = "\N{EN DASH}"


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")] = "latest",
    *,
    prices: Annotated[
        str | None,
        typer.Option(
            metavar="CARD", help="Price every request by this card (id or .toml) instead."
        ),
    ] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Print the figures of the records made again.")
    ] = False,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Parse, price and count a run again from its recorded streams; compare to the last digit.

    Needs neither Docker nor a key nor the suite. Exit code 1 when anything differs.
    """
    from runner.replay.recompute import recompute
    from testbed.catalog import find_card
    from testbed.store import find_run

    card = None if prices is None else find_card(prices)
    found = find_run(runs, run)
    rebuilt = list(recompute(found))
    differs = _tell(rebuilt)
    if card is not None:
        _show_costs(found, rebuilt, card, json=json)
    elif metrics:
        differs |= _show_metrics(found, rebuilt, json=json)
    elif json:
        _print([_row(one) for one in rebuilt])
    else:
        same = sum(not one.differences for one in rebuilt)
        typer.echo(f"{same} of {len(rebuilt)} tries are rebuilt to the last digit")
    raise typer.Exit(1 if differs else 0)


def _tell(rebuilt: Sequence[Rebuilt]) -> bool:
    """Name every field that differs; say whether any does."""
    console = talk()
    for one in rebuilt:
        for difference in one.differences:
            console.print(f"{_name(one)}: {difference}", markup=False)
    return any(one.differences for one in rebuilt)


def _show_costs(run: Run, rebuilt: Sequence[Rebuilt], card: ModelCard, *, json: bool) -> None:
    """Show what every model's tries cost, as stored and under another card."""
    from runner.replay.recompute import cost_under
    from testbed.sums import Total

    made = {m.id: [one for one in rebuilt if one.stored.model == m.id] for m in run.config.models}
    costs = {
        model.id: (
            Total.over([one.stored.cost_usd for one in made[model.id]]).value,
            Total.over([cost_under(card, one.exchanges) for one in made[model.id]]).value,
        )
        for model in run.config.models
    }
    if json:
        rows = [{"model": m, "stored_usd": s, "new_usd": n} for m, (s, n) in costs.items()]
        _print({"prices": card.id, "models": rows})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    table.add_column("stored USD", justify="right")
    table.add_column(f"USD by {card.id}", justify="right")
    for model, (stored, new) in costs.items():
        table.add_row(model, _money(stored), _money(new))
    answer().print(table)


def _money(cost: float | None) -> str:
    return UNKNOWN if cost is None else f"{cost:.6f}"


def _show_metrics(run: Run, rebuilt: Sequence[Rebuilt], *, json: bool) -> bool:
    """Show the figures of the records made again; say whether they are not the stored ones."""
    from reports.plain import plain_scoreboard
    from reports.terminal import print_scoreboard

    by_try = {(one.stored.key, one.stored.attempt): one.trial for one in rebuilt}
    stored = run.view()
    again = replace(
        stored,
        trials=[by_try[trial.key, trial.attempt] for trial in stored.trials],
        spoiled=[by_try[trial.key, trial.attempt] for trial in stored.spoiled],
    )
    figures = plain_scoreboard(again)
    if json:
        _print(figures)
    else:
        print_scoreboard(again, answer(), whole=True)
    if figures == plain_scoreboard(stored):
        return False
    talk().print("these figures are not those of the stored records")
    return True


def _row(one: Rebuilt) -> dict[str, Any]:
    return {
        "trial": _name(one),
        "same": not one.differences,
        "differences": [
            {"field": d.field, "stored": d.was, "rebuilt": d.now} for d in one.differences
        ],
    }


def _name(one: Rebuilt) -> str:
    trial = one.stored
    return f"{trial.model}/{trial.scenario}/{trial.repeat} try {trial.attempt}"


def _print(value: object) -> None:
    import json

    sys.stdout.write(json.dumps(value, indent=1) + "\n")
