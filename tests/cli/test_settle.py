"""More repeats until a comparison is settled: under the same conditions, within the budget."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.cast import CAST, performance_of
from runner.players.server import serve_players
from runner.spending import spent_by_run
from runner.workspace import apply_patch, seed_workspace
from testbed.catalog import ModelCard, find_card
from testbed.cli.settle import Settled, settle
from testbed.cli.sides import Entrant
from testbed.comparing.looks import Stop
from testbed.errors import RunError, UsageError
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, RunLock
from testbed.records import Ending, Funnel, Trial, Verdict
from testbed.scenario import load_suite
from testbed.store import Run

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

ORACLE, NOOP = find_card("scripted/oracle"), find_card("scripted/noop")
SCENARIOS = ("minus", "minus-2", "minus-3")
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
ACME = ModelCard.model_validate(tomllib.loads(CARD.format(base_url="http://127.0.0.1:9/v1")))
TURNS = 8
BOUND = TURNS * (0.02 + 0.002)
"""What one of its trials may cost at most."""
LOCK = RunLock(
    testbed="0.0.1",
    engine="local",
    images={"tiny": "i"},
    prompt="p",
    fixtures={"tiny": "f"},
    scenarios=dict.fromkeys(SCENARIOS, "s"),
    models={},
)
DRIVER = """
import sys
from pathlib import Path
from testbed.cli.settle import settle
from testbed.cli.sides import find_entrant
from testbed.errors import TestbedError
*names, budget = sys.argv[1:]
sides = [find_entrant(Path("runs"), name) for name in names]
cost = float(budget) if budget else None
try:
    found = settle(*sides, runs=Path("runs"), max_repeats=9, max_cost_usd=cost, margin=0, jobs=1)
    print(found.note)
except TestbedError as fault:
    print(fault, file=sys.stderr)
    sys.exit(fault.exit_code)
