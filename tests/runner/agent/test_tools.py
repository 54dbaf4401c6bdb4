from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.agent.prompts import Task, opening, prompts_digest
from runner.agent.schemas import PARAMETERS, TOOLS
from runner.agent.tools import Tools
from runner.chat.base import EmittedCall
from runner.sandbox.base import ExecResult, SandboxSpec
from runner.sandbox.fake import FakeEngine, FakeSandbox
from testbed.errors import SandboxLost
from testbed.records import Stage, ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


def bash(argv: Sequence[str]) -> ExecResult:
    """Stand in for a shell: `exit N`, `print N` bytes, `hang`, `die`, else nothing."""
    word, _, number = argv[-1].partition(" ")
    code = {"exit": int(number or 0), "hang": None, "die": -9}.get(word, 0)
    stdout = b"".join(b"%7d\n" % n for n in range(int(number) // 8)) if word == "print" else b""
    return ExecResult(
        exit_code=code,
        stdout=stdout,
        stderr=b"",
        cut_bytes=0,
        timed_out=word == "hang",
        seconds=1.5,
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[FakeSandbox]:
    engine = FakeEngine({"bash": bash})
    spec = SandboxSpec(run_id="r", name="agent", image="fake-1")
    async with await engine.start(spec) as started:
        await started.write("src/a.ts", b"one\ntwo\nthree\n")
        await started.write("empty.txt", b"")
        await started.write("logo.png", b"\x89PNG\xff")
        yield started


@pytest.fixture
def tools(sandbox: FakeSandbox) -> Tools:
    return Tools(sandbox)


def call(
    name: str, raw: str | None = None, flaw: str | None = None, **arguments: object
) -> EmittedCall:
    text = json.dumps(arguments) if raw is None else raw
    return EmittedCall(id="c", name=name, raw_arguments=text, flaw=flaw)


FUNNEL: dict[str, tuple[EmittedCall, Stage, str | None, str]] = {
    "a leaked call": (
        call("read_file", path="src/a.ts", flaw="leaked_text_call"),
        Stage.EMITTED,
        "leaked_text_call",
        "written as text",
    ),
    "a truncated call": (
        call("write_file", '{"path', "truncated_call"),
        Stage.EMITTED,
        "truncated_call",
        "smaller calls",
    ),
    "several objects": (
        call("read_file", "{}{}", "concatenated_json"),
        Stage.EMITTED,
        "concatenated_json",
        "one call for each",
    ),
    "no json": (call("read_file", "{path}"), Stage.EMITTED, "invalid_json", "{path}"),
    "no object": (call("read_file", '["a"]'), Stage.EMITTED, "invalid_json", "a list"),
    "not a number": (call("shell", '{"command": NaN}'), Stage.EMITTED, "invalid_json", "NaN"),
    "too deep": (call("shell", "[" * 9999), Stage.EMITTED, "invalid_json", "[[["),
    "broken json of an unknown tool": (call("grep", "{"), Stage.EMITTED, "invalid_json", "{"),
    "an unknown tool": (call("grep", pattern="a"), Stage.PARSED, "unknown_tool", "search"),
    "nothing where something is needed": (
        call("read_file", ""),
        Stage.KNOWN,
        "missing_required",
        "'path' is a required property",
    ),
    "a missing and an unknown parameter": (
        call("read_file", file="a"),
        Stage.KNOWN,
        "missing_required",
        "'file' was unexpected",
    ),
    "an unknown parameter": (
        call("read_file", path="a", line=3),
        Stage.KNOWN,
        "unexpected_param",
        "'line' was unexpected",
    ),
    "a wrong type": (
        call("read_file", path="a", offset="3"),
        Stage.KNOWN,
        "wrong_type",
        "`offset`: '3' is not of type 'integer'",
    ),
    "a value out of range": (
        call("shell", command="ls", timeout_s=9999),
        Stage.KNOWN,
        "schema_other",
        "maximum of 600",
    ),
    "a file that is not there": (
        call("read_file", path="b.ts"),
        Stage.SCHEMA_VALID,
        "precondition_failed:not_found",
        "b.ts",
    ),
    "a path that leads out": (
        call("write_file", path="../x", content=""),
        Stage.SCHEMA_VALID,
        "precondition_failed:outside_workspace",
        "outside_workspace",
    ),
    "text that is not there": (
        call("edit_file", path="src/a.ts", old_text="four", new_text=""),
        Stage.SCHEMA_VALID,
        "precondition_failed:old_text_not_found",
        "",
    ),
    "text that is there twice": (
        call("edit_file", path="src/a.ts", old_text="t", new_text=""),
        Stage.SCHEMA_VALID,
        "precondition_failed:old_text_not_unique",
        "",
    ),
    "a pattern that does not compile": (
        call("search", pattern="("),
        Stage.SCHEMA_VALID,
        "precondition_failed:bad_pattern",
        "",
    ),
    "a file that is no text": (
        call("read_file", path="logo.png"),
        Stage.SCHEMA_VALID,
        "precondition_failed:not_text",
        "UTF-8",
    ),
    "lines past the end": (
        call("read_file", path="src/a.ts", offset=4),
        Stage.SCHEMA_VALID,
        "precondition_failed:bad_argument",
        "past the last line, 3",
    ),
    "half of a surrogate pair": (
        call("write_file", '{"path": "x", "content": "\\ud83d"}'),
        Stage.SCHEMA_VALID,
        "precondition_failed:bad_argument",
        "surrogate",
    ),
    "a path with a NUL": (
        call("read_file", path="a\0b"),
        Stage.SCHEMA_VALID,
        "precondition_failed:bad_argument",
        "NUL",
    ),
    "reading": (
        call("read_file", path="src/a.ts"),
        Stage.EFFECTIVE,
        None,
        "1\tone\n2\ttwo\n3\tthree",
    ),
    "reading a part": (
        call("read_file", path="src/a.ts", offset=2, limit=1),
        Stage.EFFECTIVE,
        None,
        "2\ttwo\n[lines 2-2 of 3; go on with offset=3]",
    ),
    "reading nothing": (call("read_file", path="empty.txt"), Stage.EFFECTIVE, None, "(empty file)"),
    "writing": (
        call("write_file", path="n/b", content="é"),
        Stage.EFFECTIVE,
        None,
        "created n/b (2 bytes)",
    ),
    "replacing": (
        call("write_file", path="src/a.ts", content=""),
        Stage.EFFECTIVE,
        None,
        "replaced",
    ),
    "writing the same": (
        call("write_file", path="empty.txt", content=""),
        Stage.EXECUTABLE,
        "repeated",
        "unchanged",
    ),
    "editing": (
        call("edit_file", path="src/a.ts", old_text="two", new_text="2"),
        Stage.EFFECTIVE,
        None,
        "edited src/a.ts, line 2",
    ),
    "editing into the same": (
        call("edit_file", path="src/a.ts", old_text="two", new_text="two"),
        Stage.EXECUTABLE,
        "repeated",
        "unchanged",
    ),
    "listing": (
        call("list_files", ""),
        Stage.EFFECTIVE,
        None,
        "empty.txt  0\nlogo.png  5\nsrc/\nsrc/a.ts  14",
    ),
    "searching": (
        call("search", pattern="t[wh]"),
        Stage.EFFECTIVE,
        None,
        "src/a.ts:2: two\nsrc/a.ts:3: three",
    ),
    "searching in vain": (call("search", pattern="zzz"), Stage.EFFECTIVE, None, "(no match)"),
    "a red test": (
        call("shell", command="exit 1"),
        Stage.EFFECTIVE,
        None,
        "exit code 1 after 1.5 s\n(no output)",
    ),
    "a command that hangs": (
        call("shell", command="hang", timeout_s=3),
        Stage.EFFECTIVE,
        None,
        "killed: not done after 3 s",
    ),
    "a command that is killed": (call("shell", command="die"), Stage.EFFECTIVE, None, "signal 9"),
    "finishing": (call("finish", summary="done"), Stage.EFFECTIVE, None, "finished: done"),
}


@pytest.mark.parametrize("case", FUNNEL)
async def test_every_call_ends_in_one_stage_and_the_model_is_told_why(
    case: str, tools: Tools
) -> None:
    emitted, stage, cause, told = FUNNEL[case]

    judged = await tools.dispatch(emitted)

    assert (judged.stage, judged.cause) == (stage, cause)
    assert told in judged.result
    assert judged.raw_arguments == emitted.raw_arguments
    assert judged.result.encode()


async def run(tools: Tools, *emitted: EmittedCall) -> list[ToolCall]:
    return [await tools.dispatch(one) for one in emitted]


async def test_the_same_answer_to_the_same_call_is_a_repetition_until_it_differs(
    tools: Tools,
) -> None:
    read = call("read_file", path="src/a.ts")
    edit = call("edit_file", path="src/a.ts", old_text="two", new_text="2")
    test = call("shell", command="exit 1")

    done = await run(tools, read, test, read, test, edit, read, call("shell", command="exit 2"))

    assert [one.cause for one in done] == [None, None, "repeated", "repeated", None, None, None]


async def test_seconds_alone_do_not_make_an_answer_new() -> None:
    slower = iter(range(100))

    def slowing(argv: Sequence[str]) -> ExecResult:
        return replace(bash(argv), seconds=float(next(slower)))

    spec = SandboxSpec(run_id="r", name="agent", image="fake-1")
    sandbox = await FakeEngine({"bash": slowing}).start(spec)
    ticks = iter(range(100))
    tools = Tools(sandbox, clock=lambda: float(next(ticks)))

    first, second = await run(tools, call("shell", command="x"), call("shell", command="x"))

    assert first.result != second.result
    assert (first.cause, second.cause) == (None, "repeated")
    assert (first.seconds, second.seconds) == (1.0, 1.0)


async def test_long_output_keeps_its_head_and_tail_and_says_what_is_missing(tools: Tools) -> None:
    (done,) = await run(tools, call("shell", command="print 100000"))

    size = len(done.result.encode())
    assert size <= 16 * 1024
    assert "      0\n" in done.result[:60]
    assert done.result.endswith("  12499\n")
    kept = 16 * 1024 - 200
    assert f"[... {100000 - kept} bytes cut ...]" in done.result


async def test_what_the_sandbox_cut_before_is_counted_in(sandbox: FakeSandbox) -> None:
    (done,) = await run(Tools(sandbox), call("shell", command="print 800000"))

    cut = int(done.result.split("[... ")[1].split()[0])
    assert 0 <= cut - (800000 - (16 * 1024 - 200)) < 100


async def test_a_long_file_is_read_in_parts_that_meet(sandbox: FakeSandbox, tools: Tools) -> None:
    lines = [f"line {n}" for n in range(1, 3001)]
    await sandbox.write("long.txt", "\n".join(lines).encode())
    read: list[str] = []

    while len(read) < len(lines):
        (done,) = await run(tools, call("read_file", path="long.txt", offset=len(read) + 1))
        rows = [row for row in done.result.splitlines() if not row.startswith("[")]
        assert len(done.result.encode()) <= 16 * 1024
        read += [row.partition("\t")[2] for row in rows]

    assert read == lines


async def test_one_endless_line_is_cut_in_its_middle(sandbox: FakeSandbox, tools: Tools) -> None:
    await sandbox.write("min.js", b"x" * 100_000)

    (done,) = await run(tools, call("read_file", path="min.js"))

    assert done.stage is Stage.EFFECTIVE
    assert "bytes cut" in done.result
    assert len(done.result) < 17_000


async def test_a_shell_command_gets_no_more_than_what_is_left_of_the_trial(tools: Tools) -> None:
    hang = call("shell", command="hang", timeout_s=300)

    done = await tools.dispatch(hang, at_most_s=20)

    assert "not done after 20 s" in done.result


async def test_a_lost_sandbox_is_never_a_result(sandbox: FakeSandbox, tools: Tools) -> None:
    await sandbox.close()

    with pytest.raises(SandboxLost):
        await tools.dispatch(call("read_file", path="src/a.ts"))


def test_every_tool_is_strict_and_has_words_for_each_parameter() -> None:
    for tool in TOOLS:
        parameters = tool["function"]["parameters"]
        assert parameters["additionalProperties"] is False
        assert set(parameters["required"]) <= set(parameters["properties"])
        assert all(one["description"] for one in parameters["properties"].values())
    assert list(PARAMETERS) == [
        "read_file",
        "write_file",
        "edit_file",
        "list_files",
        "search",
        "shell",
        "finish",
    ]


def test_the_task_is_put_to_every_model_in_the_same_words() -> None:
    task = Task(prompt="# Fix $x\n\nIt costs $5.\n", commands={"test": "npm test"})

    system, user = opening(task)

    assert (system["role"], user["role"]) == ("system", "user")
    assert user["content"].startswith("# Fix $x\n\nIt costs $5.\n\n## ")
    assert user["content"].endswith("- test: `npm test`")
    assert len(prompts_digest(follow_ups=False)) == 64
    assert prompts_digest(follow_ups=True) != prompts_digest(follow_ups=False)
