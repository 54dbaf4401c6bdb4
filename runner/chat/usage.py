"""Whatever a provider calls its token counts -> `Usage` in disjoint classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from testbed.records import Usage

_TICKS_PER_USD: Final = 10_000_000_000


@dataclass(frozen=True, kw_only=True)
class UsageReading:
    """A usage object as far as it can be trusted."""

    usage: Usage | None
    """`None` when the object holds no count that we know."""
    flag: str | None = None
    """Why a class is `None` although the provider sent numbers."""


def read_usage(raw: Mapping[str, Any] | None, *, reasoning_in_total: bool = False) -> UsageReading:
    """Split a provider's usage object into disjoint classes.

    The known input classes always add up to the input that the provider reported: a cache
    class that it does not report is inside `fresh_input`. `output` includes reasoning, whether
    the provider counts it inside its completion tokens or beside them; when its total fits
    neither, `output` is `None` and the reading is flagged. `reasoning_in_total` says that this
    provider counts reasoning in its total alone: then what exceeds the other counts is it.
    """
    if not raw:
        return UsageReading(usage=None)
    fresh, read, write = _input(raw)
    completion = _count(raw, "completion_tokens", "output_tokens")
    reasoning = _count(raw, "completion_tokens_details.reasoning_tokens", "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(raw, "output_tokens_details.reasoning_tokens")
    prompt, total = _count(raw, "prompt_tokens", "input_tokens"), _count(raw, "total_tokens")
    if reasoning_in_total and reasoning is None and None not in (prompt, completion, total):
        reasoning = max(0, (total or 0) - (prompt or 0) - (completion or 0))
    inputs = {prompt, _known_sum(fresh, read, write)}
    output, flag = _output(inputs, completion, reasoning, total)
    if fresh is None and completion is None:
        return UsageReading(usage=None)
    usage = Usage(
        fresh_input=fresh, cache_read=read, cache_write=write, output=output, reasoning=reasoning
    )
    return UsageReading(usage=usage, flag=flag)


def reported_cost_usd(raw: Mapping[str, Any] | None) -> float | None:
    """Return what a provider says in its usage object that the request cost, or `None`."""
    usd, ticks = (_amount((raw or {}).get(name)) for name in ("cost", "cost_in_usd_ticks"))
    if usd is None and ticks is not None:
        return ticks / _TICKS_PER_USD
    return usd


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        amount = float(value)
    except OverflowError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def _input(raw: Mapping[str, Any]) -> tuple[int | None, int | None, int | None]:
    prompt = _count(raw, "prompt_tokens", "input_tokens")
    read = _count(
        raw,
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "cached_tokens",
        "prompt_cache_hit_tokens",
        "cache_read_input_tokens",
    )
    write = _count(raw, "prompt_tokens_details.cache_write_tokens", "cache_creation_input_tokens")
    cached = (read or 0) + (write or 0)
    if prompt is None:
        return None, read, write
    # Anthropic's own spelling counts the cache beside `input_tokens`; a cache larger than
    # the prompt can only be beside it, whatever the spelling.
    own_spelling = "prompt_tokens" not in raw and (
        "cache_read_input_tokens" in raw or "cache_creation_input_tokens" in raw
    )
    beside = own_spelling or cached > prompt
    return (prompt if beside else prompt - cached), read, write


def _output(
    inputs: set[int | None], completion: int | None, reasoning: int | None, total: int | None
) -> tuple[int | None, str | None]:
    if completion is None:
        return None, None
    with_reasoning = completion + (reasoning or 0)
    if (reasoning or 0) > completion:
        # It can only stand beside the completion, even where the total leaves it out.
        return with_reasoning, None
    if not total or inputs == {None}:
        return completion, None
    outputs = {total - prompt for prompt in inputs if prompt is not None}
    if completion in outputs:
        return completion, None
    if with_reasoning in outputs:
        return with_reasoning, None
    return None, f"usage does not add up: completion {completion}, total {total}"


def _known_sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _count(raw: Mapping[str, Any], *paths: str) -> int | None:
    """Return the first count found; a dot descends into a nested object."""
    for path in paths:
        value: Any = raw
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None
