"""`testbed action plan`: what is asked for is checked and bounded before anything is spent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.action.conftest import Place

MODELS = Path(__file__).parents[3] / "testbed" / "models"
TWO = {"INPUT_BASELINE": "scripted/oracle", "INPUT_CANDIDATE": "scripted/noop"}
CARD = """
schema_version = 1
id = "acme/coder"
title = "Acme Coder"
provider = "acme"
model = "coder-1"
base_url = "http://127.0.0.1:9/v1"
context_window = 100000
[[prices]]
valid_from = 2020-01-01
input = 1.0
output = 1.0
source = "made up"
checked_on = 2026-11-01
"""


def test_a_plan_is_written_with_its_shards_and_its_estimate(fresh: Place) -> None:
    done = fresh.testbed("action", "plan", "-o", "plan", INPUT_SHARDS="8", INPUT_REPEATS="3", **TWO)

    assert done.returncode == 0, done.stdout
    plan = json.loads((fresh.plan / "plan.json").read_text())
    assert [m["id"] for m in plan["config"]["models"]] == ["scripted/oracle", "scripted/noop"]
    assert fresh.outputs["run-id"] == plan["config"]["run_id"]
    assert json.loads(fresh.outputs["shards"]) == [1, 2, 3]
    assert fresh.outputs["estimate-usd"] == "0"


def test_every_fault_is_a_line_of_its_own_that_obeys_nobody(fresh: Place) -> None:
    hostile = "x%0A\n::set-output name=a::b"
    done = fresh.testbed(
        "action", "plan", "-o", "plan", INPUT_CANDIDATE=hostile, INPUT_REPEATS="-1"
    )

    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "::error::INPUT_CANDIDATE",
        "::error::INPUT_BASELINE",
        "::error::INPUT_REPEATS",
    ]
    assert "Traceback" not in done.stderr
    assert not fresh.plan.exists()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"INPUT_CANDIDATE": "gpt-9"}, "no model card"),
        ({"INPUT_SUITE": "elsewhere"}, "no scenario found"),
        ({"INPUT_SCENARIOS": "plus"}, "no scenario `plus`"),
        ({"INPUT_MARGIN": "0.2"}, "INPUT_MARGIN is not the margin of gate.toml"),
        ({"INPUT_BASELINE_RESULTS": "scenarios"}, "holds 0 runs of scripted/oracle"),
        ({"INPUT_CANDIDATE": "acme.toml"}, "INPUT_MAX_COST_USD is empty, and acme/coder costs"),
    ],
)
def test_what_cannot_be_planned_is_one_error(
    fresh: Place, inputs: dict[str, str], words: str
) -> None:
    (fresh.folder / "acme.toml").write_text(CARD)
    (fresh.folder / "gate.toml").write_text("margin = 0.05\n")
    done = fresh.testbed("action", "plan", "-o", "plan", **(TWO | inputs))

    assert done.returncode == 2, done.stdout
    (line,) = done.stdout.splitlines()
    assert line.startswith("::error::")
    assert words in line


def test_over_budget_stops_before_anything_is_spent(fresh: Place) -> None:
    (fresh.folder / "acme.toml").write_text(CARD)
    paid = {**TWO, "INPUT_CANDIDATE": "acme.toml", "INPUT_MAX_COST_USD": "1"}
    done = fresh.testbed("action", "plan", "-o", "plan", **paid)

    assert done.returncode == 2
    assert done.stdout.startswith("::error::over budget: one trial may cost up to $2.11")
    assert fresh.outputs == {"verdict": "over-budget"}
    assert json.loads((fresh.plan / "outcome.json").read_text())["verdict"] == "over-budget"
    assert not (fresh.plan / "plan.json").exists()
    assert fresh.summary.startswith("## Over budget")


def test_a_small_budget_makes_fewer_shards_and_is_warned_of(fresh: Place) -> None:
    (fresh.folder / "acme.toml").write_text(CARD)
    paid = {**TWO, "INPUT_CANDIDATE": "acme.toml", "INPUT_MAX_COST_USD": "5", "INPUT_SHARDS": "3"}
    done = fresh.testbed("action", "plan", "-o", "plan", **paid)

    assert done.returncode == 0, done.stdout
    # A share of the limit pays for at least the dearest trial.
    assert json.loads(fresh.outputs["shards"]) == [1]
    assert fresh.outputs["estimate-usd"] == "5"
    assert "::warning::the trials' own limits allow more" in done.stdout


def test_the_margin_of_the_inputs_is_the_gates(fresh: Place) -> None:
    fresh.testbed("action", "plan", "-o", "plan", INPUT_MARGIN="0.2", **TWO)
    policy = json.loads((fresh.plan / "plan.json").read_text())["policy"]

    assert (policy["margin"], policy["min_scenarios"]) == (0.2, 1)


def test_a_protected_scenario_that_is_not_run_is_refused_before_anything_is_spent(
    fresh: Place,
) -> None:
    (fresh.folder / "gate.toml").write_text('protected = ["minus", "plus"]\n')
    done = fresh.testbed("action", "plan", "-o", "plan", **TWO)

    assert done.returncode == 2
    assert "::error::the policy protects plus" in done.stdout
    assert not (fresh.plan / "plan.json").exists()


def test_too_little_for_the_policy_is_warned_of(fresh: Place) -> None:
    (fresh.folder / "gate.toml").write_text("min_scenarios = 2\nmin_repeats = 4\n")
    done = fresh.testbed("action", "plan", "-o", "plan", INPUT_REPEATS="3", **TWO)

    assert done.returncode == 0, done.stdout
    assert "::warning::INPUT_REPEATS: 3, and the policy wants 4" in done.stdout
    assert "::warning::scenarios chosen: 1, and the policy wants 2" in done.stdout


@pytest.mark.bubblewrap
def test_an_earlier_run_of_the_baseline_is_kept_with_the_plan(job: Place, tmp_path: Path) -> None:
    merged = job.testbed("merge", "shards/testbed-1", "shards/testbed-2", "-o", "earlier")
    assert merged.returncode == 0, merged.stderr
    again = job.testbed(*("action", "plan", "-o", "again"), INPUT_BASELINE_RESULTS="earlier", **TWO)

    assert again.returncode == 0, again.stdout
    plan = json.loads((tmp_path / "again" / "plan.json").read_text())
    assert [m["id"] for m in plan["config"]["models"]] == ["scripted/noop"]
    assert plan["config"]["engine"] == "local"
    assert (tmp_path / "again" / "baseline" / plan["baseline_run"] / "trials.jsonl").is_file()


@pytest.mark.bubblewrap
def test_an_earlier_run_under_another_card_of_the_baseline_is_refused(job: Place) -> None:
    job.testbed("merge", "shards/testbed-1", "shards/testbed-2", "-o", "earlier")
    card = (MODELS / "scripted-oracle.toml").read_text()
    (job.folder / "other.toml").write_text(card.replace('player = "oracle"', 'player = "noop"'))
    inputs = {**TWO, "INPUT_BASELINE": "other.toml", "INPUT_BASELINE_RESULTS": "earlier"}
    done = job.testbed("action", "plan", "-o", "again", **inputs)

    assert done.returncode == 2
    assert "scripted/oracle was run under another card than it has now" in done.stdout


@pytest.mark.bubblewrap
def test_an_earlier_run_of_another_task_is_refused(job: Place) -> None:
    job.testbed("merge", "shards/testbed-1", "shards/testbed-2", "-o", "earlier")
    earlier = {**TWO, "INPUT_BASELINE_RESULTS": "earlier"}
    (job.folder / "scenarios/minus/prompt.md").write_text("Something else.\n")
    done = job.testbed("action", "plan", "-o", "again", **earlier)

    assert done.returncode == 2
    assert "made under other conditions: scenarios.minus (" in done.stdout

    shutil.move(job.folder / "scenarios/minus", job.folder / "scenarios/plus")
    card = job.folder / "scenarios/plus/scenario.toml"
    card.write_text(card.read_text().replace('id = "minus"', 'id = "plus"'))
    done = job.testbed("action", "plan", "-o", "again", **earlier)
    assert "INPUT_BASELINE_RESULTS: nothing in it is about plus" in done.stdout
