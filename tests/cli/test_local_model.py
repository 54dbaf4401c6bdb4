"""A real model, small and hopeless, through the whole of a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.local.weights import locate
from testbed.catalog import find_card
from testbed.errors import EndpointError

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

SHIPPED = resources.files("testbed") / "models" / "local-smollm2.toml"
PARENT = """
import asyncio
from runner.local.server import serve_local
from testbed.catalog import find_card

async def main():
    async with serve_local([find_card("local/smollm2")]):
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""

pytestmark = [pytest.mark.local, pytest.mark.usefixtures("installed")]


@pytest.fixture(scope="module")
def installed() -> None:
    """Skip where the local model's packages are absent, or fail where they must be there."""
    weights = find_card("local/smollm2").weights
    assert weights is not None
    try:
        locate(weights, model="local/smollm2")
    except EndpointError as error:
        if os.environ.get("TESTBED_REQUIRE_LOCAL") == "1":
            pytest.fail(f"required, but: {error}")
        pytest.skip(str(error))


@pytest.fixture
def card(desk: Desk) -> str:
    """Return a card of the shipped weights with a window that is read in seconds."""
    text = SHIPPED.read_text().replace("= 8192", "= 2048").replace("= 512", "= 48")
    (desk.folder / "small.toml").write_text(text)
    return "small.toml"


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_its_failures_are_the_models_own_and_its_cost_is_unknown(desk: Desk, card: str) -> None:
    arguments = ("run", "-m", card, "-n", "1", "-j", "1", "--engine", "local")
    stopped = desk.testbed(*arguments, "--max-turns", "3")
    made = list(desk.runs.glob("*/trials.jsonl"))
    forced = desk.testbed("run", "--resume", "latest", "--force", "--json")

    assert stopped.returncode == 3, stopped.stderr
    assert "fails the preflight in tools_streamed" in stopped.stderr
    assert made == []
    assert forced.returncode == 0, forced.stderr
    (path,) = desk.runs.glob("*/trials.jsonl")
    trial = json.loads(path.read_text())
    assert (trial["verdict"], trial["failure"]) == ("fail", None)
    assert trial["ending"] in {"stopped_talking", "turn_limit", "malformed"}
    assert trial["cost_usd"] is None
    assert 0 < trial["usage"]["output"] <= 48 * trial["requests"]
    assert trial["served_models"] == ["smollm2-135m-instruct-q4_1"]
    (stored,) = desk.runs.glob("*/preflight.json")
    preflights = json.loads(stored.read_text())
    assert preflights["forced"]
    assert len(preflights["asked"]) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_server_ends_with_the_process_that_started_it(how: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        parent.send_signal(how)

    assert len(children) == 1
    deadline = time.monotonic() + 30
    while _runs(children[0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(children[0])


def _runs(pid: str) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and ") Z " not in stat.read_text()
