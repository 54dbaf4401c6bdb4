"""The repository's own fixtures and scenarios, as the grader needs them; nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.grading.archive import KIT_FOLDER
from runner.grading.grade import graded_tree
from runner.workspace import apply_patch, seed_workspace
from testbed.scenario import load_suite
from testbed.tree import matches, read_tree

if TYPE_CHECKING:
    from testbed.scenario import Scenario

ROOT = Path(__file__).parents[3]
SCENARIOS = {card.parent.name for card in ROOT.glob("scenarios/*/scenario.toml")}


@pytest.fixture(params=sorted(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return load_suite(ROOT, recorded=False).pick((request.param,)).scenarios[0]


def test_seed_and_every_candidate_apply(scenario: Scenario) -> None:
    workspace = seed_workspace(scenario)

    for candidate in scenario.candidates():
        tree = apply_patch(workspace, candidate.path.read_bytes(), source=candidate.name)
        assert tree != workspace.tree, candidate.name


def test_seeded_files_are_what_the_seed_changed(scenario: Scenario) -> None:
    card = scenario.fixture.card
    pristine = read_tree(scenario.fixture.root, card.ignored)
    seeded = seed_workspace(scenario).tree
    paths = pristine.keys() | seeded.keys()
    changed = {path for path in paths if pristine.get(path) != seeded.get(path)}

    assert {path for path in changed if matches(path, scenario.card.seeded_files)} or not changed


def test_no_right_patch_needs_a_protected_file(scenario: Scenario) -> None:
    workspace = seed_workspace(scenario)

    for candidate in scenario.candidates():
        tree = apply_patch(workspace, candidate.path.read_bytes())
        if candidate.right:
            assert graded_tree(scenario.fixture.card, workspace.tree, tree) == tree, candidate.name


def test_reports_and_configuration_stand_in_the_harnesss_own_folder(scenario: Scenario) -> None:
    card = scenario.fixture.card
    lines = [*(step.argv for step in card.steps), card.typecheck.argv, card.lint.argv]
    named = {word for argv in lines for word in argv if word.startswith(f"{KIT_FOLDER}/")}

    assert named
    for path in named:
        assert (scenario.fixture.kit / path.removeprefix(f"{KIT_FOLDER}/")).is_file(), path
    for step in card.steps:
        assert step.junit.startswith(f"{KIT_FOLDER}/")
        assert not (scenario.fixture.kit / step.junit.removeprefix(f"{KIT_FOLDER}/")).exists()


def test_what_decides_about_tests_is_protected(scenario: Scenario) -> None:
    card = scenario.fixture.card

    for path in ("package.json", card.lockfile):
        assert matches(path, card.protected), path
    assert matches("node_modules/x/index.js", card.ignored)
