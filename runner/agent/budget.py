"""What a conversation may use, what it used, and what is unknown about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.records import NO_USAGE, Ending, Exchange, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from testbed.records import Failure


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits of one trial; `None` switches one off.

    Tokens and money are compared with what the provider reported and the price card knows:
    nothing is estimated, so requests without usage do not count against them.
    """

    max_turns: int = 60
    max_tokens: int | None = None
    """Input and output of every request, summed."""
    max_tool_s: float | None = 1800.0
    """Seconds inside the sandbox."""
    max_cost_usd: float | None = None
    max_wall_s: float | None = 7200.0
    """Seconds from the first request on, waits included: a safety net."""

    def spent(
        self, *, tool_s: float, wall_s: float, exchanges: Sequence[Exchange], turns: int
    ) -> Ending | None:
        """Return the ending of the first limit that is used up."""
        limits = (
            (tool_s, self.max_tool_s, Ending.TIME_LIMIT),
            (wall_s, self.max_wall_s, Ending.TIME_LIMIT),
            (known_cost(exchanges), self.max_cost_usd, Ending.COST_LIMIT),
            (known_tokens(exchanges), self.max_tokens, Ending.TOKEN_LIMIT),
            (turns, self.max_turns, Ending.TURN_LIMIT),
        )
        return next((e for used, most, e in limits if most is not None and used >= most), None)


@dataclass(frozen=True, kw_only=True)
class AgentResult:
    """How a conversation ended and what it took."""

    ending: Ending
    failure: Failure | None
    turns: int
    exchanges: tuple[Exchange, ...]
    usage: Usage | None
    """`None` when a request that produced tokens came without usage."""
    cost_usd: float | None
    """`None` when a request that produced tokens has no cost."""
    model_s: float
    """Seconds in requests, failed ones included, waits between them excluded."""
    tool_s: float
    waited_s: float
    """Seconds between attempts for the sake of a limit, as booked."""


def known_tokens(exchanges: Iterable[Exchange]) -> int:
    """Sum the tokens that were reported."""
    return sum(
        (u.fresh_input or 0) + (u.cache_read or 0) + (u.cache_write or 0) + (u.output or 0)
        for u in (exchange.usage for exchange in exchanges)
        if u is not None
    )


def known_cost(exchanges: Iterable[Exchange]) -> float:
    """Sum the costs that are known, in USD."""
    return sum(exchange.cost_usd or 0.0 for exchange in exchanges)


def total_usage(exchanges: Sequence[Exchange]) -> Usage | None:
    """Sum the usage of all requests, or `None` when one that produced tokens reported none."""
    if any(exchange.produced and exchange.usage is None for exchange in exchanges):
        return None
    return sum((e.usage for e in exchanges if e.usage is not None), NO_USAGE)


def total_cost(exchanges: Sequence[Exchange]) -> float | None:
    """Sum the costs, or `None` when a request that produced tokens has no cost."""
    if any(exchange.produced and exchange.cost_usd is None for exchange in exchanges):
        return None
    return known_cost(exchanges)
