"""`testbed models`: the cards that ship with the tool."""

from __future__ import annotations

import os

from testbed.cli.common import JsonOption, answer


def command(*, json: JsonOption = False) -> None:
    """List the model cards and whether their keys are set."""
    from testbed.catalog import shipped_cards

    cards = shipped_cards()
    if json:
        import json as encoder

        print(encoder.dumps([card.model_dump(mode="json") for card in cards], indent=1))  # noqa: T201  (stdout is the answer)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("card", no_wrap=True)
    for heading in ("model", "endpoint", "key"):
        table.add_column(heading, overflow="fold")
    for card in cards:
        table.add_row(
            card.id, card.title, card.base_url or "scripted player", _key(card.key_variable)
        )
    answer().print(table)


def _key(variable: str | None) -> str:
    if variable is None:
        return "none needed"
    return f"{variable} {'set' if os.environ.get(variable) else 'not set'}"
