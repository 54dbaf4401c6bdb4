"""Whether an endpoint answers, takes the key and lists the model."""

from __future__ import annotations

import asyncio
import difflib
from typing import TYPE_CHECKING, Final

from runner.chat.errors import Fault
from runner.chat.listing import is_listed
from runner.chat.openai import UNUSABLE, Connection
from runner.chat.wire import without_key
from runner.chatters import endpoint_of
from testbed.preflight import Reach

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from testbed.catalog import ModelCard

_NAMED: Final = 3
"""So many of the ids that resemble a missing one are named."""
_ALIKE: Final = 0.4


async def reach(cards: Sequence[ModelCard]) -> tuple[Reach, ...]:
    """Ask the endpoints of these models for their lists; players are served by the harness."""
    asked = [card for card in cards if not card.scripted]
    return tuple(await asyncio.gather(*(_reach(card) for card in asked)))


async def _reach(card: ModelCard) -> Reach:
    if card.has_key() is False:
        return _found(card, detail=f"set {card.key_variable}")
    endpoint = endpoint_of(card)
    async with Connection(endpoint) as connection:
        listed = await connection.list_models()
    if isinstance(listed, Fault):
        said = without_key(listed.detail.encode(), endpoint.api_key).decode()
        if listed.kind in UNUSABLE:
            return _found(card, answers=False, detail=f"{listed.kind}: {said}")
        return _found(card, answers=True, detail=f"lists no models: {said}")
    if not listed:
        return _found(card, answers=True, detail="lists no models")
    served = is_listed(card.model, listed)
    detail = card.model if served else _missing(card.model, listed)
    return _found(card, answers=True, served=served, detail=detail)


def _found(
    card: ModelCard, *, detail: str, answers: bool | None = None, served: bool | None = None
) -> Reach:
    has_key = card.has_key()
    return Reach(
        model=card.id,
        base_url=card.base_url or "",
        key="none needed" if has_key is None else "set" if has_key else "not set",
        answers=answers,
        served=served,
        detail=detail,
    )


def _missing(model: str, ids: Collection[str]) -> str:
    alike = difflib.get_close_matches(model, sorted(ids), n=_NAMED, cutoff=_ALIKE)
    nearest = f", the nearest: {', '.join(alike)}" if alike else ""
    return f"{model} is not among the {len(ids)} listed{nearest}"
