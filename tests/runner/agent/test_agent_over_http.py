from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from runner.agent.budget import Budget
from runner.agent.loop import run_agent
from runner.agent.prompts import Task
from runner.agent.tools import Tools
from runner.chat.openai import Connection, OpenAIChat
from runner.chat.quirks import ApiQuirks, ModelEndpoint
from runner.players.cast import CAST
from runner.players.player import Performance
from runner.players.server import serve_players
from runner.sandbox.base import ExecResult, SandboxSpec
from runner.sandbox.fake import FakeEngine, FakeSandbox
from testbed.records import Ending, Turn
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.agent.budget import AgentResult
    from testbed.records import Exchange

SEEDED = {"a.ts": File(data=b"export const a = 1;\n"), "b.md": File(data=b"hands off\n")}
REFERENCE = {**SEEDED, "a.ts": File(data=b"export const a = 2;\n"), "c.ts": File(data=b"new\n")}
QUIRKS = {
    "plain": ApiQuirks(),
    "rewritten ids, replayed reasoning": ApiQuirks(
        rewrite_call_ids=True, replay_reasoning="required"
    ),
}


def green(_: Sequence[str]) -> ExecResult:
    return ExecResult(
        exit_code=0, stdout=b"ok\n", stderr=b"", cut_bytes=0, timed_out=False, seconds=0.1
    )


async def play(
    name: str, sandbox: FakeSandbox, quirks: ApiQuirks
) -> tuple[AgentResult, list[Turn]]:
    turns: list[Turn] = []
    attempts: list[Exchange] = []

    def record(exchange: Exchange, request: Mapping[str, object], chunks: Sequence[object]) -> None:
        assert request["messages"]
        assert chunks
        attempts.append(exchange)

    performance = Performance(
        seeded=SEEDED, reference=REFERENCE, test_command="npm test", forbidden_path="b.md"
    )
    async with serve_players() as server:
        url = server.stage(CAST[name], performance)
        endpoint = ModelEndpoint(
            base_url=url, api_key="none", model=CAST[name].model, quirks=quirks
        )
        async with Connection(endpoint) as connection:
            result = await run_agent(
                model=OpenAIChat(connection, recorder=record, price=lambda *_: 0.001),
                tools=Tools(sandbox),
                task=Task(prompt="P", commands={"test": "npm test"}),
                budget=Budget(),
                sink=turns.append,
            )
    assert tuple(attempts) == result.exchanges
    return result, turns


@pytest.fixture
async def sandbox() -> FakeSandbox:
    engine = FakeEngine({"bash": green})
    started = await engine.start(SandboxSpec(run_id="r", name="agent", image="fake-1"))
    for path, file in SEEDED.items():
        await started.write(path, file.data)
    return started


@pytest.mark.parametrize("quirks", QUIRKS)
async def test_a_good_player_does_the_task_through_the_whole_stack(
    quirks: str, sandbox: FakeSandbox
) -> None:
    result, turns = await play("oracle", sandbox, QUIRKS[quirks])

    assert result.ending is Ending.FINISHED
    assert await sandbox.read("a.ts") == REFERENCE["a.ts"].data
    assert await sandbox.read("c.ts") == REFERENCE["c.ts"].data
    assert {call.cause for turn in turns for call in turn.tool_calls} == {None}
    assert result.usage is not None
    assert result.usage.fresh_input
    assert result.cost_usd == pytest.approx(0.001 * result.turns)


async def test_a_sloppy_players_slips_are_counted_where_they_happen(sandbox: FakeSandbox) -> None:
    result, turns = await play("sloppy", sandbox, ApiQuirks())

    causes = Counter(call.cause for turn in turns for call in turn.tool_calls if call.cause)
    assert result.ending is Ending.FINISHED
    assert causes.pop("repeated") == 4
    assert causes == {
        "invalid_json": 1,
        "unknown_tool": 1,
        "missing_required": 1,
        "wrong_type": 1,
        "precondition_failed:old_text_not_found": 1,
    }


async def test_a_player_that_only_talks_in_the_end_is_nudged_once(sandbox: FakeSandbox) -> None:
    result, turns = await play("noop", sandbox, ApiQuirks())

    assert result.ending is Ending.STOPPED_TALKING
    assert [bool(turn.tool_calls) for turn in turns] == [True, True, False, False]
