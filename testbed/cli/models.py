"""`testbed models`: the cards that ship with the tool, and whether their endpoints keep to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from testbed.cli import model_tables, model_watch
from testbed.cli.common import JsonOption, talk

if TYPE_CHECKING:
    from testbed.catalog import ModelCard
    from testbed.preflight import Preflight, Preflights, Reach

app = typer.Typer(rich_markup_mode=None)
app.command(name="watch")(model_watch.command)
ModelArgument = Annotated[str, typer.Argument(metavar="ID", help="Card's id, or path to a .toml.")]
ModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Cards' ids or paths [all whose key is set]."),
]
DeepOption = Annotated[
    bool, typer.Option("--deep", help="Put the conformance probes too; costs tokens.")
]


@app.callback(invoke_without_command=True)
def command(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the model cards, with today's prices; or look at one, or check endpoints."""
    if context.invoked_subcommand is not None:
        return
    from testbed.catalog import shipped_cards

    cards = shipped_cards()
    if json:
        _print([_row(card) for card in cards])
    else:
        model_tables.show_list(cards, datetime.now(UTC))


@app.command()
def show(model: ModelArgument, *, json: JsonOption = False) -> None:
    """Show everything that a card says, with its prices by date."""
    from testbed.catalog import find_card

    card = find_card(model)
    if json:
        _print(_row(card))
    else:
        model_tables.show_card(card, datetime.now(UTC))


@app.command()
def check(
    models: ModelsArgument = None, *, deep: DeepOption = False, json: JsonOption = False
) -> None:
    """Ask endpoints whether they can be used: key, answer, model served.

    Exit code 3 when a model cannot be used, 1 when a probe of --deep failed, else 0.
    """
    import asyncio

    cards = _chosen(models, deep=deep)
    found, preflights = asyncio.run(_check(cards, deep=deep, quiet=json))
    if json:
        _print(
            {
                "reach": [one.model_dump(mode="json") for one in found],
                "preflight": preflights.model_dump(mode="json"),
            }
        )
    raise typer.Exit(_code(found, preflights))


async def _check(
    cards: list[ModelCard], *, deep: bool, quiet: bool
) -> tuple[tuple[Reach, ...], Preflights]:
    from runner.local.server import serve_local
    from runner.preflight.reach import reach
    from testbed.preflight import Preflights

    async with serve_local(cards) as places:
        found = await reach(cards, places)
        if not quiet:
            model_tables.show_reach(found, {card.id: card for card in cards}, datetime.now(UTC))
        usable = {one.model for one in found if one.usable}
        tried = [card for card in cards if deep and card.id in usable]
        asked = [await _fly(card, base_url=places.get(card.id), quiet=quiet) for card in tried]
    return found, Preflights(asked=tuple(asked))


def _chosen(models: list[str] | None, *, deep: bool) -> list[ModelCard]:
    from testbed.catalog import find_card, shipped_cards
    from testbed.errors import EndpointError, UsageError

    if models:
        named = [find_card(name) for name in dict.fromkeys(models)]
        players = [card.id for card in named if card.scripted]
        if players:
            raise UsageError(
                f"{', '.join(players)}: a player has no endpoint", next_step="Name a model"
            )
        return named
    if deep:
        raise UsageError("--deep costs tokens", next_step="Name the models to be probed")
    today = datetime.now(UTC).date()
    ready = [card for card in shipped_cards() if card.has_key() and not card.is_retired(today)]
    if not ready:
        raise EndpointError(
            "no key of a model in service is set",
            next_step="Set one (`testbed models show ID` names it), or name the models to check",
        )
    return ready


async def _fly(card: ModelCard, *, base_url: str | None, quiet: bool) -> Preflight:
    from runner.preflight.conformance import preflight

    if quiet:
        return await preflight(card, base_url=base_url)
    talk().print(f"probing {card.id}", markup=False)
    flight = await preflight(card, base_url=base_url)
    model_tables.show_preflight(flight)
    return flight


def _code(found: tuple[Reach, ...], preflights: Preflights) -> int:
    if not all(one.usable for one in found):
        return 3
    return 1 if any(flight.failed for flight in preflights.asked) else 0


def _row(card: ModelCard) -> dict[str, Any]:
    now = datetime.now(UTC)
    price = card.price_now(now)
    return {
        **card.model_dump(mode="json"),
        "key_set": card.has_key(),
        "retired_today": card.is_retired(now.date()),
        "price_now": price.model_dump(mode="json") if price else None,
    }


def _print(answer: object) -> None:
    import json

    typer.echo(json.dumps(answer, indent=1))
