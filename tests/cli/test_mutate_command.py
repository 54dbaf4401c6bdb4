"""`testbed scenarios mutate` seeds bugs by lot, up to the proof that nobody can foretell."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

MUTATE = ("scenarios", "mutate", "--fixture", "tiny", "--engine", "local")


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_bug_is_seeded_by_lot_and_its_manifests_can_be_recorded(desk: Desk) -> None:
    ran = desk.testbed(*MUTATE, "--seed", "3", "--json", "--jobs", "2")

    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["seed"] == 3
    (row,) = answer["tried"]
    assert (row["noticed"], row["path"], row["line"], row["before"]) == (
        "hidden",
        "lib/sum.mjs",
        2,
        "+",
    )
    name = row["scenario"]
    assert f"scenarios/{name}" in ran.stderr

    folder = desk.folder / "scenarios" / name
    for file in ("scenario.toml", "prompt.md"):
        path = folder / file
        path.write_text(path.read_text().replace("{{", "").replace("}}", ""))
    recorded = desk.testbed("verify", "--record", "--quick", "--engine", "local", "--json", name)

    rows = {row["patch"]: row["holds"] for row in json.loads(recorded.stdout)}
    assert rows == {"files": False, "seed": True, "nothing": True, "reference": True}
    assert (folder / "checks/fail_to_pass.txt").read_text().splitlines() == row["checks"]


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_what_no_check_finds_is_listed_with_its_place(desk: Desk) -> None:
    check = desk.folder / "scenarios/minus/checks/unit/hidden.test.mjs"
    check.write_text(check.read_text().replace("!== 3", "=== 7").replace("!== 1", "=== 7"))

    ran = desk.testbed(*MUTATE, "--count", "9", "--paths", "lib/*", "--operator", "swap-arithmetic")

    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert len([line for line in lines if line.startswith("nobody")]) == 3
    assert "lib/sum.mjs:2" in lines[1]
    assert "+ → " in lines[1]
    assert lines[-1].startswith("3 tried: 3 found by nobody; --seed ")
    assert len(list((desk.folder / "scenarios").iterdir())) == 1


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_an_interrupted_harvest_leaves_nothing_half_and_goes_on_from_there(desk: Desk) -> None:
    visible = desk.folder / "fixtures/tiny/test/visible.test.mjs"
    wait = "await new Promise((done) => setTimeout(done, 2000));"
    visible.write_text(
        visible.read_text().replace("greets: () => {", f"greets: async () => {{{wait}")
    )
    command = desk.command(*MUTATE, "--seed", "5", "--count", "3", "--jobs", "1")
    with subprocess.Popen(
        command, cwd=desk.folder, env=desk.environment({}), stderr=subprocess.PIPE, text=True
    ) as begun:
        assert begun.stderr
        assert any(line.startswith("· 1 lib/sum.mjs:2") for line in begun.stderr)
        begun.send_signal(signal.SIGINT)
        said = begun.stderr.read()

    assert begun.returncode == 130, said
    assert "--seed 5 goes on from there" in said
    first = {path.name for path in (desk.folder / "scenarios").iterdir()} - {"minus"}
    assert not list(desk.folder.glob(".*.half"))
    assert not subprocess.run(
        ["pgrep", "-f", f"bwrap.*{desk.cache}"], check=False, capture_output=True
    ).stdout

    rest = desk.testbed(*MUTATE, "--seed", "5", "--count", "3", "--json")

    assert rest.returncode == 0, rest.stderr
    assert "trying the pristine fixture" not in rest.stderr
    assert len(json.loads(rest.stdout)["tried"]) == 3 - len(first)


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--operator", "drop-await"), 2, "no mutant of operator `drop-await`. Choose from: swap"),
        (("--paths", "app/**"), 2, "no mutant in app/**"),
        (("--fixture", "gone"), 2, "gone.toml: no such file"),
        (("--count", "0"), 2, "--count"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    desk: Desk, arguments: tuple[str, ...], code: int, words: str
) -> None:
    refused = desk.testbed(*MUTATE, *arguments)

    assert refused.returncode == code, refused.stderr
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not refused.stdout


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_fixture_that_is_not_green_is_no_place_for_seeds(desk: Desk) -> None:
    visible = desk.folder / "fixtures/tiny/test/visible.test.mjs"
    visible.write_text(visible.read_text().replace('"hello"', '"good bye"'))

    refused = desk.testbed(*MUTATE)

    assert refused.returncode == 1
    assert "the pristine fixture fails its visible tests: test/visible.test.mjs::greets" in (
        refused.stderr
    )
