from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from runner.scene import digest_fixture, digest_scenario
from runner.workspace import seed_workspace
from testbed.errors import ScenarioError
from testbed.scenario import Scenario, load_suite
from testbed.tour import Step, Tour, digest_tour, load_face, load_tour, whole_steps

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "suites" / "tiny"
TOUR = 'schema_version = 1\nsteps = [{ goto = "/" }, { shot = "The page" }]\n'
FACE = 'schema_version = 1\nserve = ["node", "serve.mjs"]\nstart_seconds = 10\n'


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    shutil.copytree(TINY, tmp_path, dirs_exist_ok=True)
    (scenario,) = load_suite(tmp_path).scenarios
    return scenario


def give_face(scenario: Scenario) -> None:
    folder = scenario.fixture.root.with_name("tiny.shots")
    folder.mkdir()
    (folder / "face.toml").write_text(FACE)
    (scenario.root / "tour.toml").write_text(TOUR)


def shipped() -> list[Scenario]:
    return [s for s in load_suite(ROOT).scenarios if (s.root / "tour.toml").is_file()]


@pytest.mark.parametrize("scenario", shipped(), ids=lambda scenario: scenario.id)
def test_every_tour_of_the_suite_can_be_taken_and_says_where_it_is(scenario: Scenario) -> None:
    tour, face = load_tour(scenario), load_face(scenario.fixture)

    assert tour is not None
    assert face is not None
    _, steps = whole_steps(tour, face)
    captions = [step.shot for step in steps if step.shot]
    assert len(set(captions)) == len(captions)


def test_a_scenario_without_a_tour_has_none(scenario: Scenario) -> None:
    assert load_tour(scenario) is None
    assert load_face(scenario.fixture) is None


def test_a_tour_changes_neither_the_identity_of_results_nor_what_a_model_sees(
    scenario: Scenario,
) -> None:
    workspace = seed_workspace(scenario)
    before = (digest_scenario(scenario, workspace), digest_fixture(scenario.fixture))
    give_face(scenario)

    again = seed_workspace(scenario)
    assert (digest_scenario(scenario, again), digest_fixture(scenario.fixture)) == before
    assert again.archive == workspace.archive


def test_pictures_are_stale_once_the_tour_or_the_face_changes(scenario: Scenario) -> None:
    give_face(scenario)
    tour = load_tour(scenario)
    assert tour is not None
    before = digest_tour(tour, scenario.fixture)

    other = tour.model_copy(update={"steps": tour.steps[1:]})
    assert digest_tour(other, scenario.fixture) != before
    (scenario.fixture.root.with_name("tiny.shots") / "serve.mjs").write_text("")
    assert digest_tour(tour, scenario.fixture) != before


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ({}, "a step is one of"),
        ({"goto": "/", "shot": "both"}, "a step is one of"),
        ({"goto": "https://example.com/"}, "goto"),
        ({"goto": "//example.com/"}, "goto"),
        ({"type": "text"}, "`type` needs `at`"),
        ({"goto": "/", "at": {"label": "Name"}}, "`at` goes with"),
        ({"click": {}}, "give one of"),
        ({"click": {"label": "Name", "css": "input"}}, "give one of"),
        ({"click": {"label": "Name", "name": "x"}}, "`name` goes with `role`"),
        ({"upload": "../secret.pdf", "at": {"css": "input"}}, "upload"),
        ({"pause": 60}, "pause"),
        ({"run": "rm"}, "run"),
    ],
)
def test_a_step_is_one_thing_that_can_be_done(step: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Step.model_validate(step)


def test_a_tour_takes_one_to_five_pictures() -> None:
    for shots in (0, 6):
        steps = [{"goto": "/"}, *({"shot": f"picture {n}"} for n in range(shots))]
        with pytest.raises(ValidationError, match=f"{shots} shots"):
            Tour.model_validate({"schema_version": 1, "steps": steps})


def test_an_unknown_visitor_is_refused_by_name(scenario: Scenario) -> None:
    give_face(scenario)
    (scenario.root / "tour.toml").write_text('visitor = "nobody"\n' + TOUR)
    tour, face = load_tour(scenario), load_face(scenario.fixture)
    assert tour is not None
    assert face is not None

    with pytest.raises(ScenarioError, match="no visitor `nobody`"):
        whole_steps(tour, face)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"click": {"role": "button", "name": "Filter"}}, 'click button "Filter"'),
        ({"type": "x", "at": {"label": "Name"}}, 'type "x" at field "Name"'),
        ({"leave": True}, "leave"),
        ({"shot": "The form", "at": {"css": "form"}}, "shot The form"),
        ({"see": {"text": "Done."}}, 'see "Done."'),
        ({"network": {"match": "/api", "fail": True}}, "network /api fails"),
        ({"network": {}}, "network as usual"),
    ],
)
def test_a_step_can_be_said_in_words(step: dict[str, Any], words: str) -> None:
    assert Step.model_validate(step).in_words() == words
