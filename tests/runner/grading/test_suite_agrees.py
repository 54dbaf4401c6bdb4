"""The repository's own fixtures and scenarios, as the grader needs them; no sandbox is started."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner.authoring.lint import lint
from runner.grading.archive import KIT_FOLDER
from runner.sandbox.node import node_root
from runner.workspace import pristine_tree
from testbed.scenario import Fixture, load_fixture
from testbed.tree import matches

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted(card.parent.name for card in ROOT.glob("scenarios/*/scenario.toml"))
FIXTURES = sorted(card.stem for card in ROOT.glob("fixtures/*.toml"))


@pytest.fixture(params=FIXTURES)
def fixture(request: pytest.FixtureRequest) -> Fixture:
    return load_fixture(ROOT / "fixtures", request.param)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_has_no_finding(scenario: str) -> None:
    assert [str(finding) for finding in lint(ROOT, (scenario,))] == []


def test_reports_and_configuration_stand_in_the_harnesss_own_folder(fixture: Fixture) -> None:
    card = fixture.card
    commands = [*card.steps, card.typecheck, card.lint, *([card.quality] if card.quality else [])]
    lines = [command.argv for command in commands]
    named = {word for argv in lines for word in argv if word.startswith(f"{KIT_FOLDER}/")}

    assert named
    for path in named:
        assert (fixture.kit / path.removeprefix(f"{KIT_FOLDER}/")).is_file(), path
    for step in card.steps:
        assert step.junit.startswith(f"{KIT_FOLDER}/")
        assert not (fixture.kit / step.junit.removeprefix(f"{KIT_FOLDER}/")).exists()


def test_what_decides_about_tests_is_protected(fixture: Fixture) -> None:
    card = fixture.card

    for path in ("package.json", card.lockfile):
        assert matches(path, card.protected), path
    assert matches("node_modules/x/index.js", card.ignored)


def test_a_patchs_own_tests_are_told_from_the_rest(fixture: Fixture) -> None:
    tests = [path for path in pristine_tree(fixture) if matches(path, fixture.card.tests)]

    assert tests
    for path in tests:
        assert matches(path, fixture.card.protected), path


def test_no_signal_opens_the_inspector_of_a_test_runner(fixture: Fixture) -> None:
    script = (
        'process.kill(process.pid, "SIGUSR1");\n'
        'setTimeout(() => console.log(require("node:inspector").url()), 500);'
    )
    node = node_root() / "bin" / "node"
    done = subprocess.run(
        [node, "-e", script], env=fixture.card.environment, capture_output=True, check=True
    )

    assert (done.stdout, done.stderr) == (b"undefined\n", b"")


def test_order_time_zone_and_locale_are_varied(fixture: Fixture) -> None:
    environments = [variation.environment for variation in fixture.card.variations]

    assert [e for e in environments if "{seed}" in e.values()]
    assert len({e["TZ"] for e in environments if "TZ" in e}) > 1
    assert len({e["LC_ALL"] for e in environments if "LC_ALL" in e}) > 1