"""


@pytest.fixture
def wide(desk: Desk) -> Desk:
    """Give the tiny suite three scenarios: below two nothing is settled."""
    for name in SCENARIOS[1:]:
        folder = desk.folder / "scenarios" / name
        shutil.copytree(desk.folder / "scenarios" / "minus", folder)
        card = folder / "scenario.toml"
        card.write_text(card.read_text().replace('id = "minus"', f'id = "{name}"'))
    return desk


def recorded(
    desk: Desk,
    *rows: tuple[ModelCard, tuple[int, ...]],
    repeats: int = 3,
    lock: RunLock = LOCK,
    **changes: Any,  # noqa: ANN401  (any field of a configuration)
) -> Run:
    """Put down a run: rows of a card and its passes per scenario, of so many repeats."""
    number = len(list(desk.runs.glob("*"))) + 1
    config = RunConfig(
        run_id=f"run-{number}",
        created_at=f"2026-11-22T13:00:{number:02}+00:00",
        suite=str(desk.folder),
        models=tuple(card for card, _ in rows),
        scenarios=tuple(
            PlannedScenario(id=s, title=s, kind="bug", difficulty="easy") for s in SCENARIOS
        ),
        repeats=repeats,
        engine="auto",
    )
    run = Run.create(desk.runs, config.model_copy(update=changes))
    with run.writing(lock):
        for planned in run.config.trials():
            counts = next(counts for card, counts in rows if card.id == planned.model)
            passed = planned.repeat <= counts[SCENARIOS.index(planned.scenario)]
            run.add(a_trial(planned, Verdict.PASS if passed else Verdict.FAIL))
    return run


def a_trial(planned: PlannedTrial, verdict: Verdict) -> Trial:
    return Trial(
        model=planned.model,
        scripted=planned.model.startswith("scripted/"),
        scenario=planned.scenario,
        kind="bug",
        repeat=planned.repeat,
        attempt=1,
        ending=Ending.FINISHED,
        verdict=verdict,
        started_at="2026-11-22T13:00:00+00:00",
        phases={"total": 1.0},
        turns=1,
        requests=1,
        rate_limited=0,
        usage=None,
        cost_usd=0.1,
        funnel=Funnel(),
        latencies=(),
        patch=None,
    )


def settled(
    desk: Desk, a: Entrant, b: Entrant, *, max_repeats: int = 5, max_cost_usd: float | None = None
) -> Settled:
    return settle(
        a,
        b,
        runs=desk.runs,
        max_repeats=max_repeats,
        max_cost_usd=max_cost_usd,
        margin=0.10,
        jobs=2,
    )


def both(run: Run, a: ModelCard = NOOP, b: ModelCard = ORACLE) -> tuple[Entrant, Entrant]:
    return Entrant(a.id, (run,)), Entrant(b.id, (run,))


def run_ids(desk: Desk) -> set[str]:
    return {path.parent.name for path in desk.runs.glob("*/run.json")}


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_repeats_are_added_under_the_same_conditions_until_the_last_look(
    wide: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TESTBED_CACHE", str(wide.cache))
    asked = ("-m", NOOP.id, "-m", ORACLE.id, "-n", "1", "--engine", "local", "--max-turns", "7")
    wide.testbed("run", *asked)
    (first,) = (Run(path.parent) for path in wide.runs.glob("*/run.json"))

    found = settled(wide, *both(first), max_repeats=2)

    (added,) = (run for run in found.a.runs if run.config.run_id != first.config.run_id)
    assert found.b.runs[-1].config == added.config
    assert [card.id for card in added.config.models] == [NOOP.id, ORACLE.id]
    assert (added.config.repeats, added.config.engine) == (1, "local")
    assert added.config.limits == first.config.limits
    assert not added.missing()
    before, after = first.resolved(), added.resolved()
    assert before is not None
    assert after is not None
    assert before.differences(after) == []
    assert [look.trials for look in found.looks] == [6, 12]
    assert found.looks[0].conclusion == "inconclusive"
    assert (found.looks[1].conclusion, found.looks[1].stop) == ("better", Stop.LAST_LOOK)
    told = capsys.readouterr().err
    assert "look 1 of at most 2: +100 points, 99.9 % interval" in told
    assert "look 2 of at most 2: +100 points, 95 % interval" in told
    assert "2 of at most 2 looks" in found.note


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_ctrl_c_leaves_an_added_run_that_can_be_resumed(wide: Desk) -> None:
    asked = ("-m", NOOP.id, "-m", ORACLE.id, "-n", "1", "--engine", "local")
    wide.testbed("run", *asked)
    before = run_ids(wide)
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, NOOP.id, ORACLE.id, ""],
        cwd=wide.folder,
        env=wide.environment({}),
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and len(list(wide.runs.glob("*/trials.jsonl"))) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)

    (added,) = run_ids(wide) - before
    assert process.returncode == 130, told
    assert f"--resume {added}" in told
    assert "Traceback" not in told
    resumed = Run(wide.runs / added)
    assert 0 < len(resumed.trials()[0]) < 6
    assert wide.testbed("run", "--resume", added).returncode == 0
    assert not resumed.missing()


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
async def test_added_runs_together_keep_to_the_budget(wide: Desk) -> None:
    scenario = next(s for s in load_suite(wide.folder).scenarios if s.id == "minus")
    workspace = seed_workspace(scenario)
    solved = apply_patch(workspace, scenario.reference.read_bytes())
    performance = performance_of(scenario, seeded=workspace.tree, reference=solved)
    async with serve_players() as server:
        card = wide.folder / "acme.toml"
        card.write_text(CARD.format(base_url=server.stage(CAST["oracle"], performance)))
        limits = ("--max-turns", str(TURNS), "--engine", "local", "--force")
        asked = ("run", "-m", str(card), "-m", NOOP.id, "-n", "1", *limits)
        await asyncio.to_thread(wide.testbed, *asked)
        before = run_ids(wide)
        driver = [sys.executable, "-c", DRIVER, NOOP.id, "acme/coder", str(BOUND + 0.02)]
        settling = await asyncio.to_thread(
            subprocess.run,
            driver,
            cwd=wide.folder,
            env=wide.environment({}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert settling.returncode == 0, settling.stderr
    assert "no money for another repeat" in settling.stdout
    added = [Run(wide.runs / name) for name in run_ids(wide) - before]
    spent = [spent_by_run(run) for run in added]
    assert added
    assert 0 < sum(spent) <= BOUND + 0.02
    limits_kept = sorted(run.config.max_cost_usd or 0 for run in added)
    assert limits_kept[-1] == pytest.approx(BOUND + 0.02)
    assert all(limit < BOUND + 0.02 for limit in limits_kept[:-1])


def test_what_is_clear_already_adds_nothing(wide: Desk) -> None:
    clear = recorded(wide, (NOOP, (0, 0, 0)), (ORACLE, (30, 30, 30)), repeats=30)

    found = settled(wide, *both(clear), max_repeats=35)

    assert found.looks[0].stop is Stop.SETTLED
    assert found.a.runs == (clear,)
    assert run_ids(wide) == {"run-1"}
    assert found.note.endswith("settled, better")


def test_repeats_that_cannot_help_are_not_made(wide: Desk) -> None:
    torn = recorded(wide, (NOOP, (9, 0, 9)), (ORACLE, (0, 9, 9)), repeats=9)

    found = settled(wide, *both(torn), max_repeats=15)

    assert found.looks[-1].stop is Stop.HOPELESS
    assert "only more scenarios can settle it" in found.note
    assert run_ids(wide) == {"run-1"}


def test_a_budget_below_one_trial_makes_the_first_look_the_last(wide: Desk) -> None:
    run = recorded(wide, (NOOP, (1, 0, 1)), (ACME, (1, 2, 1)))

    found = settled(wide, *both(run, NOOP, ACME), max_cost_usd=0.01)

    assert [look.stop for look in found.looks] == [Stop.BUDGET]
    assert found.looks[0].confidence == 0.95
    assert run_ids(wide) == {"run-1"}


def test_money_is_not_spent_without_a_limit_that_holds(wide: Desk) -> None:
    unpriced = ACME.model_copy(update={"id": "acme/free", "prices": ()})
    run = recorded(wide, (ACME, (1, 0, 1)), (unpriced, (1, 2, 1)), (NOOP, (0, 0, 0)))

    with pytest.raises(UsageError, match=r"acme/coder cost money.*--max-cost-usd"):
        settled(wide, *both(run, NOOP, ACME))
    with pytest.raises(UsageError, match=r"nothing bounds .* acme/free"):
        settled(wide, *both(run, NOOP, unpriced), max_cost_usd=5.0)
    assert run_ids(wide) == {"run-1"}


@pytest.mark.parametrize("max_repeats", [1, 3, 13])
def test_looks_are_declared_and_few(wide: Desk, max_repeats: int) -> None:
    run = recorded(wide, (NOOP, (1, 0, 1)), (ORACLE, (1, 2, 1)))

    with pytest.raises(UsageError, match=rf"--max-repeats {max_repeats} .*Give 4 to 12"):
        settled(wide, *both(run), max_repeats=max_repeats)


@pytest.mark.parametrize(
    ("lock", "changes", "told"),
    [
        ({"prompt": "q"}, {}, "prompt"),
        ({"engine": "docker"}, {}, "engine"),
        ({"scenarios": {**LOCK.scenarios, "minus-2": "t"}}, {}, "scenarios.minus-2"),
        ({}, {"follow_ups": 1}, "follow-ups"),
    ],
)
def test_sides_of_different_conditions_get_no_common_repeat(
    wide: Desk, lock: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    one = recorded(wide, (NOOP, (1, 0, 1)))
    other = recorded(wide, (ORACLE, (1, 2, 1)), lock=LOCK.model_copy(update=lock), **changes)

    with pytest.raises(RunError, match=told):
        settled(wide, Entrant(NOOP.id, (one,)), Entrant(ORACLE.id, (other,)))


def test_a_model_is_not_settled_against_itself(wide: Desk) -> None:
    runs = [recorded(wide, (NOOP, (1, 0, 1))) for _ in range(2)]

    with pytest.raises(UsageError, match="both sides are scripted/noop"):
        settled(wide, *(Entrant(NOOP.id, (run,)) for run in runs))


def test_one_scenario_is_refused(wide: Desk) -> None:
    run = recorded(wide, (NOOP, (1, 0, 1)), (ORACLE, (1, 2, 1)))
    config = json.loads(run.paths.config.read_bytes())
    config["scenarios"] = config["scenarios"][:1]
    run.paths.config.write_text(json.dumps(config))

    with pytest.raises(RunError, match="below two"):
        settled(wide, *both(Run(run.paths.folder)))


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_suite_that_has_changed_is_refused_and_leaves_no_run(
    wide: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTBED_CACHE", str(wide.cache))
    run = recorded(wide, (NOOP, (1, 0, 1)), (ORACLE, (1, 2, 1)))

    with pytest.raises(RunError, match=r"changed since the run began: .*scenarios\.minus-2"):
        settled(wide, *both(run))
    assert run_ids(wide) == {"run-1"}
