"""A follow-up quotes what a user sees, and the conversation goes on as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.agent.budget import Budget
from runner.agent.follow_up import follow_up
from runner.agent.loop import run_agent
from runner.agent.prompts import Task
from runner.agent.tools import Tools
from runner.chat.base import EmittedCall, Message, Reply
from runner.sandbox.base import SandboxSpec
from runner.sandbox.fake import FakeEngine
from testbed.records import Check, CheckKind, Ending, Exchange, Grade, Usage, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def failing(name: str, detail: str = "", kind: CheckKind = CheckKind.PASS_TO_PASS) -> Check:
    return Check(id=name, kind=kind, passed=False, detail=detail)


def graded(*checks: Check) -> Grade:
    return Grade(verdict=Verdict.FAIL, checks=checks)


def test_visible_failures_are_quoted_and_hidden_ones_are_not() -> None:
    first, second = "lib/a.test.ts::old", "lib/b.test.ts::other"
    grade = graded(
        failing(first, "failed: with hidden checks"),
        failing(second),
        failing("lib/c.test.ts::third"),
        failing(".testbed/checks/unit/p.test.ts::new", "failed: secret"),
        failing("witness:unit", "exit code 1", CheckKind.WITNESS),
        failing("constraint:no-tampering", "lib/a.test.ts", CheckKind.CONSTRAINT),
        failing("typecheck", "with hidden checks", CheckKind.TYPECHECK),
    )
    seen = graded(
        failing(first, "failed: expected 1\n to be 2"),
        failing(second, "did not run: unit: no report: exit code 1"),
        failing(".testbed/checks/unit/p.test.ts::new", "did not run: not in the report"),
        failing("typecheck", "exit code 2: lib/a.ts(1,2): error TS1", CheckKind.TYPECHECK),
    )

    assert follow_up(grade, seen=seen) == (
        "The task is not solved yet.\n\n"
        "These tests of the repository fail:\n"
        "- lib/a.test.ts::old\n  expected 1 to be 2\n"
        "- lib/b.test.ts::other (did not run)\n\n"
        "The type check fails:\nexit code 2: lib/a.ts(1,2): error TS1\n\n"
        "Go on from where you are; the task is still the one at the beginning. "
        "When it is done, call `finish`."
    )


def test_a_message_that_tells_of_the_grading_kit_is_left_out() -> None:
    message = "at .testbed/vitest.unit.config.mts:3"
    tests = graded(failing("a.test.ts::old", f"failed: {message}"))
    types = graded(failing("typecheck", message, CheckKind.TYPECHECK))

    assert "- a.test.ts::old\n\nGo on" in follow_up(tests, seen=tests)
    assert "read the task again" in follow_up(types, seen=types)


@pytest.mark.parametrize("seen", [None, Grade(verdict=Verdict.UNGRADED)])
def test_without_a_second_look_tests_are_named_and_nothing_is_quoted(seen: Grade | None) -> None:
    grade = graded(failing("a.test.ts::old", "failed: secret"), failing(".testbed/b::new"))

    text = follow_up(grade, seen=seen)

    assert "- a.test.ts::old\n\nGo on" in text
    assert "secret" not in text
    assert "new" not in text


def test_a_follow_up_is_short_however_much_fails() -> None:
    grade = graded(*(failing(f"a.test.ts::{n}", "failed: " + "x" * 900) for n in range(40)))

    text = follow_up(grade, seen=grade)

    assert len(text) < 4000
    assert "- and 30 more" in text


class Model:
    """Finishes at every turn and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[Message]] = []

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], *, turn: int
    ) -> Reply:
        """Call `finish`."""
        assert tools
        self.asked.append(list(messages))
        call = EmittedCall(id=f"c{turn}", name="finish", raw_arguments='{"summary": "done"}')
        exchange = Exchange(
            turn=turn, attempt=1, sent_at="", usage=Usage(fresh_input=40, output=10), cost_usd=1.0
        )
        return Reply(
            text="",
            reasoning=None,
            calls=(call,),
            finish_reason="tool_calls",
            message={"role": "assistant", "tool_calls": [{"id": call.id}]},
            exchanges=(exchange,),
        )


async def conversation(follow_ups: list[str | None], **limits: Any) -> tuple[Ending, Model, int]:  # noqa: ANN401 (any limit)
    model, waiting, now = Model(), iter(follow_ups), [0.0]

    async def next_prompt() -> str | None:
        now[0] += 1000.0
        return next(waiting)

    async with await FakeEngine().start(
        SandboxSpec(run_id="r", name="a", image="fake-1")
    ) as sandbox:
        result = await run_agent(
            model=model,
            tools=Tools(sandbox),
            task=Task(prompt="Do it.", commands={}),
            budget=Budget(**{"max_wall_s": 500.0, **limits}),
            sink=lambda _: None,
            follow_up=next_prompt,
            clock=lambda: now[0],
        )
    return result.ending, model, len(list(waiting))


async def test_a_conversation_goes_on_with_every_message_it_had() -> None:
    ending, model, _ = await conversation(["again", None])

    assert ending is Ending.FINISHED
    first, second = model.asked
    assert second[: len(first)] == first
    assert [message["role"] for message in second[len(first) :]] == ["assistant", "tool", "user"]
    assert second[-1]["content"] == "again"


async def test_waiting_for_the_user_uses_up_no_time() -> None:
    ending, model, _ = await conversation(["again", "and again", None])

    assert (ending, len(model.asked)) == (Ending.FINISHED, 3)


@pytest.mark.parametrize("limits", [{"max_turns": 2}, {"max_tokens": 100}, {"max_cost_usd": 2.0}])
async def test_budgets_are_those_of_the_whole_conversation(limits: dict[str, float]) -> None:
    ending, model, unasked = await conversation(["one", "two", "three"], **limits)

    assert (ending, len(model.asked), unasked) == (Ending.FINISHED, 2, 2)
