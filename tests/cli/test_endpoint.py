"""A model behind an ordinary endpoint: priced, recorded, and its key kept out of everything."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from runner.players.cast import CAST, performance_of
from runner.players.server import serve_players
from runner.recording import read_exchanges
from runner.workspace import apply_patch, seed_workspace
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Desk

KEY = "sk-very-secret-0123456789"
CARD = """
schema_version = 1
id = "acme/coder"
title = "Acme Coder"
provider = "acme"
model = "coder-1"
base_url = "{base_url}"
key_variable = "ACME_KEY"
[[prices]]
valid_from = 2025-01-01
input = 1.0
cache_read = 0.1
output = 2.0
source = "a test"
checked_on = 2025-01-01
"""


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Serve the reference solution at a plain endpoint, as a provider would serve a model."""
    (scenario,) = load_suite(desk.folder).scenarios
    workspace = seed_workspace(scenario)
    performance = performance_of(
        scenario,
        seeded=workspace.tree,
        reference=apply_patch(workspace, scenario.reference.read_bytes()),
    )
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    ready: list[str] = []
    started = threading.Event()

    async def serve() -> None:
        async with serve_players() as server:
            ready.append(server.stage(CAST["oracle"], performance))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def test_a_model_behind_an_endpoint_is_run_and_priced(desk: Desk, engine: str) -> None:
    with served(desk) as base_url:
        (desk.folder / "acme.toml").write_text(CARD.format(base_url=base_url))
        arguments = ("run", "-m", "acme.toml", "-s", "minus", "-n", "3", "-j", "2", "--json")
        ran = desk.testbed(*arguments, "--force", "--engine", engine, ACME_KEY=KEY)

    assert ran.returncode == 0, ran.stderr
    (path,) = desk.runs.glob("*/trials.jsonl")
    trials = [json.loads(line) for line in path.read_text().splitlines()]
    assert [trial["verdict"] for trial in trials] == ["pass"] * 3
    assert [trial["scripted"] for trial in trials] == [False] * 3
    for trial in trials:
        usage = trial["usage"]
        cost = (usage["fresh_input"] * 1.0 + usage["output"] * 2.0) / 1e6
        assert trial["cost_usd"] == pytest.approx(cost)


def test_a_model_that_fails_the_preflight_is_run_only_by_force(desk: Desk, engine: str) -> None:
    with served(desk) as base_url:
        (desk.folder / "acme.toml").write_text(CARD.format(base_url=base_url))
        arguments = ("run", "-m", "acme.toml", "-n", "1", "--engine", engine)
        stopped = desk.testbed(*arguments, ACME_KEY=KEY)
        made = list(desk.runs.glob("*/trials*"))
        resumed = desk.testbed("run", "--resume", "latest", "--force", ACME_KEY=KEY)

    assert stopped.returncode == 3
    assert "acme/coder fails the preflight in tools_streamed" in stopped.stderr
    assert "--force" in stopped.stderr
    assert made == []
    assert resumed.returncode == 0, resumed.stderr
    assert "run all the same" in resumed.stderr
    (path,) = desk.runs.glob("*/preflight.json")
    assert json.loads(path.read_text())["forced"]


def test_the_key_is_in_no_file_and_no_output(desk: Desk, engine: str) -> None:
    with served(desk) as base_url:
        (desk.folder / "acme.toml").write_text(CARD.format(base_url=base_url))
        arguments = ("run", "-m", "acme.toml", "-n", "1", "--force", "--engine", engine)
        ran = desk.testbed(*arguments, ACME_KEY=KEY)

    (exchanges,) = desk.runs.glob("*/trials/*/*/*/*/exchanges.jsonl.zst")
    recorded = json.dumps(list(read_exchanges(exchanges)))
    assert '"messages"' in recorded
    assert KEY not in recorded + ran.stdout + ran.stderr
    files = [path for path in desk.runs.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_an_endpoint_that_does_not_answer_is_said_before_anything_is_made(
    desk: Desk, engine: str
) -> None:
    with served(desk) as base_url:
        (desk.folder / "acme.toml").write_text(CARD.format(base_url=base_url))
        arguments = ("run", "-m", "acme.toml", "-n", "1", "--force", "--engine", engine)
        first = desk.testbed(*arguments, ACME_KEY=KEY)
    gone = desk.testbed(*arguments, ACME_KEY=KEY)

    assert first.returncode == 0, first.stderr
    assert gone.returncode == 3
    assert "acme/coder" in gone.stderr
    assert "Traceback" not in gone.stderr
    assert len(list(desk.runs.glob("*/trials.jsonl"))) == 1
