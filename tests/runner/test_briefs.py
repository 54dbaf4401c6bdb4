from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.replay.audit import audit_run
from runner.scene import write_briefs
from testbed.certified import certificate_path
from testbed.errors import RunError
from testbed.plan import PlannedScenario, RunConfig
from testbed.scenario import Constraints, Scenario, load_suite
from testbed.store import Run, write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.briefs import Brief
    from testbed.certificate import Certificate

TINY = Path(__file__).parents[1] / "suites" / "tiny"


@pytest.fixture
def scenario() -> Scenario:
    (scenario,) = load_suite(TINY).scenarios
    return scenario


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = RunConfig(
        run_id="a-run",
        created_at="2026-11-22T12:00:00+00:00",
        suite=str(TINY),
        models=(),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=1,
        engine="local",
    )
    return Run.create(tmp_path, config)


def brief_of(run: Run) -> Brief:
    briefs = run.briefs()
    assert briefs is not None
    return briefs.scenarios["minus"]


def test_a_run_keeps_what_its_scenarios_ask_for(run: Run, scenario: Scenario) -> None:
    write_briefs(run, [scenario])

    brief = brief_of(run)
    assert brief.prompt == (TINY / "scenarios" / "minus" / "prompt.md").read_text().strip()
    assert brief.seed == scenario.seed.read_text()
    assert brief.seeded_files == scenario.card.seeded_files
    assert brief.commands == scenario.fixture.card.commands
    assert (brief.fail_to_pass, brief.pass_to_pass) == (
        len(scenario.fail_to_pass),
        len(scenario.pass_to_pass),
    )


def test_constraints_are_told_in_words_and_those_not_set_are_not_told(
    run: Run, scenario: Scenario
) -> None:
    rules = Constraints(forbidden_paths=("a/**", "b"), max_changed_lines=250)
    card = scenario.card.model_copy(update={"constraints": rules})
    write_briefs(run, [replace(scenario, card=card)])

    asked = brief_of(run).constraints
    assert (asked["forbidden_paths"], asked["max_changed_lines"]) == ("a/**, b", "250")
    assert "required_paths" not in asked
    assert "package-lock.json" in asked["no_tampering"]


def test_a_run_keeps_what_its_scenarios_certificates_say(
    run: Run,
    scenario: Scenario,
    certify: Callable[[Scenario], Certificate],
    tmp_path: Path,
) -> None:
    write_briefs(run, [scenario])
    bare = brief_of(run).certificate
    run.paths.briefs.unlink()
    root = shutil.copytree(TINY, tmp_path / "suite")
    (copy,) = load_suite(root).scenarios
    write_record(certificate_path(copy), certify(copy))
    write_briefs(run, [copy])

    assert bare
    assert bare.state == "none"
    found = brief_of(run).certificate
    assert found
    assert (found.state, found.killed, found.mutants) == ("fresh", 12, 13)


def test_what_is_written_once_stays(run: Run, scenario: Scenario) -> None:
    write_briefs(run, [scenario])
    before = run.paths.briefs.read_bytes()
    write_briefs(run, [])

    assert run.paths.briefs.read_bytes() == before


def test_a_run_without_them_is_read_and_audited_all_the_same(run: Run, scenario: Scenario) -> None:
    assert run.briefs() is None
    assert audit_run(run.paths.folder).sound

    write_briefs(run, [scenario])

    assert audit_run(run.paths.folder).sound
    assert [note.file for note in audit_run(run.paths.folder).notes] == ["briefs.json"]


def test_damaged_briefs_are_an_expected_error_and_a_finding(run: Run, scenario: Scenario) -> None:
    write_briefs(run, [scenario])
    run.paths.briefs.write_text("{")

    assert [one.file for one in audit_run(run.paths.folder).findings] == ["briefs.json"]
    with pytest.raises(RunError, match=r"briefs\.json"):
        run.briefs()
