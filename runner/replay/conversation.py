"""A recorded conversation held again by the real loop: streams parsed anew, calls judged anew.

Only what a sandbox said is taken from the record: which effect a call had, how long it took
and what it returned.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runner.agent.budget import AgentResult, Budget
from runner.agent.judge import judge
from runner.agent.loop import run_agent
from runner.agent.prompts import Task, opening
from runner.agent.tools import OUTPUT_BYTES, Tools
from runner.agent.words import capped
from runner.chat.calls import whole_text
from runner.chat.replay import ReplayChat
from runner.chatters import Pricer
from runner.recording import Recording
from runner.replay.compare import Difference, compare
from runner.replay.files import replay_endpoint
from testbed.errors import SandboxLost
from testbed.records import Ending, Stage, ToolCall, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.chat.base import EmittedCall
    from runner.replay.files import Kept
    from testbed.catalog import ModelCard
    from testbed.plan import RunConfig
    from testbed.records import Exchange, Turn
    from testbed.store import TrialPaths

_RAN: Final = (Stage.SCHEMA_VALID, Stage.EXECUTABLE, Stage.EFFECTIVE)
_NO_TASK: Final = Task(prompt="", commands={})
_OPENING: Final = len(opening(_NO_TASK))
"""Messages that come from the suite, not from the recording."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A conversation that was held again."""

    result: AgentResult
    listener: Listener
    cut: bool
    """The recording ended before anything in it ended the conversation."""
    requests: tuple[Difference, ...]
    """Where the bodies sent now differ from the recorded ones, the first of each turn."""
    prompts: tuple[Verdict, ...] | None
    """Verdicts after every prompt but the last; `None` without follow-ups."""


@dataclass
class Listener(Recording):
    """Keeps in memory what a recording would write."""

    turns: list[Turn] = field(default_factory=list, init=False)
    exchanges: list[Exchange] = field(default_factory=list, init=False)

    def turn(self, turn: Turn) -> None:
        """Count a turn and keep it."""
        super().turn(turn)
        self.turns.append(turn)

    def exchange(
        self, exchange: Exchange, request: Mapping[str, Any], chunks: Sequence[tuple[float, bytes]]
    ) -> None:
        """Keep an exchange as it was booked now."""
        del request, chunks
        self.exchanges.append(exchange)

    def _append(self, *_: object) -> None:
        """Write nothing."""


async def hold(config: RunConfig, card: ModelCard, kept: Kept, paths: TrialPaths) -> Held:
    """Hold a recorded conversation again, without a sandbox or the suite."""
    again = _Again(kept)
    listener, limits = Listener(paths), config.limits
    chat = ReplayChat(
        kept.attempts,
        replay_endpoint(card),
        recorder=listener.exchange,
        price=Pricer(card=card),
        watch=again.watch,
    )
    last = max((attempt.booked.turn for attempt in kept.attempts), default=0)
    result = await run_agent(
        model=chat,
        tools=again.tools,
        task=_NO_TASK,
        budget=Budget(**{**limits.model_dump(), "max_turns": min(limits.max_turns, last)}),
        sink=listener.turn,
        clock=lambda: 0.0,
        follow_up=again.follow_up if config.follow_ups else None,
    )
    return Held(
        result=result,
        listener=listener,
        cut=result.ending is Ending.TURN_LIMIT and last < limits.max_turns,
        requests=tuple(again.requests),
        prompts=tuple(again.failed) if config.follow_ups else None,
    )


class _Again:
    """What the loop is given in place of a sandbox and a user."""

    def __init__(self, kept: Kept) -> None:
        self.tools = RecordedTools(kept.turns)
        self.requests: list[Difference] = []
        self.failed: list[Verdict] = []
        self._kept = kept

    def watch(self, turn: int, sent: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
        """Lay a body beside the recorded one; the first messages are the suite's."""
        self.tools.begin(turn)
        begun = recorded.get("messages", [])[:_OPENING]
        body = {**sent, "messages": [*begun, *sent["messages"][_OPENING:]]}
        self.requests += compare(f"request of turn {turn}", recorded, body)[:1]

    async def follow_up(self) -> str | None:
        """Return what the user said next, if anything."""
        prompt = _prompt_of(self._kept, self.tools.turn + 1)
        if prompt is not None:
            # A user asks on after a patch that failed, and after no other.
            self.failed.append(Verdict.FAIL)
        return prompt


def _prompt_of(kept: Kept, turn: int) -> str | None:
    """Return the user's words that led to a turn: how they came about is the suite's affair."""
    requests = [a.request for a in kept.attempts if a.booked.turn == turn]
    said = requests[0]["messages"][-1] if requests else {}
    return said["content"] if said.get("role") == "user" else None


class RecordedTools(Tools):
    """Judges calls anew, and tells of those that ran what was recorded."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._recorded = {turn.index: turn.tool_calls for turn in turns}
        self._left: deque[ToolCall] = deque()
        self.turn = 0

    def begin(self, turn: int) -> None:
        """Turn to the calls of one turn."""
        self.turn = turn
        self._left = deque(self._recorded.get(turn, ()))

    async def dispatch(self, call: EmittedCall, *, at_most_s: float | None = None) -> ToolCall:
        """Return the call as it was carried out; `SandboxLost` when that was not recorded."""
        del at_most_s
        judged = judge(call)
        told = self._left.popleft() if self._left else None
        if judged.cause is not None:
            return _booked(call, judged.stage, judged.cause, judged.advice)
        if told is None:
            raise SandboxLost("the recorded calls end here")
        stage = told.stage if told.stage in _RAN else Stage.SCHEMA_VALID
        booked = _booked(call, stage, told.cause, told.result)
        return booked.model_copy(update={"seconds": told.seconds, "result": told.result})


def _booked(call: EmittedCall, stage: Stage, cause: str | None, text: str) -> ToolCall:
    return ToolCall(
        id=call.id,
        name=call.name,
        raw_arguments=call.raw_arguments,
        stage=stage,
        cause=cause,
        result=capped(whole_text(text), OUTPUT_BYTES),
    )
