"""How `testbed models` shows cards, prices and what was found at endpoints."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Final

from testbed.cli.common import answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rich.table import Table

    from testbed.catalog import Api, ModelCard
    from testbed.preflight import Preflight, Reach
    from testbed.pricing import Price, Rates

UNKNOWN: Final = "\N{EN DASH}"
_KEYS: Final = {True: "set", False: "not set", None: "no key needed"}
_WEIGHTS: Final = {True: "open weights", False: "closed", None: UNKNOWN}
_COLOURS: Final = {"ok": "green", "failed": "red", "not_applicable": "yellow"}
_CARD_COLUMN: Final = 30
_PRICE_COLUMN: Final = 22
_WEEK: Final = 7


def show_list(cards: Sequence[ModelCard], now: datetime) -> None:
    """Show the cards by endpoint: input / cached input / output in USD per million tokens."""
    console = answer()
    for place, group in groupby(cards, key=_place):
        console.print(place, markup=False, soft_wrap=True)
        table = _table()
        table.add_column(min_width=_CARD_COLUMN, no_wrap=True)
        table.add_column(min_width=len(_WEIGHTS[True]))
        table.add_column(min_width=_PRICE_COLUMN, no_wrap=True)
        table.add_column()
        for card in group:
            weights = "" if card.scripted else _WEIGHTS[card.open_weights]
            table.add_row(f"  {card.id}", weights, _today(card, now), _state(card, now))
        console.print(table)
    console.print(
        "USD per million tokens today: input / cached input / output; * more by size or hour",
        soft_wrap=True,
    )


def show_card(card: ModelCard, now: datetime) -> None:
    """Show everything that a card says."""
    from rich.text import Text

    facts = _table()
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in (*_facts(card, now), *_habits(card.api)):
        facts.add_row(name, Text(str(value)))
    if not card.prices:
        facts.add_row("prices", "none: what it costs is unknown")
    answer().print(facts)
    if card.prices:
        answer().print(_prices(card.prices))


def show_reach(found: Iterable[Reach], cards: Mapping[str, ModelCard], now: datetime) -> None:
    """Show one line a model."""
    console = answer()
    for one in found:
        state = _state(cards[one.model], now)
        told = one.detail
        if one.answers is not None:
            told = f"{one.base_url} {'answers' if one.answers else 'cannot be used'}: {told}"
        verdict = "usable" if one.usable else "not usable"
        line = f"{one.model}: {verdict}: key {one.key}; {told}{f' ({state})' if state else ''}"
        console.print(line, markup=False, soft_wrap=True)


def show_preflight(flight: Preflight) -> None:
    """Show one line a probe, and what asking cost."""
    from rich.text import Text

    table = _table()
    for probe in flight.probes:
        outcome = probe.outcome.value
        shown = Text(outcome.replace("_", " "), style=_COLOURS[outcome])
        table.add_row(f"{flight.model} {probe.id}", shown, Text(probe.detail))
    console = answer()
    console.print(table)
    served = ", ".join(flight.served_models) or UNKNOWN
    cost = UNKNOWN if flight.cost_usd is None else f"${flight.cost_usd:.4f}"
    told = f"{flight.requests} requests, {flight.seconds:.1f} s, {cost}, served as {served}"
    console.print(f"{flight.model} {told}", markup=False, soft_wrap=True)


def _table() -> Table:
    from rich.table import Table

    return Table(box=None, pad_edge=False, show_header=False)


def _place(card: ModelCard) -> str:
    """Say where a card's endpoint is, and whether its key is set."""
    if card.base_url is None:
        kind = "scripted players" if card.scripted else "open weights"
        return f"{kind}, served by the testbed itself"
    key = _KEYS[card.has_key()]
    return f"{card.base_url}  {f'{card.key_variable} {key}' if card.key_variable else key}"


def _facts(card: ModelCard, now: datetime) -> Iterator[tuple[str, object]]:
    yield "card", f"{card.id}: {card.title}"
    yield "endpoint", _place(card)
    if card.scripted:
        yield "note", card.note
        return
    yield "model", card.model
    if card.weights:
        yield "packages", ", ".join(card.weights.packages)
        yield "processor threads", card.weights.threads
    yield "weights", _WEIGHTS[card.open_weights]
    yield "state", _state(card, now) or "in service, as far as the card knows"
    yield "context window", f"{card.context_window:,} tokens" if card.context_window else UNKNOWN
    yield "reply limit", f"{card.max_output_tokens:,} tokens"
    yield "temperature", "the provider's" if card.temperature is None else card.temperature
    for name in ("note", "source"):
        if getattr(card, name):
            yield name, getattr(card, name)


def _habits(api: Api) -> Iterator[tuple[str, object]]:
    if api.drop:
        yield "never sent", ", ".join(api.drop)
    for ours, theirs in api.rename.items():
        yield "renamed", f"{ours} to {theirs}"
    for name, value in {**api.force, **api.extra_body}.items():
        yield "always sent", f"{name} = {value}"
    if api.replay_reasoning != "ignore":
        yield "reasoning replay", api.replay_reasoning
    if api.rewrite_call_ids:
        yield "call ids", "rewritten as Kimi K2 was trained"
    if api.reasoning_in_total:
        yield "reasoning tokens", "counted in the total alone"
    if api.quota_is_limit:
        yield "spent quota", "a limit by the minute, waited for"
    if not api.stream_usage:
        yield "usage", "not asked for in the stream"


def _prices(prices: Sequence[Price]) -> Table:
    table = _table()
    table.show_header = True
    table.add_column("USD per million tokens", no_wrap=True)
    for heading in ("input", "cached", "write", "output"):
        table.add_column(heading, justify="right")
    table.add_column("source", overflow="fold")
    for price in sorted(prices, key=lambda price: price.valid_from):
        until = f" until {price.valid_to}" if price.valid_to else ""
        source = f"{price.source} (read {price.checked_on})"
        table.add_row(f"from {price.valid_from}{until}", *_rates(price), source)
        for label, rates in _exceptions(price):
            table.add_row(f"  {label}", *_rates(rates))
    return table


def _exceptions(price: Price) -> Iterator[tuple[str, Rates]]:
    for tier in sorted(price.tiers, key=lambda tier: tier.above_input_tokens):
        yield f"{'from' if tier.inclusive else 'above'} {tier.above_input_tokens:,} input", tier
    for window in price.windows:
        days = "" if len(window.days) == _WEEK else f" {window.days[0]} to {window.days[-1]}"
        yield f"{window.begins:%H:%M} to {window.ends:%H:%M} UTC{days}", window


def _state(card: ModelCard, now: datetime) -> str:
    if not card.is_retired(now.date()):
        return f"until {card.retired}" if isinstance(card.retired, date) else ""
    return f"retired {card.retired}" if isinstance(card.retired, date) else "retired"


def _today(card: ModelCard, now: datetime) -> str:
    if card.scripted:
        return ""
    price = card.price_now(now)
    if price is None:
        return UNKNOWN
    star = "*" if price.tiers or price.windows else ""
    return " / ".join(_rates(price, "input", "cache_read", "output")) + star


def _rates(rates: Rates, *names: str) -> tuple[str, ...]:
    wanted = names or ("input", "cache_read", "cache_write", "output")
    values = [getattr(rates, name) for name in wanted]
    return tuple(UNKNOWN if value is None else f"{value:g}" for value in values)
