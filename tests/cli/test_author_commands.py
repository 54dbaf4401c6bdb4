"""A scenario is written by commands: begun, seeded, solved, looked over and proven."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from testbed.cli.demo import PART

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Desk

CARD = """\
schema_version = 1
id = "twice"
title = "Sums count the second number twice"
kind = "bug"
fixture = "tiny"
difficulty = "easy"
seeded_files = ["lib/sum.mjs"]
"""
CHECK = """\
import { sum } from "../../../lib/sum.mjs";

export default {
  "adds each number once": () => {
    if (sum(1, 2) !== 3) throw Error(`1 + 2 is ${sum(1, 2)}`);
  },
};
"""


def done(desk: Desk, *arguments: str) -> str:
    ended = desk.testbed(*arguments)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout.strip()


def put(folder: Path, expression: str) -> None:
    path = folder / "lib/sum.mjs"
    head = path.read_text().splitlines()[0]
    path.write_text(f"{head}\nexport const sum = (a, b) => {expression};\n")


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_scenario_is_written_from_beginning_to_proof(desk: Desk) -> None:
    check = ".testbed/checks/unit/twice.test.mjs::adds each number once"
    done(desk, "scenarios", "new", "twice", "--fixture", "tiny", "--kind", "bug")
    folder = desk.folder / "scenarios/twice"

    begun = desk.testbed("scenarios", "lint", "twice")
    assert begun.returncode == 1
    assert "still to be written" in begun.stdout

    (folder / "scenario.toml").write_text(CARD)
    (folder / "prompt.md").write_text("Sums are too large. Each number has to count once.\n")
    (folder / "checks/unit/example.test.mjs").unlink()
    (folder / "checks/unit/twice.test.mjs").write_text(CHECK)

    done(desk, "scenarios", "checkout", "twice", "seeding")
    put(desk.folder / "seeding", "a + b + b")
    assert done(desk, "scenarios", "save", "twice", "seed", "seeding").endswith("seed.patch")

    patches = {"reference": "a + b", "right/turned": "b + a", "right/minus": "a - -b"}
    for name, expression in (patches | {"wrong/halved": "(a + b) / 2"}).items():
        work = name.replace("/", "-")
        done(desk, "scenarios", "checkout", "twice", work)
        put(desk.folder / work, expression)
        header = ("--reason", "Halves it.", "--caught-by", check) if "wrong" in name else ()
        done(desk, "scenarios", "save", "twice", name, work, *header)

    proven = desk.testbed("verify", "--record", "--quick", "--engine", "local", "twice")
    assert proven.returncode == 0, proven.stderr + proven.stdout
    assert (folder / "checks/fail_to_pass.txt").read_text() == f"{check}\n"
    assert done(desk, "scenarios", "lint") == "no finding"
    assert "twice" in done(desk, "scenarios")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("new", "minus", "--fixture", "tiny", "--kind", "bug"), "exists already"),
        (("new", "Big Id", "--fixture", "tiny", "--kind", "bug"), "cannot be the id"),
        (("new", "other", "--fixture", "gone", "--kind", "bug"), "gone.toml"),
        (("new", "other", "--fixture", "tiny", "--kind", "chore"), "'chore'"),
        (("checkout", "minus", "."), "is in use"),
        (("checkout", "nope", "work"), "no scenario `nope`"),
        (("save", "minus", "wrong/x", "."), "Give --reason and --caught-by"),
        (("save", "minus", "reference", "."), "is no checkout"),
        (("lint", "nope"), "no scenario `nope`"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    refused = desk.testbed("scenarios", *arguments)

    assert refused.returncode == 2, refused.stderr
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not refused.stdout


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_the_demo_runs_a_part_of_the_suite_and_says_how_to_run_all(desk: Desk) -> None:
    for name in (*PART, "left-out"):
        twin = desk.folder / "scenarios" / name
        shutil.copytree(desk.folder / "scenarios/minus", twin)
        card = (twin / "scenario.toml").read_text().replace('"minus"', f'"{name}"')
        (twin / "scenario.toml").write_text(card)

    ran = desk.testbed("demo", "--engine", "local")

    assert ran.returncode == 0, ran.stderr
    assert "3 of 5 scenarios" in ran.stderr
    assert "testbed run -m scripted/oracle -m scripted/sloppy -m scripted/noop" in ran.stderr
    assert all(name in ran.stdout for name in PART)
    assert "left-out" not in ran.stdout


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_the_demo_of_another_suite_runs_all_of_it(desk: Desk) -> None:
    ran = desk.testbed("demo", "--engine", "local")

    assert ran.returncode == 0, ran.stderr
    assert "minus" in ran.stdout
    assert "left out" not in ran.stderr
