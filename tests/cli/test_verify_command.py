"""`testbed verify` proves a fair scenario, and finds each way in which one is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.cli.conftest import Desk

HIDDEN = "scenarios/minus/checks/unit/hidden.test.mjs"
TEST = ".testbed/checks/unit/hidden.test.mjs"


def faults(proven: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return what does not hold, by the name of its patch."""
    rows: list[dict[str, Any]] = json.loads(proven.stdout)
    return {row["patch"]: row["fault"] for row in rows if not row["holds"]}


def add_check(desk: Desk, name: str, body: str) -> None:
    """Add a hidden test that passes on the seeded tree and after it."""
    path = desk.folder / HIDDEN
    path.write_text(path.read_text().replace("default {", f'default {{\n  "{name}": {body},'))
    manifest = desk.folder / "scenarios/minus/checks/pass_to_pass.txt"
    manifest.write_text(f"{manifest.read_text()}{TEST}::{name}\n")


def local(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    return desk.testbed("verify", "--engine", "local", "--json", *arguments)


def test_the_full_proof_holds_and_says_so_last(desk: Desk, engine: str) -> None:
    proven = desk.testbed("verify", "--engine", engine, "--seed", "17")

    assert proven.returncode == 0, proven.stderr + proven.stdout
    for words in ("reference (backwards)", "nothing (auckland-turkish)", "(load)", "wrong/times"):
        assert words in proven.stdout
    assert proven.stdout.splitlines()[-1].startswith("PROVEN: 21 of 21 proofs hold")
    assert "--seed 17" in proven.stdout.splitlines()[-1]


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_the_quick_proof_varies_nothing_and_says_so(desk: Desk) -> None:
    proven = desk.testbed("verify", "--quick", "--engine", "local")

    assert proven.returncode == 0, proven.stderr + proven.stdout
    said = " ".join(proven.stdout.split())
    assert "PROVEN: 9 of 9 proofs hold" in said
    assert said.endswith("; quick: each patch once, by what decides it; nothing was varied")
    rows = ("files", "seed", "nothing", "reference", "right/less-the-negative", "wrong/times")
    assert all(f"minus {row} " in said for row in rows)
    assert "(" not in said.partition("PROVEN")[0]


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_false_reference_and_a_harmless_wrong_patch_are_found(desk: Desk) -> None:
    minus = desk.folder / "scenarios/minus"
    (minus / "reference.patch").write_text("")
    right = (minus / "right/other-way-round.patch").read_text()
    header = f"Reason: none\nCaught-by: {TEST}::adds\n\n"
    (minus / "wrong/times.patch").write_text(f"{header}{right}")

    broken = local(desk, "--quick")

    assert broken.returncode == 1
    assert faults(broken)["reference"] == f"failed {TEST}::adds: failed: 1 + 2 is -1"
    assert faults(broken)["wrong/times"] == f"{TEST}::adds passes"
    assert "reference.patch: leaves the same as the seeded tree" in faults(broken)["files"]


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_checks_that_depend_on_order_time_zone_or_load_are_found(desk: Desk) -> None:
    busy = '(await import("node:fs")).readdirSync("/proc").filter((p) => +p).length > 5'
    add_check(desk, "comes first", "() => { globalThis.first = true }")
    add_check(desk, "comes second", '() => { if (globalThis.first) throw Error("second") }')
    add_check(desk, "is at midnight", '() => { if (new Date(0).getHours()) throw Error("late") }')
    add_check(desk, "has room", f'async () => {{ if ({busy}) throw Error("crowded") }}')

    quick = local(desk, "--quick")
    full = local(desk, "--seed", "4711")

    assert quick.returncode == 0, quick.stdout
    assert full.returncode == 1
    assert set(faults(full)) == {
        f"{name} ({variation})"
        for name in ("nothing", "reference", "right/less-the-negative", "right/other-way-round")
        for variation in ("backwards", "auckland-turkish", "load")
    }
    assert faults(full)["reference (backwards)"] == (
        f"failed {TEST}::comes second: failed: second (under BACKWARDS_SEED=4711)"
    )
    assert faults(full)["nothing (auckland-turkish)"] == (
        f"{TEST}::is at midnight must pass on the seeded tree: failed: late"
        " (under TZ=Pacific/Auckland LC_ALL=tr_TR.UTF-8)"
    )
    assert faults(full)["reference (load)"].endswith("crowded (under 4 busy processes)")


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_what_a_seed_leaves_behind_is_found(desk: Desk) -> None:
    seed = desk.folder / "scenarios/minus/seed.patch"
    seed.write_text(seed.read_text().replace("-2 +2 @@", "-2 +2,2 @@") + "+const unusedNow = 1;\n")

    broken = local(desk, "--quick")

    assert faults(broken)["seed"] == (
        "the seed leaves 1 unused names, e.g. lib/sum.mjs: "
        "Variable 'unusedNow' is declared but never used."
    )


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_patch_that_does_not_apply_spoils_no_other_proof(desk: Desk) -> None:
    wrong = desk.folder / "scenarios/minus/wrong/times.patch"
    wrong.write_text(wrong.read_text().replace("a - b", "a + b"))

    broken = local(desk, "--quick")

    assert broken.returncode == 1
    assert set(faults(broken)) == {"files", "wrong/times"}
    assert "does not apply" in faults(broken)["wrong/times"]
    assert "minus/wrong/times.patch" in broken.stderr


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_test_that_was_added_since_the_manifests_were_recorded_is_found(desk: Desk) -> None:
    path = desk.folder / HIDDEN
    path.write_text(path.read_text().replace("default {", "default {\n  extra: () => {},"))

    broken = local(desk, "--quick")

    assert faults(broken)["reference"] == (
        f"1 tests are in no manifest, e.g. {TEST}::extra: run `testbed verify --record minus`"
    )


def manifests(folder: Path) -> dict[str, list[str]]:
    return {path.name: sorted(path.read_text().splitlines()) for path in folder.glob("*.txt")}


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_the_manifests_are_recorded_as_tests_show_them(desk: Desk) -> None:
    folder = desk.folder / "scenarios/minus/checks"
    before = manifests(folder)
    for path in folder.glob("*.txt"):
        path.unlink()

    recorded = local(desk, "--record", "--quick")

    assert recorded.returncode == 0, recorded.stderr
    assert before == manifests(folder)
    assert before == {p.name: p.read_text().splitlines() for p in folder.glob("*.txt")}


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_name_that_two_tests_bear_is_not_recorded(desk: Desk) -> None:
    runner = desk.folder / "fixtures/tiny.grading/run.mjs"
    runner.write_text(
        runner.read_text().replace("cases += ", 'cases += mark ? "" : cases; cases += ')
    )

    refused = desk.testbed("verify", "--record", "--engine", "local")

    assert refused.returncode == 1
    assert "is the name of several tests. Give each test a name of its own" in refused.stderr


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_scenario_in_the_making_stops_no_other(desk: Desk) -> None:
    begun = desk.testbed("scenarios", "new", "half", "--fixture", "tiny", "--kind", "bug")
    assert begun.returncode == 0, begun.stderr

    other = local(desk, "--quick", "minus")
    itself = local(desk, "--quick", "half")

    assert other.returncode == 0, other.stderr
    assert itself.returncode == 2
    assert "half/checks/fail_to_pass.txt: empty" in itself.stderr
