"""`testbed models watch`: ids that providers list now and never listed before."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import JsonOption, talk

if TYPE_CHECKING:
    from testbed.catalog import ModelCard


def command(
    *,
    seen: Annotated[Path, typer.Option(metavar="FILE", help="What was listed before, as JSON.")],
    allow: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only ids like this; repeatable [all].")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Card whose endpoint is asked [all whose key is set]."),
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Add what is listed to FILE.")] = False,
    json: JsonOption = False,
) -> None:
    """Print model ids that are new since FILE was written. Costs no tokens.

    An endpoint that FILE does not know has nothing new. Exit code 3 when no endpoint answered.
    """
    import asyncio

    from runner.github.commands import write_outputs
    from runner.watching import ask_endpoints, new_ids, read_seen
    from testbed.errors import EndpointError
    from testbed.store import write_record

    known = read_seen(seen)
    listings = asyncio.run(ask_endpoints(_cards(model)))
    answered = [one for one in listings if one.fault is None]
    for one in listings:
        if one.fault is not None:
            talk().print(f"{one.base_url}: {one.fault}", markup=False)
        elif one.base_url not in known.endpoints:
            talk().print(f"{one.base_url}: a first look, {len(one.ids)} models", markup=False)
    if not answered:
        raise EndpointError("no endpoint listed its models", next_step="Check keys and addresses")
    found = new_ids(known, answered, allow or [])
    if update:
        write_record(seen, known.with_listed(answered))
    names = sorted({name for ids in found.values() for name in ids})
    write_outputs({"new": names}, os.environ)
    faults = {one.base_url: one.fault for one in listings if one.fault is not None}
    _show(found, faults, names=names, json=json)


def _show(
    found: dict[str, list[str]], faults: dict[str, str], *, names: list[str], json: bool
) -> None:
    if json:
        import json as encoder

        answer = {"new": names, "endpoints": found, "faults": faults}
        typer.echo(encoder.dumps(answer, indent=1))
        return
    for name in names:
        typer.echo(name)


def _cards(models: list[str] | None) -> list[ModelCard]:
    from testbed.catalog import find_card, shipped_cards
    from testbed.errors import UsageError

    if models:
        cards = [find_card(name) for name in models]
        deaf = [card.id for card in cards if not card.base_url]
        if deaf:
            raise UsageError(
                f"{', '.join(deaf)}: has no endpoint of its own", next_step="Name another model"
            )
        return cards
    today = datetime.now(UTC).date()
    return [c for c in shipped_cards() if c.has_key() and not c.is_retired(today)]
