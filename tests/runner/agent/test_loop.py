from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from runner.agent.budget import AgentResult, Budget
from runner.agent.loop import run_agent
from runner.agent.prompts import NUDGE, Task
from runner.agent.tools import Tools
from runner.chat.base import ChatFailure, EmittedCall, Message, Reply
from runner.sandbox.base import SandboxSpec
from runner.sandbox.fake import FakeEngine, FakeSandbox
from testbed.records import Ending, Exchange, Origin, Stage, Turn, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

TASK = Task(prompt="Do it.", commands={"test": "npm test"})
USAGE = Usage(fresh_input=80, cache_read=10, output=10)


def call(
    name: str, flaw: str | None = None, raw: str | None = None, **arguments: object
) -> EmittedCall:
    text = json.dumps(arguments) if raw is None else raw
    return EmittedCall(id=f"id-{name}", name=name, raw_arguments=text, flaw=flaw)


@dataclass(kw_only=True)
class Said:
    """One scripted reply, or the failure in its place."""

    text: str = ""
    calls: Sequence[EmittedCall] = ()
    finish_reason: str = "stop"
    refusal: str | None = None
    fault: tuple[str, bool] | None = None
    usage: Usage | None = USAGE
    cost: float | None = 0.5
    waited_s: float = 0.0


@dataclass(kw_only=True)
class ScriptedModel:
    """Answers as told, the last answer for ever, and keeps what it was asked."""

    script: Sequence[Said]
    asked: list[list[Message]] = field(default_factory=list)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], *, turn: int
    ) -> Reply:
        """Return the next reply."""
        assert len(tools) == 7
        self.asked.append(list(messages))
        said = self.script[min(len(self.asked), len(self.script)) - 1]
        exchange = Exchange(
            turn=turn,
            attempt=1,
            sent_at="2026-11-22T00:00:00.000000+00:00",
            error=said.fault[0] if said.fault else None,
            first_token_s=0.1,
            last_byte_s=2.0,
            waited_s=said.waited_s,
            usage=said.usage,
            cost_usd=said.cost,
        )
        if said.fault:
            kind, model_fault = said.fault
            raise ChatFailure(kind, "why", model_fault=model_fault, exchanges=(exchange,))
        proper = [one for one in said.calls if one.flaw != "leaked_text_call"]
        message: Message = {"role": "assistant", "content": said.text}
        if proper:
            message["tool_calls"] = [{"id": one.id} for one in proper]
        if said.refusal:
            message["refusal"] = said.refusal
        return Reply(
            text=said.text,
            reasoning=None,
            calls=tuple(said.calls),
            finish_reason=said.finish_reason,
            message=message,
            exchanges=(exchange,),
        )


@pytest.fixture
async def sandbox() -> AsyncIterator[FakeSandbox]:
    async with await FakeEngine().start(
        SandboxSpec(run_id="r", name="agent", image="fake-1")
    ) as started:
        await started.write("a.ts", b"one\n")
        yield started


@dataclass(kw_only=True)
class Outcome:
    """What a conversation led to."""

    result: AgentResult
    turns: list[Turn]
    model: ScriptedModel


async def play(sandbox: FakeSandbox, *script: Said, **limits: Any) -> Outcome:  # noqa: ANN401 (any limit)
    model, turns = ScriptedModel(script=script), list[Turn]()
    seconds = iter(range(10_000))
    result = await run_agent(
        model=model,
        tools=Tools(sandbox, clock=lambda: float(next(seconds))),
        task=TASK,
        budget=Budget(**{"max_turns": 9, **limits}),
        sink=turns.append,
        clock=lambda: float(next(seconds)),
    )
    return Outcome(result=result, turns=turns, model=model)


READ = Said(calls=[call("read_file", path="a.ts")])
WRITE = Said(calls=[call("write_file", path="b", content="x")])
FINISH = Said(calls=[call("finish", summary="done")])
TALK = Said(text="I think so.")
LEAK = Said(text="<tool_call>…", calls=[call("read_file", "leaked_text_call", path="a.ts")])
UNKNOWN = Said(calls=[call("grep", pattern="a")])
BROKEN = Said(calls=[call("read_file", raw="{")])
WRONG = Said(calls=[call("read_file", file="a.ts")])
REJECTED = Said(fault=("tool_use_failed", True), usage=None, cost=None)

