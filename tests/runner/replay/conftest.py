"""A small run made in memory: a real endpoint, a real loop, a sandbox without commands."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.chat.openai import Connection, OpenAIChat
from runner.chat.quirks import ModelEndpoint
from runner.chat.retry import RetryPolicy
from runner.chatters import Pricer
from runner.grading.grade import GradeResult
from runner.sandbox.base import ExecResult
from runner.sandbox.fake import FakeEngine
from runner.scene import Scene, seed_all, set_scene
from runner.trial import Workshop, make_trial
from testbed.catalog import ModelCard
from testbed.plan import PlannedScenario, RunConfig, RunLock
from testbed.pricing import Price
from testbed.records import Check, CheckKind, Grade, UnusedName, Verdict
from testbed.scenario import load_suite
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from runner.chat.base import ChatModel
    from runner.recording import Recording
    from testbed.plan import PlannedTrial

TINY = Path(__file__).parents[2] / "suites" / "tiny"
Response = tuple[int, bytes]
"""Status and body."""
LIMITED: Response = (429, b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}')


def said(
    *calls: tuple[str, Mapping[str, Any] | str], text: str = "", usage: Mapping[str, Any]
) -> Response:
    """Write a streamed reply."""
    events: list[dict[str, Any]] = [{"delta": {"content": part}} for part in text.split()]
    for at, (name, arguments) in enumerate(calls):
        raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": raw}
        call = {"index": at, "id": f"c{at}", "type": "function", "function": function}
        events.append({"delta": {"tool_calls": [call]}})
    events.append({"delta": {}, "finish_reason": "tool_calls" if calls else "stop"})
    chunks: list[dict[str, Any]] = [{"model": "coder-1", "choices": [e]} for e in events]
    chunks.append({"model": "coder-1", "choices": [], "usage": usage})
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return 200, body.encode() + b"data: [DONE]\n\n"


def used(prompt: int, cached: int, output: int) -> dict[str, Any]:
    details: dict[str, Any] = {"prompt_tokens_details": {"cached_tokens": cached}}
    return {"prompt_tokens": prompt, "completion_tokens": output, **details}


SUM = "export const sum = (a, b) => a + b;\n"
REPLIES: dict[int, list[Response]] = {
    1: [
        LIMITED,
        said(("read_file", {"path": "lib/sum.mjs"}), text="let me look", usage=used(900, 0, 31)),
        said(
            ("write_file", {"path": "lib/sum.mjs", "content": SUM}),
            ("shell", {"command": "npm test"}),
            ("serach", {"pattern": "sum"}),
            usage=used(1300, 896, 77),
        ),
        said(("read_file", '{"path": "lib/'), usage=used(1700, 1280, 12)),
        said(("finish", {"summary": "done"}), usage=used(1900, 1664, 9)),
    ],
    2: [
        said(("list_files", {}), usage=used(900, 0, 8)),
        LIMITED,
        LIMITED,
        LIMITED,
    ],
    3: [said(text="no tool at all", usage=used(900, 0, 8))],
}
"""What the endpoint answers at each repeat, in order; the last answer for ever."""


def _card() -> ModelCard:
    day = date(2026, 1, 1)
    price = Price(
        input=0.55, cache_read=0.13, output=2.2, valid_from=day, source="here", checked_on=day
    )
    return ModelCard(
        schema_version=1,
        id="acme/coder",
        title="Acme Coder",
        provider="acme",
        model="coder-1",
        base_url="http://127.0.0.1:9/v1",
        prices=(price,),
    )


def _config() -> RunConfig:
    return RunConfig(
        run_id="r1",
        created_at="2026-11-22T00:00:00+00:00",
        suite=str(TINY),
        models=(_card(),),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=4,
        engine="local",
    )


@asynccontextmanager
async def _served(replies: Sequence[Response]) -> AsyncIterator[str]:
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        status, body = left.pop(0) if len(left) > 1 else left[0]
        lines = "content-type: text/event-stream\r\nx-request-id: q7\r\nconnection: close\r\n"
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
        for piece in body.splitlines(keepends=True):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def _at_once(_: float) -> None:
    return


@asynccontextmanager
async def _open_chat(planned: PlannedTrial, recording: Recording) -> AsyncIterator[ChatModel]:
    async with _served(REPLIES[planned.repeat]) as url:
        endpoint = ModelEndpoint(base_url=url, api_key="none", model="coder-1")
        async with Connection(endpoint) as connection:
            yield OpenAIChat(
                connection,
                recorder=recording.exchange,
                price=Pricer(card=_card()),
                policy=RetryPolicy(attempts=3),
                sleep=_at_once,
            )


def _quiet(_: Sequence[str]) -> ExecResult:
    return ExecResult(
        exit_code=0, stdout=b"", stderr=b"", cut_bytes=0, timed_out=False, seconds=0.0
    )


class Judged(Scene):
    """A scene whose patches are graded without running anything."""

    async def grade(self, *_: object, **__: object) -> GradeResult:
        """Fail the hidden check, find one unused name."""
        checks = (
            Check(id="typecheck", kind=CheckKind.TYPECHECK, passed=True),
            Check(id=".testbed/checks/unit/sum", kind=CheckKind.FAIL_TO_PASS, passed=False),
            Check(id="constraint:no-tampering", kind=CheckKind.CONSTRAINT, passed=True),
        )
        unused = (UnusedName(path="lib/sum.mjs", line=1, message="`c` is never used"),)
        grade = Grade(verdict=Verdict.FAIL, checks=checks, unused=unused, localised=True)
        return GradeResult(grade=grade, reports={"unit": b"<testsuites/>\n"}, log="graded\n")


async def _scene(engine: FakeEngine) -> Scene:
    scenarios = load_suite(TINY).scenarios
    workspaces = seed_all(scenarios)
    scene = await set_scene(
        scenarios[0], workspaces["minus"], image="fake-none", engine=engine, run_id="r1"
    )
    return Judged(**vars(scene))


async def _make(folder: Path) -> Path:
    engine = FakeEngine({"node": _quiet, "bash": _quiet})
    run = Run.create(folder, _config())
    lock = RunLock(
        testbed="0",
        engine="fake",
        images={},
        prompt="",
        fixtures={},
        scenarios={},
        models={},
        config=hashlib.sha256(run.paths.config.read_bytes()).hexdigest(),
    )
    workshop = Workshop(
        run=run,
        engine=engine,
        scenes={"minus": await _scene(engine)},
        open_chat=_open_chat,
        graders=asyncio.Semaphore(1),
    )
    with run.writing(lock):
        for planned in list(run.config.trials())[:3]:
            run.add(await make_trial(workshop, planned, 1))
    return run.paths.folder


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the run once; the fourth of its trials is missing."""
    folder = tmp_path_factory.mktemp("runs")
    with ThreadPoolExecutor(1) as thread:  # a session's fixture must not touch a test's loop
        return thread.submit(lambda: asyncio.run(_make(folder))).result()


@pytest.fixture
def run(made_run: Path, tmp_path: Path) -> Run:
    """Return a copy of the run, to be spoiled at will."""
    shutil.copytree(made_run, tmp_path / "r1")
    return Run(tmp_path / "r1")
