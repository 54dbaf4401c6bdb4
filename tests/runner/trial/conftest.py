"""Whole trials over the tiny suite, with a model behind a real endpoint that answers as told."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from runner.chatters import Chatters
from runner.conductor import prepare
from runner.trial import Workshop, make_trial
from testbed.catalog import ModelCard
from testbed.plan import PlannedScenario, RunConfig
from testbed.scenario import load_suite
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.conductor import Prepared
    from testbed.records import Trial
    from testbed.store import TrialPaths

TINY = Path(__file__).parents[2] / "suites" / "tiny"
KEY = "sk-very/secret-0123456789"


Answer = Mapping[str, Any]
"""One response: `deltas` said one by one, then a `call` (name, arguments); or a `body` in pieces.
`status`, `headers` and `model` may be told."""
Answering = Callable[[list[dict[str, Any]]], Answer]
"""The messages of a request -> what is answered."""


def _body(answer: Answer) -> Sequence[bytes]:
    if "body" in answer:
        pieces: Sequence[bytes] = answer["body"]
        return pieces
    name, arguments = answer["call"]
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": "c1", "type": "function", "function": function}
    events = [{"delta": delta} for delta in (*answer.get("deltas", ()), {"tool_calls": [call]})]
    events.append({"delta": {}, "finish_reason": "tool_calls"})
    chunks = [{"model": answer.get("model", "m-1"), "choices": [event]} for event in events]
    return [*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"]


@dataclass
class Endpoint:
    """Answers Chat Completions and keeps what it was asked."""

    answering: Answering
    asked: list[list[dict[str, Any]]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        self.asked.append(body["messages"])
        answer = self.answering(body["messages"])
        headers = {"content-type": "text/event-stream", "connection": "close"}
        headers |= answer.get("headers", {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.get('status', 200)} X\r\n{lines}\r\n".encode())
        for piece in _body(answer):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.close()


@dataclass(frozen=True, kw_only=True)
class Made:
    """One trial and where it lies."""

    run: Run
    trial: Trial
    paths: TrialPaths
    asked: list[list[dict[str, Any]]]
    suite: Path
    cache: Path


class Maker(Protocol):
    """Makes one trial of `minus` with a model that answers as told."""

    async def __call__(self, answering: Answering, *, follow_ups: int = 0) -> Made: ...


@asynccontextmanager
async def _served(answering: Answering) -> AsyncIterator[tuple[Endpoint, str]]:
    endpoint = Endpoint(answering)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    async with server:
        yield endpoint, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def _config(suite: Path, url: str, follow_ups: int) -> RunConfig:
    card = ModelCard(
        schema_version=1,
        id="acme/coder",
        title="Acme Coder",
        provider="acme",
        model="coder-1",
        base_url=url,
        key_variable="ACME_KEY",
    )
    return RunConfig(
        run_id="r1",
        created_at="2026-11-22T00:00:00+00:00",
        suite=str(suite),
        models=(card,),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=1,
        engine="local",
        follow_ups=follow_ups,
    )


async def _made(run: Run, prepared: Prepared) -> Trial:
    scenes = await prepared.scenes(run_id="r1", progress=lambda _: None)
    async with Chatters(run.config.models, scenes) as chatters:
        workshop = Workshop(
            run=run,
            engine=prepared.engine,
            scenes=scenes,
            open_chat=chatters.open,
            graders=asyncio.Semaphore(1),
        )
        return await make_trial(workshop, next(run.config.trials()), 1)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    shutil.copytree(TINY, tmp_path / "suite")
    return tmp_path / "suite"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def make_one(
    suite: Path,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    local_engine: object,
) -> Maker:
    """Return what makes one trial of `minus` with a model that answers as told."""
    assert local_engine
    monkeypatch.setenv("ACME_KEY", KEY)

    async def make(answering: Answering, *, follow_ups: int = 0) -> Made:
        async with _served(answering) as (endpoint, url):
            run = Run.create(tmp_path / "runs", _config(suite, url, follow_ups))
            prepared = await prepare(
                load_suite(suite), engine_name="local", cache=cache, progress=lambda _: None
            )
            with run.writing(prepared.lock(run.config)):
                trial = await _made(run, prepared)
                run.add(trial)
        planned = next(run.config.trials())
        return Made(
            run=run,
            trial=trial,
            paths=run.paths.attempt(planned, 1),
            asked=endpoint.asked,
            suite=suite,
            cache=cache,
        )

    return make
