"""A patch is edited as a work tree, and comes back as a patch that applies."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.authoring.patches import checkout, save
from runner.workspace import apply_patch, pristine_tree, seed_workspace
from testbed.errors import UsageError
from testbed.scenario import Scenario, load_suite
from testbed.tree import File, read_tree

if TYPE_CHECKING:
    from pathlib import Path

MENDED = "const unusedBefore = 0;\nexport const sum = (a, b) => b - -a;\n"


@pytest.fixture
def scenario(root: Path) -> Scenario:
    return load_suite(root).scenarios[0]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    ).stdout


def save_as(scenario: Scenario, name: str, folder: Path, **header: str | None) -> Path:
    header = {"reason": None, "caught_by": None, **header}
    return save(scenario, name, folder, reason=header["reason"], caught_by=header["caught_by"]).path


def test_a_checkout_is_the_seeded_tree_in_one_commit(scenario: Scenario, tmp_path: Path) -> None:
    checkout(scenario, tmp_path / "work")

    assert read_tree(tmp_path / "work") == seed_workspace(scenario).tree
    assert git(tmp_path / "work", "status", "--porcelain") == ""
    assert len(git(tmp_path / "work", "log", "--oneline").splitlines()) == 1


@pytest.mark.parametrize("name", ["seed", "reference", "right/other-way-round", "wrong/times"])
def test_what_is_checked_out_and_saved_again_is_the_same_patch(
    scenario: Scenario, tmp_path: Path, name: str
) -> None:
    work, path = tmp_path / "work", scenario.root / f"{name}.patch"
    base = pristine_tree(scenario.fixture) if name == "seed" else seed_workspace(scenario).tree
    header, _, before = path.read_text().partition("diff --git")
    checkout(scenario, work, name=name)
    assert git(work, "diff", "--stat")

    save_as(scenario, name, work)

    after = path.read_text()
    assert after.startswith(f"{header}diff --git")
    assert [line for line in after.splitlines() if line[:1] in "+-"] == [
        line for line in f"{header}diff --git{before}".splitlines() if line[:1] in "+-"
    ]
    assert read_tree(work) != base


def test_added_deleted_and_executable_files_are_saved(scenario: Scenario, tmp_path: Path) -> None:
    work = tmp_path / "work"
    checkout(scenario, work)
    (work / "lib/sum.mjs").unlink()
    (work / "lib/new").mkdir()
    (work / "lib/new/sum.mjs").write_text(MENDED)
    (work / "lib/new/sum.mjs").chmod(0o755)
    (work / "node_modules").mkdir()
    (work / "node_modules/junk.js").write_text("ignored by the fixture's card")

    path = save_as(scenario, "right/moved", work)

    tree = apply_patch(seed_workspace(scenario), path.read_bytes())
    assert tree["lib/new/sum.mjs"] == File(MENDED.encode(), executable=True)
    assert "lib/sum.mjs" not in tree
    assert not [name for name in tree if "node_modules" in name]


def test_a_wrong_patch_gets_a_header_and_keeps_what_it_is_not_given(
    scenario: Scenario, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    checkout(scenario, work)
    (work / "lib/sum.mjs").write_text(MENDED)

    save_as(scenario, "wrong/new", work, reason="Only\nlooks right.", caught_by="typecheck")
    path = save_as(scenario, "wrong/new", work, reason="Too clever.")

    assert path.read_text().startswith("Reason: Too clever.\nCaught-by: typecheck\n\ndiff --git")


@pytest.mark.parametrize(
    ("name", "header", "complaint"),
    [
        ("wrong/new", {}, "which check must fail"),
        ("wrong/new", {"reason": "because"}, "which check must fail"),
        ("right/new", {"reason": "because"}, "belong to wrong patches"),
        ("right/../../x", {}, "no name of a patch"),
        ("other/x", {}, "no name of a patch"),
        ("right/", {}, "no name of a patch"),
        ("seed", {}, "was not checked out from what this patch must apply to"),
    ],
)
def test_a_patch_that_cannot_be_saved_says_why(
    scenario: Scenario, tmp_path: Path, name: str, header: dict[str, str], complaint: str
) -> None:
    work = tmp_path / "work"
    checkout(scenario, work)
    (work / "lib/sum.mjs").write_text(MENDED)
    before = read_tree(scenario.root)

    with pytest.raises(UsageError, match=complaint) as caught:
        save_as(scenario, name, work, **header)

    assert caught.value.next_step
    assert read_tree(scenario.root) == before


def test_a_work_tree_of_an_older_seed_is_refused(scenario: Scenario, tmp_path: Path) -> None:
    work = tmp_path / "work"
    checkout(scenario, work)
    (work / "lib/sum.mjs").write_text(MENDED)
    scenario.seed.write_text(scenario.seed.read_text().replace("a - b", "a / b"))

    with pytest.raises(UsageError, match=r"the seed or the fixture has changed"):
        save_as(scenario, "reference", work)


def test_a_folder_that_is_no_checkout_or_changes_nothing_is_refused(
    scenario: Scenario, tmp_path: Path
) -> None:
    checkout(scenario, tmp_path / "work")

    with pytest.raises(UsageError, match="changes nothing"):
        save_as(scenario, "reference", tmp_path / "work")
    with pytest.raises(UsageError, match="is no checkout"):
        save_as(scenario, "reference", scenario.fixture.root)


def test_a_checkout_overwrites_nothing_and_knows_its_patches(
    scenario: Scenario, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/mine.txt").write_text("mine")

    with pytest.raises(UsageError, match="is in use"):
        checkout(scenario, tmp_path / "work")
    with pytest.raises(UsageError, match="no such patch"):
        checkout(scenario, tmp_path / "other", name="right/nope")
    assert not (tmp_path / "other").exists()
