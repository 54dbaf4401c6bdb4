"""`testbed compare` over stored runs, from the command line to exit code, answer and pages."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from testbed.plan import RunConfig
from testbed.store import Run, find_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Desk

ORACLE, NOOP = "scripted/oracle", "scripted/noop"
LAX = "min_scenarios = 1\nmin_repeats = 2\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Say where the first test keeps its run for the others."""
    return tmp_path_factory.mktemp("kept") / "runs"


@pytest.fixture
def ran(desk: Desk, kept: Path, local_engine: object) -> Desk:
    """Make one run of two players at the only scenario, twice; copies serve as well."""
    assert local_engine
    if kept.is_dir():
        shutil.copytree(kept, desk.runs)
        return desk
    made = desk.testbed("run", "-m", ORACLE, "-m", NOOP, "-n", "2", "--engine", "local")
    assert made.returncode == 0, made.stderr
    shutil.copytree(desk.runs, kept)
    return desk


def copied(desk: Desk, name: str, **changes: Any) -> Run:  # noqa: ANN401  (any field of a lock)
    """Copy the run under another id, and under other conditions where some are given."""
    source = find_run(desk.runs, "latest")
    folder = desk.runs / name
    shutil.copytree(source.paths.folder, folder)
    config = RunConfig.model_validate_json((folder / "run.json").read_bytes())
    (folder / "run.json").write_text(config.model_copy(update={"run_id": name}).model_dump_json())
    lock = source.resolved()
    assert lock is not None
    (folder / "lock.json").write_text(lock.model_copy(update=changes).model_dump_json())
    return Run(folder)


pytestmark = pytest.mark.bubblewrap


def test_a_comparison_is_printed_and_exits_0_whatever_it_says(ran: Desk) -> None:
    worse = ran.testbed("compare", ORACLE, NOOP)

    assert worse.returncode == 0, worse.stderr
    assert worse.stdout.startswith("scripted/noop (scripted) solved 100 points less than")
    assert "minus" in worse.stdout
    assert "Gate" not in worse.stdout


def test_the_json_answer_says_what_the_words_say(ran: Desk) -> None:
    done = ran.testbed("compare", NOOP, ORACLE, "--json", "--margin", "0.2")
    found = json.loads(done.stdout)

    assert (found["a"]["model"], found["b"]["model"]) == (NOOP, ORACLE)
    assert (found["tasks"]["value"], found["tasks"]["interval"]) == (1.0, None)
    assert (found["outcome"], found["margin"]) == ("inconclusive", 0.2)
    assert [pair["scenario"] for pair in found["scenarios"]] == ["minus"]
    assert found["pages"] == []
    assert "gate" not in found


def test_markdown_begins_with_the_verdict(ran: Desk) -> None:
    done = ran.testbed("compare", NOOP, ORACLE, "--markdown", "--gate")

    assert done.stdout.startswith("**scripted/oracle")
    assert "**Gate: inconclusive**" in done.stdout
    assert done.returncode == 4


@pytest.mark.parametrize(
    ("sides", "code", "says"),
    [
        ((NOOP, ORACLE), 0, "Gate: pass"),
        ((ORACLE, NOOP), 1, "Gate: regression"),
    ],
)
def test_the_gate_speaks_by_its_exit_code(
    ran: Desk, sides: tuple[str, str], code: int, says: str
) -> None:
    (ran.folder / "gate.toml").write_text(LAX)
    done = ran.testbed("compare", *sides, "--gate", "--policy", "gate.toml")

    assert (done.returncode, done.stderr) == (code, "")
    assert says in done.stdout
    told = json.loads(
        ran.testbed("compare", *sides, "--gate", "--policy", "gate.toml", "--json").stdout
    )
    assert told["gate"]["exit_code"] == code
    assert told["gate"]["reasons"]


def test_the_default_policy_does_not_decide_by_one_scenario(ran: Desk) -> None:
    done = ran.testbed("compare", NOOP, ORACLE, "--gate")

    assert done.returncode == 4
    assert "Scenarios compared: 1, and the policy wants 6" in done.stdout


def test_pages_are_written_where_asked_and_named_last(ran: Desk, tmp_path: Path) -> None:
    done = ran.testbed("compare", NOOP, ORACLE, "--html", "out")
    (page,) = (tmp_path / "out").glob("compare/*.html")

    assert done.stdout.rstrip().endswith(str(page.relative_to(tmp_path)))
    assert "scripted/oracle" in page.read_text()


def test_unlike_conditions_are_refused_unless_across(ran: Desk) -> None:
    copied(ran, "other", prompt="another prompt")
    sides = (f"{NOOP}@other", f"{ORACLE}@{min(p.name for p in ran.runs.iterdir())}")

    refused = ran.testbed("compare", *sides)
    done = ran.testbed("compare", *sides, "--across", "--json")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "different conditions: prompt" in refused.stderr
    assert "--across" in refused.stderr
    assert done.returncode == 0, done.stderr
    (unlike,) = json.loads(done.stdout)["unlike"]
    assert (unlike["condition"], unlike["severity"]) == ("prompt", "refused")


def test_runs_of_one_model_are_pooled(ran: Desk) -> None:
    first = find_run(ran.runs, "latest").config.run_id
    copied(ran, "other")
    done = ran.testbed("compare", f"{NOOP}@{first},other", f"{ORACLE}@other", "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["a"]["counts"]["valid"] == 4
    assert found["b"]["counts"]["valid"] == 2


def test_the_same_model_in_two_runs_is_compared(ran: Desk) -> None:
    first = find_run(ran.runs, "latest").config.run_id
    copied(ran, "other")
    done = ran.testbed("compare", f"{NOOP}@{first}", f"{NOOP}@other")

    assert done.returncode == 0, done.stderr
    assert "in other" in done.stdout


def test_several_candidates_are_ranked_even_when_two_share_a_name(ran: Desk) -> None:
    first = find_run(ran.runs, "latest").config.run_id
    copied(ran, "other")
    done = ran.testbed("compare", NOOP, f"{ORACLE}@{first}", f"{ORACLE}@other", "--json")

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["ranks"]) == {
        NOOP,
        f"{ORACLE}@{first}",
        f"{ORACLE}@other",
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((NOOP, NOOP), "compared with itself"),
        ((NOOP, ORACLE, ORACLE, "--gate"), "--gate judges one candidate"),
        ((NOOP, ORACLE, ORACLE), "named twice"),
        ((NOOP, ORACLE, ORACLE, "--until", "settled"), "--until settles one candidate"),
        ((NOOP, ORACLE, "--policy", "gate.toml"), "--policy is for --gate"),
        ((NOOP, ORACLE, "--gate", "--policy", "gate.toml"), "no such file"),
        ((NOOP, ORACLE, "--json", "--markdown"), "two answers"),
        ((NOOP, ORACLE, "--max-cost-usd", "5"), "for repeats that are added"),
        ((NOOP, ORACLE, "--gate", "--policy", "."), "Is a directory"),
        ((NOOP, "n" * 400), "no run and no model"),
        ((NOOP, "nobody"), "no run and no model `nobody`"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    ran: Desk, options: tuple[str, ...], words: str
) -> None:
    done = ran.testbed("compare", *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_one_scenario_cannot_be_settled_by_repeats(ran: Desk) -> None:
    done = ran.testbed("compare", NOOP, ORACLE, "--until", "settled")

    assert done.returncode == 2
    assert "below two" in done.stderr
    assert len(list(ran.runs.iterdir())) == 1
