"""Which models providers offer that they did not offer before: by the ids that they list."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pydantic import Field, ValidationError

from runner.chat.errors import Fault
from runner.chat.openai import Connection
from runner.chatters import endpoint_of
from testbed.errors import EndpointError, UsageError
from testbed.record import SCHEMA_VERSION, Record
from testbed.settings import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from testbed.catalog import ModelCard

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,199}")
"""Ids that are told on: others name no model, and would be carried into a workflow."""


class Seen(Record):
    """Every id that an endpoint ever listed, sorted (the file of `models watch`)."""

    schema_version: int = SCHEMA_VERSION
    endpoints: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Base URL -> ids. An id that vanishes stays: lists flap."""

    def with_listed(self, listings: Iterable[Listing]) -> Seen:
        """Return it with what endpoints list now; two keys of one endpoint may list different."""
        merged = {url: set(ids) for url, ids in self.endpoints.items()}
        for one in listings:
            merged.setdefault(one.base_url, set()).update(one.ids)
        return Seen(endpoints={url: tuple(sorted(ids)) for url, ids in sorted(merged.items())})


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What one endpoint answered."""

    base_url: str
    ids: frozenset[str] = frozenset()
    fault: str | None = None
    """Why no list came; `None` when one did."""


def read_seen(path: Path) -> Seen:
    """Read what was seen before, nothing without the file; raise `UsageError` naming a fault."""
    try:
        return Seen.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Seen()
    except (OSError, ValidationError) as fault:
        told = describe(fault) if isinstance(fault, ValidationError) else fault.strerror
        raise UsageError(f"{path}: {told}", next_step="Restore it, or begin a new one") from fault


def new_ids(seen: Seen, listings: Iterable[Listing], allow: Sequence[str]) -> dict[str, list[str]]:
    """Return what endpoints list now and never did, by base URL, where a pattern allows it.

    An endpoint that was never looked at has nothing new: all of its models would be.
    """
    found: dict[str, list[str]] = {}
    for one in listings:
        if one.base_url in seen.endpoints:
            ids = one.ids - set(seen.endpoints[one.base_url])
            kept = [name for name in sorted(ids) if _is_allowed(name, allow)]
            if kept:
                found[one.base_url] = sorted({*found.get(one.base_url, ()), *kept})
    return found


async def ask_endpoints(cards: Iterable[ModelCard]) -> list[Listing]:
    """Ask each endpoint of these cards once for its list of models; costs no tokens."""
    places = {(card.base_url, card.key_variable): card for card in cards if card.base_url}
    return list(await asyncio.gather(*map(_ask, places.values())))


async def _ask(card: ModelCard) -> Listing:
    base_url = card.base_url or ""
    try:
        endpoint = endpoint_of(card)
    except EndpointError as fault:
        return Listing(base_url=base_url, fault=fault.what)
    async with Connection(endpoint) as connection:
        listed = await connection.list_models()
        if isinstance(listed, Fault):
            said = connection.redactor.text(listed.detail)
            return Listing(base_url=base_url, fault=f"{listed.kind}: {said}")
    ids = frozenset(filter(_PLAIN.fullmatch, listed))
    return Listing(base_url=base_url, ids=ids, fault=None if ids else "lists no models")


def _is_allowed(name: str, allow: Sequence[str]) -> bool:
    return not allow or any(fnmatchcase(name, pattern) for pattern in allow)
