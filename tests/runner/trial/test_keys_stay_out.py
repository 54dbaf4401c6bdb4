"""No key of an endpoint reaches the disk, wherever it turns up in a trial."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from runner.recording import read_exchanges
from runner.redaction import Redactor
from runner.regrade import regrade
from runner.workspace import apply_patch, seed_workspace
from testbed.records import Ending, Verdict
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.trial.conftest import Maker

KEY = "sk-very/secret-0123456789"
Answer = dict[str, Any]
"""The fields of a scripted answer."""
HALVES = KEY[:9], KEY[9:]
STOP = b'\n\ndata: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
LEAK = "export const sum = (a, b) => a + b; // the key is {}\n"


def stored(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, decompressed where it is compressed."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    for name, data in files.items():
        if name.endswith(".zst"):
            files[name] = (
                zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
            )
    return files


def holders(folder: Path) -> list[str]:
    """Name the files that hold the key, as it is or as JSON may write it."""
    forms = (KEY.encode(), KEY.replace("/", "\\/").encode())
    return [n for n, data in stored(folder).items() if any(form in data for form in forms)]


def shell(command: str) -> Answer:
    return {"call": ("shell", {"command": command})}


def finish(summary: str = "done") -> Answer:
    return {"call": ("finish", {"summary": summary})}


def telling(messages: list[dict[str, Any]]) -> Answer:
    """Echo the key in every place that a model or its endpoint has."""
    turn: int = sum(message["role"] == "assistant" for message in messages)
    cut = json.dumps({"choices": [{"delta": {"content": KEY}}]})
    write = {"path": "lib/sum.mjs", "content": LEAK.format(KEY)}
    steps: list[Answer] = [
        {
            "deltas": [{"content": part} for part in ("the key is ", *HALVES, ", as you know")],
            "call": ("write_file", write),
            "headers": {"x-request-id": KEY, "x-ratelimit-limit": KEY, "x-secret": KEY},
        },
        {
            "deltas": [{"reasoning_content": part} for part in ("it is ", *KEY, "!")],
            **shell(f"printf {HALVES[0]}; printf {HALVES[1]}"),
        },
        {"body": [f"data: {cut}"[:40].encode(), f"data: {cut}"[40:].encode() + STOP]},
        shell(f"echo {KEY} > test/{KEY[:7]}.txt; echo {KEY}"),
        shell(f"a={HALVES[0]}; echo \"throw Error('${{a}}{HALVES[1]}')\" >> lib/sum.mjs"),
        shell(f'a={HALVES[0]}; printf "\\0${{a}}{HALVES[1]}" > lib/blob'),
        finish(KEY),
    ]
    return steps[turn]


async def test_a_key_that_is_told_everywhere_is_in_no_file(make_one: Maker) -> None:
    made = await make_one(telling)

    assert made.trial.turns == 7
    assert made.trial.ending is Ending.FINISHED
    assert made.trial.verdict is Verdict.FAIL
    assert holders(made.run.paths.folder) == []
    files = stored(made.paths.folder)
    assert b"[key]" in files["turns.jsonl"]
    assert b"[key]" in files["exchanges.jsonl.zst"]
    assert b"throw Error('[key]')" in files["patch.diff"]
    assert b"the key of an endpoint" in files["log.txt"]
    (scenario,) = load_suite(made.suite).scenarios
    assert apply_patch(seed_workspace(scenario), files["patch.diff"])["lib/blob"].data == b"\0[key]"
    assert "x-secret" not in files["exchanges.jsonl.zst"].decode()


async def test_nobody_can_put_the_key_together_again_from_the_stored_streams(
    make_one: Maker,
) -> None:
    made = await make_one(telling)

    told = ""
    for exchange in read_exchanges(made.paths.exchanges):
        body = "".join(data for _, data in exchange["chunks"])
        for line in body.splitlines():
            if line.startswith("data: {"):
                delta = json.loads(line[6:])["choices"][0]["delta"]
                told += delta.get("content", "") + delta.get("reasoning_content", "")
    assert "it is [key]!" in told
    assert "the key is [key], as you know" in told
    assert KEY not in told


async def test_a_patch_without_the_key_is_graded_again_to_the_same_end(make_one: Maker) -> None:
    made = await make_one(telling)

    regraded = await regrade(
        made.run, load_suite(made.suite), cache=made.cache, jobs=1, progress=lambda _: None
    )

    assert (regraded.changed, regraded.spoiled) == (0, 0)
    assert holders(made.run.paths.folder) == []


async def test_a_key_that_code_under_test_puts_together_is_in_no_report(make_one: Maker) -> None:
    code = f"export const sum = () => {{ throw Error('{HALVES[0]}' + '{HALVES[1]}') }};\n"

    def joining(messages: list[dict[str, Any]]) -> Answer:
        write = {"call": ("write_file", {"path": "lib/sum.mjs", "content": code})}
        return write if len(messages) < 3 else finish()

    made = await make_one(joining)

    assert 'message="[key]"' in made.paths.junit("unit").read_text()
    assert "failed: [key]" in made.paths.grade.read_text()
    assert holders(made.run.paths.folder) == []


async def test_a_key_in_an_error_is_in_no_file(make_one: Maker) -> None:
    error = json.dumps({"error": {"message": f"bad key {KEY} " + "x" * 383 + KEY}}).encode()

    made = await make_one(lambda _: {"body": [error[:30], error[30:]], "status": 401})

    assert made.trial.failure is not None
    assert "[key]" in made.trial.failure.detail
    assert holders(made.run.paths.folder) == []


async def test_a_fault_of_the_harness_that_quotes_the_key_is_stored_without_it(
    make_one: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError(f"cannot use {KEY}")

    monkeypatch.setattr("runner.trial.leave_patch", broken)
    made = await make_one(lambda _: finish())

    assert made.trial.failure is not None
    assert "cannot use [key]" in made.trial.failure.detail
    assert "cannot use [key]" in made.paths.log.read_text()
    assert holders(made.run.paths.folder) == []


async def test_without_a_key_a_patch_is_stored_as_it_was_left(make_one: Maker) -> None:
    def honest(messages: list[dict[str, Any]]) -> Answer:
        first = {"call": ("write_file", {"path": "lib/blob", "content": "[key]\n"})}
        return first if len(messages) < 3 else finish()

    made = await make_one(honest)

    assert b"+[key]" in made.paths.patch.read_bytes()
    assert not made.paths.log.read_text().startswith("not part")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (b'{"a": "sk-a\\/b&c"}', b'{"a": "[key]"}'),
        (b"<failure message='sk-a/b&amp;c'/>", b"<failure message='[key]'/>"),
        (b"sk-a/b&c", b"[key]"),
    ],
)
def test_a_key_is_found_however_it_is_written(text: bytes, clean: bytes) -> None:
    assert Redactor.of(["sk-a/b&c"]).data(text) == clean


def test_a_key_inside_another_is_no_reason_to_leave_a_part() -> None:
    assert Redactor.of(["12345678", "sk-12345678-long"]).text("sk-12345678-long") == "[key]"


def test_a_placeholder_that_is_a_field_name_breaks_no_record() -> None:
    value = {"messages": [{"role": "user", "content": "messages"}], "x-messages": 1}

    clean = Redactor.of(["messages"]).value(value)

    assert clean == {"messages": [{"role": "user", "content": "[key]"}], "x-[key]": 1}
