"""Hidden checks of several scenarios are laid together unless one stands in another's way."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from runner.mutation.hidden import group_checks
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from pathlib import Path

    from runner.mutation.hidden import Group
    from tests.runner.mutation.conftest import Stage

UNIT = ".testbed/checks/unit"


def twin(root: Path, name: str, files: dict[str, str]) -> None:
    """Add a scenario with these checks in place of its own."""
    folder = root / "scenarios" / name
    shutil.copytree(root / "scenarios/minus", folder)
    card = folder / "scenario.toml"
    card.write_text(card.read_text().replace('"minus"', f'"{name}"'))
    shutil.rmtree(folder / "checks/unit")
    for path, text in files.items():
        (folder / "checks" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "checks" / path).write_text(text)


def groups(root: Path) -> tuple[Group, ...]:
    return group_checks(load_suite(root, recorded=False).scenarios)


def test_equal_files_are_laid_once_and_clashing_ones_apart(stage: Stage) -> None:
    same = (stage.root / "scenarios/minus/checks/unit/hidden.test.mjs").read_text()
    twin(stage.root, "also", {"unit/hidden.test.mjs": same, "unit/more.test.mjs": "1"})
    twin(stage.root, "other", {"unit/hidden.test.mjs": "2", "app/page.test.mjs": "3"})

    first, second = groups(stage.root)

    assert set(first.files) == {f"{UNIT}/hidden.test.mjs", f"{UNIT}/more.test.mjs"}
    assert first.owners[f"{UNIT}/hidden.test.mjs"] == {"also", "minus"}
    assert {path: file.data for path, file in second.files.items()} == {
        f"{UNIT}/hidden.test.mjs": b"2"
    }


def test_a_scenario_without_recorded_manifests_brings_no_checks(stage: Stage) -> None:
    (stage.root / "scenarios/minus/checks/fail_to_pass.txt").unlink()

    assert groups(stage.root) == ()


def test_a_test_file_goes_with_the_helpers_of_its_scenario_alone(stage: Stage) -> None:
    twin(stage.root, "one", {"unit/a.test.mjs": "a", "unit/b.test.mjs": "b", "unit/help.mjs": "h"})
    twin(stage.root, "two", {"unit/c.test.mjs": "c", "unit/other.mjs": "o"})

    (group,) = groups(stage.root)

    alone = group.alone([f"{UNIT}/a.test.mjs"], ["**/*.test.mjs"])
    assert set(alone) == {f"{UNIT}/a.test.mjs", f"{UNIT}/help.mjs"}
