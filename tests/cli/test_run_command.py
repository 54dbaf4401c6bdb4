"""`testbed run` and its kin, from the command line to the files they leave."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

PLAYERS = ("-m", "scripted/oracle", "-m", "scripted/noop")


def journal(desk: Desk) -> list[dict[str, Any]]:
    (path,) = desk.runs.glob("*/trials.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_is_graded_reported_and_resumed(desk: Desk, engine: str) -> None:
    ran = desk.testbed("run", *PLAYERS, "-n", "2", "--engine", engine)

    assert ran.returncode == 0, ran.stderr
    assert {(t["model"], t["verdict"]) for t in journal(desk)} == {
        ("scripted/oracle", "pass"),
        ("scripted/noop", "fail"),
    }
    assert "scripted/oracle" in ran.stdout
    assert "4/4" in ran.stderr
    (page,) = desk.runs.glob("*/scoreboard/index.html")
    assert ran.stdout.rstrip().endswith(str(page))

    again = desk.testbed("run", "--resume", "latest", "--jobs", "1")

    assert again.returncode == 0, again.stderr
    assert "0 of 4 trials to make" in again.stderr
    assert len(journal(desk)) == 4


def test_grades_are_reproduced_without_a_model(desk: Desk, engine: str) -> None:
    desk.testbed("run", *PLAYERS, "-n", "1", "--engine", engine)

    graded = desk.testbed("grade", "latest")

    assert graded.returncode == 0, graded.stderr
    assert "0 verdicts changed" in graded.stderr
    lines = [(t["model"], t["verdict"]) for t in journal(desk)]
    assert sorted(lines[:2]) == sorted(lines[2:])


def test_a_wrong_stored_verdict_is_corrected_by_grading(desk: Desk, engine: str) -> None:
    desk.testbed("run", "-m", "scripted/noop", "-n", "1", "--engine", engine)
    (path,) = desk.runs.glob("*/trials.jsonl")
    path.write_text(path.read_text().replace('"verdict":"fail"', '"verdict":"pass"'))

    graded = desk.testbed("grade", "latest")

    assert "1 verdicts changed" in graded.stderr
    assert journal(desk)[-1]["verdict"] == "fail"


def test_the_json_answer_holds_the_figures(desk: Desk, engine: str) -> None:
    ran = desk.testbed("run", *PLAYERS, "-n", "1", "--engine", engine, "--json")

    answer = json.loads(ran.stdout)

    names = {model["model"]: model for model in answer["models"]}
    assert names["scripted/oracle"]["scripted"] is True
    assert answer["scoreboard"].endswith("index.html")


def test_what_a_trial_leaves_is_on_disk(desk: Desk, engine: str) -> None:
    desk.testbed("run", "-m", "scripted/oracle", "-n", "1", "--engine", engine)

    (folder,) = desk.runs.glob("*/trials/scripted~oracle/minus/1/1")
    names = {path.name for path in folder.iterdir()}

    assert names == {
        "turns.jsonl",
        "exchanges.jsonl.zst",
        "requests.jsonl",
        "patch.diff",
        "junit-unit.xml",
        "grade.json",
        "trial.json",
        "log.txt",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "-m", "gpt-9"), 2, ("no model card `gpt-9`", "Give the path")),
        (("run",), 2, ("no model was named",)),
        (("run", "-m", "scripted/oracle", "-s", "nope"), 2, ("no scenario `nope`", "minus")),
        (("run", "-m", "openai/gpt-4.1"), 3, ("OPENAI_API_KEY is not set",)),
        (("run", "-m", "broken.toml"), 2, ("broken.toml", "`model`")),
        (("run", "-m", "deaf.toml"), 3, ("mine/deaf", "127.0.0.1:9")),
        (("run", "-m", "deaf.toml", "--max-cost-usd", "1"), 2, ("mine/deaf has no price",)),
        (("run", "--resume", "latest"), 2, ("no run in",)),
        (("report", "r9"), 2, ("no run `r9`",)),
        (("run", "-m", "scripted/oracle", "--engine", "vm"), 2, ("'vm'",)),
        (("scenarios", "--suite", "runs"), 2, ("no scenario found",)),
    ],
)
def test_bad_input_is_one_clear_line(
    desk: Desk, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    card = 'schema_version = 1\nid = "mine/deaf"\ntitle = "Deaf"\nprovider = "mine"\n'
    (desk.folder / "broken.toml").write_text(card)
    (desk.folder / "deaf.toml").write_text(
        card + 'model = "deaf"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )

    refused = desk.testbed(*arguments)

    assert refused.returncode == code, refused.stderr
    assert all(word in refused.stderr for word in words), refused.stderr
    assert "Traceback" not in refused.stderr
    assert not refused.stdout


def test_a_seed_that_does_not_apply_names_the_patch(desk: Desk, engine: str) -> None:
    (desk.folder / "scenarios/minus/seed.patch").write_text("diff --git a/x b/x\n--- a/x\n")

    refused = desk.testbed("run", "-m", "scripted/oracle", "--engine", engine)

    assert refused.returncode == 2
    assert "seed.patch" in refused.stderr
    assert len(refused.stderr.splitlines()) <= 3


def test_a_changed_scenario_is_not_continued(desk: Desk, engine: str) -> None:
    desk.testbed("run", "-m", "scripted/noop", "-n", "1", "--engine", engine)
    (desk.folder / "scenarios/minus/prompt.md").write_text("Something else.\n")

    refused = desk.testbed("run", "--resume", "latest")

    assert refused.returncode == 2
    assert "scenarios.minus" in refused.stderr


def test_each_repeat_is_one_trial_of_each_model(desk: Desk, engine: str) -> None:
    desk.testbed("run", *PLAYERS, "-n", "3", "-j", "4", "--engine", engine)

    counts = Counter((t["model"], t["repeat"]) for t in journal(desk))

    assert set(counts.values()) == {1}
    assert len(counts) == 6
