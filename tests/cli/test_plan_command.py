"""`testbed plan` tells what a run would take, and needs neither key, network nor sandbox."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reports.words import UNKNOWN
from runner.scene import digest_scenario
from runner.workspace import seed_workspace
from testbed.bounds import trial_bound
from testbed.catalog import find_card
from testbed.cli import plan
from testbed.cli.run import begin
from testbed.errors import UsageError
from testbed.plan import RunLock, TrialLimits
from testbed.records import Ending, Funnel, Trial, Usage, Verdict
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.store import Run
    from tests.cli.conftest import Desk

PRICES = """
[[prices]]
valid_from = 2025-01-01
input = 1.0
output = 2.0
source = "a test"
checked_on = 2025-01-01
"""


def a_card(desk: Desk, name: str = "coder", prices: str = PRICES) -> str:
    path = desk.folder / f"{name}.toml"
    path.write_text(
        f'schema_version = 1\nid = "acme/{name}"\ntitle = "Coder"\nprovider = "acme"\n'
        'model = "coder-1"\nbase_url = "http://127.0.0.1:9/v1"\nkey_variable = "ACME_KEY"\n'
        f"context_window = 20000\nmax_output_tokens = 1000\n{prices}"
    )
    return str(path)


def a_run(desk: Desk, card: str, *, done: int) -> Run:
    """Make a run of three trials, some of them made at 2, 3, ... cents and 20, 30, ... seconds."""
    suite = load_suite(desk.folder)
    run = begin(
        suite,
        [card],
        repeats=3,
        engine="auto",
        limits=TrialLimits(max_turns=10),
        max_cost_usd=None,
        runs=desk.runs,
    )
    (scenario,) = suite.scenarios
    lock = RunLock(
        testbed="0",
        engine="fake",
        images={},
        prompt="",
        fixtures={},
        scenarios={scenario.id: digest_scenario(scenario, seed_workspace(scenario))},
        models={},
    )
    with run.writing(lock):
        for planned in run.missing()[:done]:
            run.add(a_trial(planned.repeat))
    return run


def a_trial(repeat: int) -> Trial:
    return Trial(
        model="acme/coder",
        scripted=False,
        scenario="minus",
        kind="bug",
        repeat=repeat,
        attempt=1,
        ending=Ending.FINISHED,
        verdict=Verdict.PASS,
        started_at="2026-11-01T00:00:00+00:00",
        phases={"agent": 5.0, "total": 10.0 * (repeat + 1)},
        turns=1,
        requests=1,
        rate_limited=0,
        usage=Usage(fresh_input=1000 * repeat, output=100),
        cost_usd=0.01 * (repeat + 1),
        funnel=Funnel(),
        latencies=(),
        patch=None,
    )


def facts(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_plan_without_earlier_trials_is_bounded_by_its_limits(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    plan.command(model=[a_card(desk)], suite=desk.folder, runs=desk.runs, max_turns=10, json=True)

    told = facts(capsys)
    (model,) = told["models"]
    assert (model["to_make"], model["done"], model["from_budget"]) == (3, 0, 3)
    assert model["cost_usd"] == {"low": None, "high": pytest.approx(3 * 10 * 0.022)}
    assert model["tokens"] == {"low": None, "high": 3 * 10 * 21_000}
    assert told["seconds"] is None
    assert told["detectable"][0]["effect"] is None
    assert not desk.runs.exists()


@pytest.mark.parametrize("folder", ["runs", "elsewhere"])
def test_what_a_begun_run_still_misses_is_estimated_from_what_it_made(
    desk: Desk, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    run = a_run(desk, a_card(desk), done=2)
    name = str(run.paths.folder)

    plan.command(resume=name, runs=desk.folder / folder, jobs=1, max_cost_usd=1.0, json=True)

    told = facts(capsys)
    (model,) = told["models"]
    assert (model["to_make"], model["done"]) == (1, 2)
    assert (model["rests_on"], model["outdated"], model["repriced"]) == (2, 0, 0)
    assert model["cost_usd"] == {"low": pytest.approx(0.02), "high": pytest.approx(0.03)}
    assert model["tokens"] == {"low": 1100, "high": 2100}
    assert told["seconds"] == {"low": 20.0, "high": 30.0}
    assert told["limit"]["spent"] == pytest.approx(0.05)
    assert told["limit"]["fits"] is True


def test_a_scenario_that_changed_since_is_said(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    card = a_card(desk)
    a_run(desk, card, done=2)
    (desk.folder / "scenarios/minus/prompt.md").write_text("Something else.\n")

    plan.command(model=[card], suite=desk.folder, runs=desk.runs)

    assert "all on another version" in " ".join(capsys.readouterr().out.split())


def test_the_table_says_what_it_rests_on_and_what_is_unknown(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [a_card(desk), a_card(desk, "unpriced", prices="")]

    plan.command(model=models, suite=desk.folder, runs=desk.runs, max_turns=10, repeats=1, jobs=2)

    header, rule, priced, unpriced, sentence = capsys.readouterr().out.splitlines()
    assert all(word in header for word in ("to make", "done", "tokens", "cost", "rests on"))
    assert set(rule) == {"─"}
    assert priced.split()[:4] == ["acme/coder", "1", "0", "≤"]
    assert "≤ $0.22" in priced
    assert "the budget, an upper bound" in priced
    assert "$" not in unpriced
    told = f"2 trials to make, 0 done: cost {UNKNOWN}, wall time {UNKNOWN} with 2 at a time"
    assert told in sentence


def test_what_a_comparison_could_show_is_told_with_its_assumptions(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    scenarios = desk.folder / "scenarios"
    for number in range(9):
        copy_scenario(scenarios / "minus", f"minus-{number}")

    plan.command(model=["scripted/noop", "scripted/oracle"], suite=desk.folder, runs=desk.runs)

    told = " ".join(capsys.readouterr().out.split())
    assert "10 scenarios with 3 trials each would likely show differences from about 40" in told
    assert "assumed, without a pilot: 0.125 and 0.125 within scenarios, 0.075 between" in told


def copy_scenario(source: Path, name: str) -> None:
    target = source.with_name(name)
    shutil.copytree(source, target)
    card = target / "scenario.toml"
    card.write_text(card.read_text().replace('id = "minus"', f'id = "{name}"'))


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (0.1, "A trial cannot be started: one more trial may cost up to $0.22"),
        (0.3, "The limit of $0.30 holds, and may end the run early"),
        (0.66, "The limit of $0.66 is enough."),
    ],
)
def test_a_cost_limit_is_judged_before_it_is_used(
    desk: Desk, capsys: pytest.CaptureFixture[str], limit: float, words: str
) -> None:
    plan.command(
        model=[a_card(desk)],
        suite=desk.folder,
        runs=desk.runs,
        max_turns=10,
        max_cost_usd=limit,
    )

    assert words in capsys.readouterr().out


def test_a_run_that_cannot_be_read_is_left_out_and_named(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.runs / "broken").mkdir(parents=True)
    (desk.runs / "broken" / "run.json").write_text("{}")

    plan.command(model=[a_card(desk)], suite=desk.folder, runs=desk.runs, json=True)

    out, err = capsys.readouterr()
    assert "left out: " in err
    assert json.loads(out)["models"][0]["rests_on"] == 0


def test_a_begun_run_brings_its_own_models_and_limits(desk: Desk) -> None:
    with pytest.raises(UsageError, match="--resume takes models"):
        plan.command(resume="latest", model=["scripted/noop"], runs=desk.runs)


def test_the_bound_that_a_plan_shows_is_the_one_that_a_run_keeps_back(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    card = a_card(desk)
    limits = TrialLimits(max_turns=10, max_cost_usd=0.05)
    bound = trial_bound(find_card(card), limits, datetime.now(UTC)).cost_usd

    plan.command(
        model=[card],
        suite=desk.folder,
        runs=desk.runs,
        max_turns=10,
        max_trial_cost_usd=0.05,
        json=True,
    )

    assert facts(capsys)["models"][0]["trial"]["cost_usd"] == bound