ENDINGS: dict[str, tuple[list[Said], dict[str, Any], Ending, int]] = {
    "finish": ([READ, WRITE, FINISH], {}, Ending.FINISHED, 3),
    "finish beside other calls": (
        [Said(calls=[*FINISH.calls, *WRITE.calls])],
        {},
        Ending.FINISHED,
        1,
    ),
    "finish with wrong arguments goes on": (
        [Said(calls=[call("finish", done=True)]), FINISH],
        {},
        Ending.FINISHED,
        2,
    ),
    "talk, then finish": ([TALK, FINISH], {}, Ending.FINISHED, 2),
    "talk twice": ([TALK], {}, Ending.STOPPED_TALKING, 2),
    "talk, work, talk": ([TALK, READ, TALK], {}, Ending.STOPPED_TALKING, 3),
    "nothing at all": ([Said()], {}, Ending.STOPPED_TALKING, 2),
    "three unusable replies": ([UNKNOWN, BROKEN, WRONG], {}, Ending.MALFORMED, 3),
    "leaks only": ([LEAK], {}, Ending.MALFORMED, 3),
    "rejections only": ([REJECTED], {}, Ending.MALFORMED, 3),
    "two unusable replies, then a good one": (
        [UNKNOWN, BROKEN, READ, UNKNOWN, BROKEN, FINISH],
        {},
        Ending.FINISHED,
        6,
    ),
    "one good call makes a reply usable": (
        [Said(calls=[*UNKNOWN.calls, *READ.calls])] * 4 + [FINISH],
        {},
        Ending.FINISHED,
        5,
    ),
    "a call that fails on the workspace is usable": (
        [Said(calls=[call("read_file", path="none")])] * 4 + [FINISH],
        {},
        Ending.FINISHED,
        5,
    ),
    "refusal in words": ([Said(refusal="I can't.")], {}, Ending.REFUSED, 1),
    "refusal by finish reason": ([Said(finish_reason="content_filter")], {}, Ending.REFUSED, 1),
    "refusal with its reason": (
        [Said(finish_reason="content_filter: PROHIBITED_CONTENT")],
        {},
        Ending.REFUSED,
        1,
    ),
    "refusal by error": ([Said(fault=("content_filter", True))], {}, Ending.REFUSED, 1),
    "context": ([READ, Said(fault=("context_length", True))], {}, Ending.CONTEXT_OVERFLOW, 2),
    "another fault of the model": ([Said(fault=("odd", True))], {}, Ending.MODEL_ERROR, 1),
    "a reply without end": ([READ, Said(fault=("endless_stream", True))], {}, Ending.TIME_LIMIT, 2),
    "turns": ([READ], {"max_turns": 4}, Ending.TURN_LIMIT, 4),
    "tokens": ([READ], {"max_tokens": 250}, Ending.TOKEN_LIMIT, 3),
    "money": ([READ], {"max_cost_usd": 1.0}, Ending.COST_LIMIT, 2),
    "tool seconds": ([READ], {"max_tool_s": 3.0}, Ending.TIME_LIMIT, 3),
    "wall clock": ([READ], {"max_wall_s": 1.0}, Ending.TIME_LIMIT, 1),
    "a finish on the last turn counts": ([FINISH], {"max_turns": 1}, Ending.FINISHED, 1),
}


@pytest.mark.parametrize("case", ENDINGS)
async def test_a_conversation_ends_for_the_reason_that_the_model_gave(
    case: str, sandbox: FakeSandbox
) -> None:
    script, limits, ending, turns = ENDINGS[case]

    done = await play(sandbox, *script, **limits)

    assert (done.result.ending, done.result.turns) == (ending, turns)
    assert done.result.failure is None
    assert len(done.result.exchanges) == turns


@pytest.mark.parametrize("kind", ["rate_limit", "quota", "auth", "server", "bad_request", "stream"])
async def test_trouble_with_the_api_is_a_failure_of_infrastructure(
    kind: str, sandbox: FakeSandbox
) -> None:
    done = await play(sandbox, READ, Said(fault=(kind, False), usage=None, cost=None))

    assert done.result.ending is Ending.INFRA_ERROR
    assert done.result.failure is not None
    assert done.result.failure.origin is Origin.MODEL_API
    assert done.result.failure.final is (kind in {"quota", "auth", "bad_request"})
    assert kind in done.result.failure.detail
    assert len(done.turns) == 1


