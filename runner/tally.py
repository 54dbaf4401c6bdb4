"""Counts of a conversation, taken turn by turn: nothing else of it is kept in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.agent.schemas import PARAMETERS
from testbed.records import UNKNOWN_TOOL, Funnel, Stage

if TYPE_CHECKING:
    from testbed.records import Turn

_SCHEMA_VALID: Final = frozenset((Stage.SCHEMA_VALID, Stage.EXECUTABLE, Stage.EFFECTIVE))
"""The stages of calls that the offered schema accepted."""


@dataclass
class Tally:
    """How far the tool calls of one try got, and how many replies held valid calls alone."""

    tool_replies: int = 0
    """Replies whose finish reason is `tool_calls`."""
    schema_valid_replies: int = 0
    """Of these, how many hold calls, and schema-valid ones alone."""
    _stages: Counter[str] = field(default_factory=Counter, init=False)
    _causes: Counter[str] = field(default_factory=Counter, init=False)
    _by_tool: dict[str, Counter[str]] = field(default_factory=dict, init=False)

    def take(self, turn: Turn) -> None:
        """Count one turn."""
        for call in turn.tool_calls:
            self._stages[call.stage] += 1
            if call.cause is not None:
                tool = call.name if call.name in PARAMETERS else UNKNOWN_TOOL
                self._causes[call.cause] += 1
                self._by_tool.setdefault(tool, Counter())[call.cause] += 1
        if turn.finish_reason == "tool_calls":
            self.tool_replies += 1
            valid = all(call.stage in _SCHEMA_VALID for call in turn.tool_calls)
            self.schema_valid_replies += bool(turn.tool_calls) and valid

    def funnel(self) -> Funnel:
        """Return how far the tool calls got."""
        return Funnel(
            stages=dict(self._stages),
            causes=dict(self._causes),
            causes_by_tool={tool: dict(causes) for tool, causes in self._by_tool.items()},
        )
