"""The agent: ask the model, run its tools, until it is done or a budget is.

Everything a model causes is an ending; only infrastructure gives a failure.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from runner.agent.budget import AgentResult, Budget, total_cost, total_usage
from runner.agent.endings import WORK_DONE, ending_of
from runner.agent.history import History
from runner.agent.schemas import TOOLS
from runner.chat.base import ChatFailure, ChatModel, Reply
from runner.chat.errors import OVERLOADS
from testbed.errors import SandboxLost
from testbed.records import Ending, Exchange, Failure, Origin, Stage, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runner.agent.prompts import Task
    from runner.agent.tools import Tools

UNUSABLE_REPLIES: Final = 3
"""Replies in a row without one schema-valid call before the model is given up."""
_UNUSABLE: Final = (Stage.EMITTED, Stage.PARSED, Stage.KNOWN)
_REFUSALS: Final = frozenset({"content_filter", "refusal", "safety", "SAFETY"})


async def run_agent(
    *,
    model: ChatModel,
    tools: Tools,
    task: Task,
    budget: Budget,
    sink: Callable[[Turn], None],
    follow_up: Callable[[], Awaitable[str | None]] | None = None,
    clock: Callable[[], float] = perf_counter,
) -> AgentResult:
    """Work on a task until an ending; `sink` gets every turn (counted from 1) as it finishes.

    When the model thinks that it is done and a budget is left, `follow_up` may give it another
    prompt in the same conversation. The time that takes counts against no budget.
    """
    work = _Conversation(model=model, tools=tools, task=task, budget=budget, sink=sink, clock=clock)
    ending: Ending | None = None
    failure: Failure | None = None
    try:
        while ending is None:
            ending = await work.step()
            if follow_up and ending in WORK_DONE:
                ending = await work.ask_on(ending, follow_up)
    except SandboxLost as lost:
        ending, failure = Ending.INFRA_ERROR, Failure(origin=Origin.SANDBOX, detail=lost.what)
    except ChatFailure as fault:
        ending, failure = ending_of(fault)
    return AgentResult(
        ending=ending,
        failure=failure,
        turns=work.turns,
        exchanges=tuple(work.exchanges),
        usage=total_usage(work.exchanges),
        cost_usd=total_cost(work.exchanges),
        model_s=work.model_s,
        tool_s=work.tool_s,
        waited_s=sum(e.waited_s for e in work.exchanges if e.error in OVERLOADS),
    )


class _Conversation:
    """The state of one conversation."""

    def __init__(
        self,
        *,
        model: ChatModel,
        tools: Tools,
        task: Task,
        budget: Budget,
        sink: Callable[[Turn], None],
        clock: Callable[[], float],
    ) -> None:
        self._model, self._tools, self._budget = model, tools, budget
        self._sink, self._clock = sink, clock
        self._start = clock()
        self._history = History(task)
        self._nudged = False
        self._unusable = 0
        self.turns = 0
        self.exchanges: list[Exchange] = []
        self.model_s = 0.0
        self.tool_s = 0.0

    async def step(self) -> Ending | None:
        """Take one turn; return the ending it led to, if any."""
        self.turns += 1
        try:
            reply = await self._ask()
        except ChatFailure as fault:
            if fault.kind != "tool_use_failed":
                raise
            calls = [self._history.reject(fault, turn=self.turns)]
            self._book("", None, None, calls)
        else:
            calls = await self._run(reply)
            if not calls and (ending := self._without_calls(reply)):
                return ending
            self._history.add(reply, calls)
        return self._after(calls) or self._spent()

    async def ask_on(
        self, ending: Ending, follow_up: Callable[[], Awaitable[str | None]]
    ) -> Ending | None:
        """Give the next prompt; when there is none, or no budget is left, the ending stands."""
        before = self._clock()
        prompt = None if self._spent() else await follow_up()
        self._start += self._clock() - before
        if prompt is None:
            return ending
        self._history.messages.append({"role": "user", "content": prompt})
        self._nudged, self._unusable = False, 0
        return None

    async def _ask(self) -> Reply:
        before = self._clock()
        attempts: Sequence[Exchange] = ()
        try:
            reply = await self._model.complete(self._history.messages, TOOLS, turn=self.turns)
            attempts = reply.exchanges
        except ChatFailure as fault:
            attempts = fault.exchanges
            raise
        finally:
            self.exchanges.extend(attempts)
            waited = sum(attempt.waited_s for attempt in attempts)
            self.model_s += max(0.0, self._clock() - before - waited)
        return reply

    async def _run(self, reply: Reply) -> list[ToolCall]:
        """Run the calls in order; the turn is booked even if the sandbox goes away."""
        calls: list[ToolCall] = []
        try:
            for call in reply.calls:
                calls.append(await self._tools.dispatch(call, at_most_s=self._tool_s_left()))
                self.tool_s += calls[-1].seconds
        finally:
            self._book(reply.text, reply.reasoning, reply.finish_reason, calls)
        return calls

    def _tool_s_left(self) -> float | None:
        most = self._budget.max_tool_s
        return None if most is None else most - self.tool_s

    def _book(
        self, text: str, reasoning: str | None, finish_reason: str | None, calls: list[ToolCall]
    ) -> None:
        turn = Turn(
            index=self.turns,
            text=text,
            reasoning=reasoning,
            finish_reason=finish_reason,
            tool_calls=tuple(calls),
            model_s=self.exchanges[-1].last_byte_s or 0.0 if self.exchanges else 0.0,
            tool_s=sum(call.seconds for call in calls),
        )
        self._sink(turn)

    def _without_calls(self, reply: Reply) -> Ending | None:
        # Gemini says behind a colon what it filtered: `content_filter: RECITATION`.
        finish = (reply.finish_reason or "").partition(":")[0]
        if finish in _REFUSALS or reply.message.get("refusal"):
            return Ending.REFUSED
        if self._nudged:
            if reply.message.get("content"):
                self._history.messages.append(reply.message)
            return Ending.STOPPED_TALKING
        self._nudged = True
        return None

    def _after(self, calls: Sequence[ToolCall]) -> Ending | None:
        if any(call.name == "finish" and call.stage is Stage.EFFECTIVE for call in calls):
            return Ending.FINISHED
        if calls:
            unusable = all(call.stage in _UNUSABLE for call in calls)
            self._unusable = self._unusable + 1 if unusable else 0
        return Ending.MALFORMED if self._unusable >= UNUSABLE_REPLIES else None

    def _spent(self) -> Ending | None:
        return self._budget.spent(
            tool_s=self.tool_s,
            wall_s=self._clock() - self._start,
            exchanges=self.exchanges,
            turns=self.turns,
        )
