"""Whether an endpoint answers, takes the key and lists the model."""

from __future__ import annotations

import asyncio
import difflib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from runner.chat.errors import Fault
from runner.chat.listing import is_listed
from runner.chat.openai import UNUSABLE, Connection
from runner.chatters import endpoint_of
from testbed.preflight import Reach

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from testbed.catalog import ModelCard

_NAMED: Final = 3
"""So many of the ids that resemble a missing one are named."""
_ALIKE: Final = 0.4


async def reach(
    cards: Sequence[ModelCard], places: Mapping[str, str] = MappingProxyType({})
) -> tuple[Reach, ...]:
    """Ask the endpoints of these models for their lists; players are served by the harness.

    `places` are the base URLs of the models that are served for the occasion, by card id.
    """
    asked = [card for card in cards if not card.scripted]
    placed = [(card, places.get(card.id, card.base_url or "")) for card in asked]
    return tuple(await asyncio.gather(*(_reach(card, url) for card, url in placed)))


async def _reach(card: ModelCard, base_url: str) -> Reach:
    if card.has_key() is False:
        return _found(card, base_url, detail=f"set {card.key_variable}")
    endpoint = endpoint_of(card, base_url=base_url)
    async with Connection(endpoint) as connection:
        listed = await connection.list_models()
    if isinstance(listed, Fault):
        said = connection.redactor.text(listed.detail)
        if listed.kind in UNUSABLE:
            return _found(card, base_url, answers=False, detail=f"{listed.kind}: {said}")
        return _found(card, base_url, answers=True, detail=f"lists no models: {said}")
    if not listed:
        return _found(card, base_url, answers=True, detail="lists no models")
    served = is_listed(card.model, listed)
    detail = card.model if served else _missing(card.model, listed)
    return _found(card, base_url, answers=True, served=served, detail=detail)


def _found(
    card: ModelCard,
    base_url: str,
    *,
    detail: str,
    answers: bool | None = None,
    served: bool | None = None,
) -> Reach:
    has_key = card.has_key()
    return Reach(
        model=card.id,
        base_url=base_url,
        key="none needed" if has_key is None else "set" if has_key else "not set",
        answers=answers,
        served=served,
        detail=detail,
    )


def _missing(model: str, ids: Collection[str]) -> str:
    alike = difflib.get_close_matches(model, sorted(ids), n=_NAMED, cutoff=_ALIKE)
    nearest = f", the nearest: {', '.join(alike)}" if alike else ""
    return f"{model} is not among the {len(ids)} listed{nearest}"
