"""`testbed action shard`, `merge` and `run --plan`: one run is made in parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.action.conftest import Place

pytestmark = pytest.mark.bubblewrap
ORACLE, NOOP = "scripted/oracle", "scripted/noop"
DEAF = """
schema_version = 1
id = "mine/deaf"
title = "Deaf"
provider = "mine"
model = "deaf"
base_url = "http://127.0.0.1:9/v1"
"""
REPORT = ("action", "report", "--plan", "plan", "--shards", "shards", "-o", "answer")


def test_a_shard_is_resumed_where_its_folder_is(job: Place) -> None:
    path = job.runs[1] / "trials.jsonl"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    done = job.testbed(
        *("action", "shard", "--plan", "plan", "--number", "2", "-o", "shards/testbed-2")
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout == "shard 2: 2 trials made, 0 missing\n"
    assert "1 of 2 trials to make" in done.stderr
    assert job.reported()[1]["valid"] == 6


def test_what_others_say_in_the_log_stands_between_markers(job: Place) -> None:
    done = job.testbed(
        *("action", "shard", "--plan", "plan", "--number", "2", "-o", "shards/testbed-2")
    )
    first, *_, last = done.stderr.splitlines()

    assert first.startswith("::stop-commands::")
    token = first.removeprefix("::stop-commands::")
    assert last == f"::{token}::"
    assert len(token) == 32
    assert done.stderr.count(token) == 2


def test_a_shard_that_can_make_nothing_is_exit_code_3_and_says_why(fresh: Place) -> None:
    (fresh.folder / "deaf.toml").write_text(DEAF)
    inputs = {"INPUT_CANDIDATE": "deaf.toml", "INPUT_BASELINE": ORACLE}
    shard = ("action", "shard", "--plan", "plan", "-o", "shards/1", "--number")
    fresh.testbed("action", "plan", "-o", "plan", **inputs)
    done = fresh.testbed(*shard, "1")
    report = fresh.testbed(*REPORT)

    assert done.returncode == 3
    assert done.stdout.startswith("::error title=shard 1::mine/deaf: http://127.0.0.1:9/v1 cannot")
    assert json.loads((fresh.shards / "1/shard.json").read_text())["fault"] in done.stdout
    assert report.returncode == 3
    assert "shard 1 ended early: mine/deaf: http://127.0.0.1:9/v1 cannot be used" in fresh.summary
    assert fresh.testbed(*shard, "9").stdout == (
        "::error::there is no shard 9 of 1. Choose another number\n"
    )


def test_parts_are_merged_and_what_is_missing_is_told(job: Place) -> None:
    part = job.testbed("merge", "shards/testbed-1", "-o", "half")
    twice = job.testbed("merge", "shards/testbed-1", "shards/testbed-1", "-o", "twice")
    job.testbed("merge", "shards/testbed-1", "shards/testbed-2", "-o", "whole")
    turned = job.testbed("merge", "shards/testbed-2", "shards/testbed-1", "-o", "turned")

    assert part.returncode == 3
    assert "no verdict: scripted/noop at minus #2" in part.stderr
    assert twice.returncode == 2
    assert "both hold trial 1 of" in twice.stderr
    assert turned.returncode == 0, turned.stderr
    left, right = (
        {p.name: p.read_bytes() for p in job.folder.glob(f"{name}/*/*") if p.is_file()}
        for name in ("whole", "turned")
    )
    assert left == right


def test_a_plan_is_run_in_parts_on_one_machine_without_merging(job: Place) -> None:
    options = ("run", "--plan", "plan/plan.json", "--runs", "runs")
    for part, code in (("1/2", 0), ("2/2", 0)):
        done = job.testbed(*options, "--shard", part)
        assert done.returncode == code, done.stderr
    whole = job.testbed("report", done.stdout.strip(), "--json")

    assert [m["counts"]["valid"] for m in json.loads(whole.stdout)["models"]] == [3, 3]
    for wrong, words in (
        (("run", "--shard", "1/2"), "--shard is a part of a plan"),
        ((*options, "--shard", "3/2"), "`3/2` is no shard"),
        ((*options, "-m", NOOP), "--plan settles models"),
        ((*options, "-n", "9"), "--plan settles models"),
        (("run", "--plan", "gate.toml"), "gate.toml"),
    ):
        refused = job.testbed(*wrong)
        assert refused.returncode == 2
        assert words in refused.stderr
