"""A new scenario's folder is whole, says what is to be written, and takes nobody's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.authoring.lint import lint
from runner.authoring.scaffold import begin
from testbed.errors import ScenarioError
from testbed.scenario import Kind, load_scenario
from testbed.tree import read_tree

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_folder_loads_and_every_gap_is_a_finding(root: Path, kind: Kind) -> None:
    folder = begin(root, "times", fixture="tiny", kind=kind)

    scenario = load_scenario(folder, {})
    findings = [str(finding) for finding in lint(root, ("times",))]

    assert (scenario.kind, scenario.card.fixture) == (kind, "tiny")
    assert (folder / "checks/unit/example.test.mjs").is_file()
    gaps = (folder / "prompt.md").read_text().count("{{")
    written = [line for line in findings if "still to be written" in line]
    assert len([line for line in written if line.startswith("times/prompt.md")]) == gaps > 0
    assert len([line for line in written if line.startswith("times/scenario.toml")]) == 2
    assert [line for line in findings if line.startswith("times/reference.patch")]


@pytest.mark.parametrize("name", ["", "Times", "two words", "../up", "a/b", "-x", "x" * 64, "ünit"])
def test_a_bad_id_is_refused(root: Path, name: str) -> None:
    before = read_tree(root)

    with pytest.raises(ScenarioError, match="cannot be the id"):
        begin(root, name, fixture="tiny", kind=Kind.BUG)

    assert read_tree(root) == before


def test_an_id_that_is_taken_is_refused_and_nothing_is_touched(root: Path) -> None:
    before = read_tree(root)

    with pytest.raises(ScenarioError, match="exists already"):
        begin(root, "minus", fixture="tiny", kind=Kind.BUG)

    assert read_tree(root) == before


def test_an_unknown_fixture_leaves_no_folder(root: Path) -> None:
    with pytest.raises(ScenarioError, match=r"gone\.toml: no such file"):
        begin(root, "times", fixture="gone", kind=Kind.BUG)

    assert not (root / "scenarios/times").exists()


@pytest.mark.parametrize("card", sorted(REPOSITORY.glob("fixtures/*.toml")), ids=lambda c: c.stem)
def test_every_fixture_brings_an_example_of_a_check_for_a_step_it_has(card: Path) -> None:
    steps = {f'id = "{path.name}"' for path in card.with_suffix(".example").iterdir()}

    assert steps
    assert all(step in card.read_text() for step in steps)
