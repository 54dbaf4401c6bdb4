"""How often and how long to try again: our own retries, bounded in attempts and in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.chat.errors import OVERLOADS

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.chat.errors import Fault


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Bounds on the attempts at one reply."""

    attempts: int = 6
    """The first one included; an overload that tells no wait is bounded by `wait_s` alone."""
    wait_s: float = 300.0
    """Longest sum of the waits at one reply."""
    base_s: float = 1.0
    """First back-off; doubles with every attempt."""
    cap_s: float = 60.0
    """Longest single back-off; a wait that the provider asks for is not capped."""

    def pause(
        self, fault: Fault, *, attempt: int, waited_s: float, jitter: Callable[[], float]
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or `None` to give up.

        `attempt` counts from 1 and is the one that failed; `jitter` returns 0..1. A wait that
        does not fit into what is left of `wait_s` is not begun.
        """
        # Windows of a minute and more outlast a handful of back-offs.
        patient = fault.kind in OVERLOADS and fault.retry_after_s is None
        if not fault.retryable or (attempt >= self.attempts and not patient):
            return None
        if fault.retry_after_s is None:
            pause = min(self.cap_s, self.base_s * 2 ** (attempt - 1)) * (0.5 + jitter() / 2)
        else:
            # Trials that wait for the same window must not all come back at its first instant.
            pause = fault.retry_after_s + jitter()
        return pause if waited_s + pause <= self.wait_s else None