async def test_a_lost_sandbox_is_a_failure_and_the_turn_so_far_is_kept(
    sandbox: FakeSandbox,
) -> None:
    class Dying(FakeSandbox):
        """Goes away at the first search."""

        async def search(self, *_: object, **__: object) -> list[Any]:
            await self.close()
            return await super().search("x")

    spec = SandboxSpec(run_id="r", name="agent", image="fake-1")
    dying = Dying(spec, {})
    both = Said(calls=[call("list_files"), call("search", pattern="a")])

    done = await play(dying, both)

    assert done.result.ending is Ending.INFRA_ERROR
    assert done.result.failure is not None
    assert done.result.failure.origin is Origin.SANDBOX
    assert [[one.name for one in turn.tool_calls] for turn in done.turns] == [["list_files"]]
    assert not sandbox.closed


async def test_results_go_back_by_id_and_leaks_are_answered_in_words(sandbox: FakeSandbox) -> None:
    mixed = Said(text="…", calls=[*READ.calls, *LEAK.calls])

    done = await play(sandbox, mixed, FINISH)

    assistant, tool, user = done.model.asked[1][2:]
    assert assistant["content"] == "…"
    assert (tool["role"], tool["tool_call_id"]) == ("tool", "id-read_file")
    assert tool["content"] == "1\tone"
    assert user["role"] == "user"
    assert "written as text" in user["content"]


async def test_a_nudge_follows_a_reply_without_calls_and_an_empty_reply_is_not_replayed(
    sandbox: FakeSandbox,
) -> None:
    talk = await play(sandbox, TALK, FINISH)
    nothing = await play(sandbox, Said(), FINISH)

    assert [message["content"] for message in talk.model.asked[1][2:]] == ["I think so.", NUDGE]
    assert [message["content"] for message in nothing.model.asked[1][2:]] == [NUDGE]


async def test_a_rejected_call_counts_as_emitted_and_the_model_is_told(
    sandbox: FakeSandbox,
) -> None:
    done = await play(sandbox, REJECTED, FINISH)

    (rejected,) = done.turns[0].tool_calls
    assert (rejected.stage, rejected.cause) == (Stage.EMITTED, "provider_rejected")
    assert "broken" in done.model.asked[1][-1]["content"]


async def test_turns_are_handed_over_one_by_one_and_numbered_from_one(sandbox: FakeSandbox) -> None:
    done = await play(sandbox, READ, UNKNOWN, FINISH)

    assert [turn.index for turn in done.turns] == [1, 2, 3]
    assert [turn.tool_calls[0].stage for turn in done.turns] == [
        Stage.EFFECTIVE,
        Stage.PARSED,
        Stage.EFFECTIVE,
    ]
    assert {turn.model_s for turn in done.turns} == {2.0}
    assert [exchange.turn for exchange in done.result.exchanges] == [1, 2, 3]


async def test_the_books_add_up_and_waits_are_no_model_time(sandbox: FakeSandbox) -> None:
    done = await play(sandbox, Said(calls=READ.calls, waited_s=0.25), FINISH)

    assert done.result.usage == Usage(fresh_input=160, cache_read=20, output=20)
    assert done.result.cost_usd == 1.0
    assert done.result.model_s == pytest.approx(1.75)
    assert done.result.tool_s == 2.0


@pytest.mark.parametrize(
    ("error", "waited"), [("rate_limit", 3.0), ("overloaded", 3.0), ("server", 0.0)]
)
async def test_only_a_wait_for_the_sake_of_a_limit_is_told(
    sandbox: FakeSandbox, error: str, waited: float
) -> None:
    done = await play(sandbox, Said(fault=(error, False), waited_s=3.0))

    assert done.result.waited_s == waited


async def test_one_reply_without_usage_makes_the_sums_unknown_but_known_parts_still_limit(
    sandbox: FakeSandbox,
) -> None:
    silent = Said(calls=READ.calls, usage=None, cost=None)

    done = await play(sandbox, silent, READ, max_cost_usd=1.0)

    assert done.result.usage is None
    assert done.result.cost_usd is None
    assert (done.result.ending, done.result.turns) == (Ending.COST_LIMIT, 3)


async def test_a_broken_reply_without_usage_makes_tokens_and_cost_unknown(
    sandbox: FakeSandbox,
) -> None:
    done = await play(sandbox, READ, Said(fault=("stream", False), usage=None, cost=None))

    assert (done.result.usage, done.result.cost_usd) == (None, None)
