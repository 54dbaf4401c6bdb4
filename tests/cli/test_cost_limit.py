"""A cost limit ends a run before the trial that could exceed it, and a raised one goes on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.cast import CAST, performance_of
from runner.players.server import serve_players
from runner.recording import Recording
from runner.workspace import apply_patch, seed_workspace
from testbed.cli.run import begin, continued
from testbed.errors import UsageError
from testbed.plan import PlannedTrial, TrialLimits
from testbed.records import Exchange, Usage
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from runner.players.player import Performance
    from tests.cli.conftest import Desk

CARD = """
schema_version = 1
id = "acme/coder"
title = "Acme Coder"
provider = "acme"
model = "coder-1"
base_url = "{base_url}"
context_window = 20000
max_output_tokens = 1000
[[prices]]
valid_from = 2025-01-01
input = 1.0
output = 2.0
source = "a test"
checked_on = 2025-01-01
"""
TURNS = 8
BOUND = TURNS * (0.02 + 0.002)


def a_performance(desk: Desk) -> Performance:
    (scenario,) = load_suite(desk.folder).scenarios
    workspace = seed_workspace(scenario)
    solved = apply_patch(workspace, scenario.reference.read_bytes())
    return performance_of(scenario, seeded=workspace.tree, reference=solved)


def a_card(desk: Desk, base_url: str = "http://127.0.0.1:9/v1") -> str:
    path = desk.folder / "acme.toml"
    path.write_text(CARD.format(base_url=base_url))
    return str(path)


def journal(desk: Desk) -> list[dict[str, Any]]:
    (path,) = desk.runs.glob("*/trials.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
async def test_a_run_stops_before_its_limit_and_goes_on_under_a_higher_one(desk: Desk) -> None:
    limit = BOUND + 0.01
    async with serve_players() as server:
        card = a_card(desk, server.stage(CAST["oracle"], a_performance(desk)))
        asked = ("run", "-m", card, "-n", "6", "-j", "2", "--engine", "local", "--force")
        limits = ("--max-turns", str(TURNS), "--max-cost-usd", str(limit))
        stopped = await asyncio.to_thread(desk.testbed, *asked, *limits)
        made = journal(desk)
        again = ("run", "--resume", "latest", "--max-cost-usd", "5")
        resumed = await asyncio.to_thread(desk.testbed, *again)

    assert stopped.returncode == 0, stopped.stderr
    assert "one more trial may cost up to $0.176" in stopped.stderr
    assert "--max-cost-usd" in stopped.stderr.splitlines()[-1]
    spent = sum(trial["cost_usd"] for trial in made)
    assert 0 < len(made) < 6
    assert spent - made[-1]["cost_usd"] + BOUND <= limit
    assert resumed.returncode == 0, resumed.stderr
    assert "at most $5.00 in all" in resumed.stderr
    assert len(journal(desk)) == 6
    (config,) = desk.runs.glob("*/run.json")
    assert json.loads(config.read_bytes())["max_cost_usd"] == limit


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--max-cost-usd", "1"),
            ("no trial of acme/coder", "up to $1.32", "--max-trial-cost-usd"),
        ),
        (("--max-cost-usd", "0"), ("--max-cost-usd",)),
        (("--max-trial-cost-usd", "-1"), ("--max-trial-cost-usd",)),
        (("--follow-ups", "11"), ("--follow-ups",)),
        (("--resume", "latest"), ("--resume takes models",)),
    ],
)
def test_a_limit_that_cannot_work_is_said_before_anything_is_made(
    desk: Desk, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused = desk.testbed("run", "-m", a_card(desk), *options)

    assert refused.returncode == 2, refused.stderr
    assert all(word in refused.stderr for word in words), refused.stderr
    assert "Traceback" not in refused.stderr
    assert not desk.runs.exists()


def test_a_limit_of_the_trial_makes_room_under_one_of_the_run(desk: Desk) -> None:
    run = begin(
        load_suite(desk.folder),
        [a_card(desk)],
        repeats=2,
        engine="auto",
        limits=TrialLimits(max_cost_usd=0.5),
        max_cost_usd=0.6,
        runs=desk.runs,
        follow_ups=2,
        forced=True,
    )

    assert (run.config.follow_ups, run.config.forced) == (2, True)
    with pytest.raises(UsageError, match=r"\$0.00 of the limit of \$0.52 is spent.*higher"):
        continued(desk.runs, run.config.run_id, max_cost_usd=0.52)


def test_what_a_broken_off_try_has_cost_is_spent_when_the_run_is_continued(desk: Desk) -> None:
    run = begin(
        load_suite(desk.folder),
        [a_card(desk)],
        repeats=2,
        engine="auto",
        limits=TrialLimits(max_turns=TURNS),
        max_cost_usd=0.2,
        runs=desk.runs,
    )
    asked = run.paths.config.read_bytes()
    recording = Recording(run.paths.attempt(PlannedTrial("acme/coder", "minus", 1), 1))
    recording.begin()
    sent = Exchange(
        turn=1,
        attempt=1,
        sent_at="2026-01-01T00:00:00.000000+00:00",
        usage=Usage(fresh_input=50_000, output=0),
        cost_usd=0.05,
    )
    recording.exchange(sent, {}, [])

    with pytest.raises(UsageError, match=r"up to \$0.176, .*\$0.05 of the limit of \$0.20"):
        continued(desk.runs, run.config.run_id, max_cost_usd=None)
    raised = continued(desk.runs, run.config.run_id, max_cost_usd=0.3)

    assert raised.config.max_cost_usd == 0.3
    assert run.paths.config.read_bytes() == asked
