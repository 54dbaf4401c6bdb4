"""A certificate goes stale exactly when what it rests on changes, and says what falls short."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from testbed.certificate import Caches, Certificate, Graded, Mutation
from testbed.certified import Standing, certificate_path, standings
from testbed.equivalents import read_equivalents
from testbed.errors import ScenarioError
from testbed.scenario import Scenario, load_suite
from testbed.store import write_record

if TYPE_CHECKING:
    from collections.abc import Callable

TINY = Path(__file__).parents[1] / "suites" / "tiny"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "suite"))


@pytest.fixture
def scenario(root: Path) -> Scenario:
    (scenario,) = load_suite(root).scenarios
    return scenario


@pytest.fixture
def certificate(scenario: Scenario, certify: Callable[[Scenario], Certificate]) -> Certificate:
    return certify(scenario)


def mutation(certificate: Certificate) -> Mutation:
    assert certificate.mutation
    return certificate.mutation


def look(root: Path) -> Standing:
    (scenario,) = load_suite(root).scenarios
    return standings([scenario])["minus"]


def test_a_scenario_without_a_certificate_is_not_certified(root: Path) -> None:
    standing = look(root)

    assert (standing.state, standing.faults) == ("none", ("not certified",))


def test_a_certificate_of_the_files_as_they_are_has_no_fault(
    root: Path, scenario: Scenario, certificate: Certificate
) -> None:
    write_record(certificate_path(scenario), certificate)

    standing = look(root)

    assert (standing.state, standing.faults) == ("fresh", ())
    assert standing.certificate == certificate


@pytest.mark.parametrize(
    "name",
    [
        "scenarios/minus/scenario.toml",
        "scenarios/minus/prompt.md",
        "scenarios/minus/checks/unit/hidden.test.mjs",
        "scenarios/minus/right/other-way-round.patch",
        "fixtures/tiny.toml",
    ],
)
def test_it_is_stale_as_soon_as_a_file_that_it_rests_on_changes(
    root: Path, scenario: Scenario, certificate: Certificate, name: str
) -> None:
    write_record(certificate_path(scenario), certificate)
    path = root / name
    path.write_text(f"{path.read_text()}\n")

    standing = look(root)

    told = name.removeprefix("scenarios/minus/")
    assert (standing.state, standing.faults) == ("stale", (f"stale: {told} has changed",))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("fixtures/tiny/lib/sum.mjs", "fixtures/tiny"),
        ("fixtures/tiny.grading/run.mjs", "fixtures/tiny.grading"),
    ],
)
def test_of_the_fixture_it_is_told_which_part_has_changed(
    root: Path, scenario: Scenario, certificate: Certificate, name: str, part: str
) -> None:
    write_record(certificate_path(scenario), certificate)
    (root / name).write_text("// other\n")

    assert look(root).faults == (f"stale: {part} has changed",)


def test_files_that_came_or_went_are_named(
    root: Path, scenario: Scenario, certificate: Certificate
) -> None:
    write_record(certificate_path(scenario), certificate)
    (scenario.root / "wrong/no-code.patch").rename(scenario.root / "wrong/broken.patch")

    assert look(root).faults == (
        "stale: wrong/broken.patch is new",
        "stale: wrong/no-code.patch is gone",
    )


def test_what_no_verdict_rests_on_leaves_it_fresh(
    root: Path, scenario: Scenario, certificate: Certificate
) -> None:
    write_record(certificate_path(scenario), certificate)
    (scenario.root / "tour.toml").write_text("schema_version = 1\n")
    (root / "fixtures/tiny/node_modules").mkdir()
    (root / "fixtures/tiny/node_modules/a.js").write_text("")

    assert look(root).state == "fresh"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{", "", "cannot be read: `file`: Invalid JSON"),
        ('"schema_version": 1', '"schema_version": 2', "cannot be read: `schema_version`"),
        ('"scenario": "minus"', '"scenario": "plus"', "is the certificate of `plus`"),
        ('"killed": 12', '"killed": 13', "cannot be read: `mutation`: Value error, `score`"),
    ],
)
def test_one_that_cannot_be_believed_is_stale_and_says_why(
    root: Path, scenario: Scenario, certificate: Certificate, *, old: str, new: str, fault: str
) -> None:
    path = certificate_path(scenario)
    write_record(path, certificate)
    path.write_text(path.read_text().replace(old, new, 1))

    standing = look(root)

    assert (standing.certificate, standing.state) == (None, "stale")
    assert standing.faults[0].startswith(fault)


def test_a_patch_that_did_not_come_out_as_it_must_is_a_fault(certificate: Certificate) -> None:
    wrong = Graded(patch="wrong/times", verdict="pass", caught_by="a::b", fault="a::b passes")
    changed = certificate.model_copy(update={"graded": (wrong,)})

    assert changed.shortfalls() == ["wrong/times: a::b passes"]


def test_flakes_and_too_few_gradings_are_faults(certificate: Certificate) -> None:
    flaky = certificate.steadiness.model_copy(
        update={"gradings": 19, "flakes": ("reference (load): failed a::b",)}
    )
    changed = certificate.model_copy(update={"steadiness": flaky})

    assert changed.shortfalls() == [
        "19 gradings are fewer than 20",
        "1 of 19 gradings are flaky, e.g. reference (load): failed a::b",
    ]


def test_a_build_cache_that_changes_an_outcome_is_a_fault(certificate: Certificate) -> None:
    caches = Caches(steps=("app",), differences=("nothing (cold): a::b passes",))
    changed = certificate.model_copy(update={"caches": caches})

    assert changed.shortfalls() == [
        "the build cache changes an outcome: nothing (cold): a::b passes"
    ]


@pytest.mark.parametrize(
    ("killed", "faults"),
    [
        (17, []),
        (16, ["the hidden checks kill 16 of 19 mutants, fewer than 85%"]),
        (0, ["the hidden checks kill 0 of 3 mutants, fewer than 85%"]),
    ],
)
def test_a_score_below_the_bound_is_a_fault(
    certificate: Certificate, killed: int, faults: list[str]
) -> None:
    survivors = 3 * mutation(certificate).survivors
    scored = mutation(certificate).model_dump() | {
        "killed": killed,
        "survivors": survivors,
        "score": killed / (killed + 3),
    }
    changed = certificate.model_copy(update={"mutation": Mutation.model_validate(scored)})

    assert changed.shortfalls() == faults


def test_explained_survivors_do_not_count(certificate: Certificate) -> None:
    (survivor,) = mutation(certificate).survivors
    explained = survivor.model_copy(update={"equivalent": "Both are whole numbers."})
    scored = mutation(certificate).model_dump() | {"survivors": (explained,), "score": 1.0}

    assert Mutation.model_validate(scored).counted == 12


def test_an_explanation_of_no_survivor_is_a_fault(certificate: Certificate) -> None:
    scored = mutation(certificate).model_copy(update={"unmatched": ("lib/a.ts:drop-await:1",)})
    changed = certificate.model_copy(update={"mutation": scored})

    assert changed.shortfalls() == [
        "equivalent.toml explains `lib/a.ts:drop-await:1`, which is no survivor"
    ]


def test_a_score_that_was_written_by_hand_is_refused(certificate: Certificate) -> None:
    with pytest.raises(ValidationError, match="not what the mutants give"):
        Mutation.model_validate(mutation(certificate).model_dump() | {"score": 0.99})


def test_without_mutants_there_is_no_score_and_no_fault(certificate: Certificate) -> None:
    bare = mutation(certificate).model_dump() | {"killed": 0, "survivors": (), "score": None}
    changed = certificate.model_copy(update={"mutation": Mutation.model_validate(bare)})

    assert changed.shortfalls() == []
    assert certificate.model_copy(update={"mutation": None}).shortfalls() == []


def test_a_run_keeps_the_figures_and_an_unread_certificate_has_none(
    root: Path, scenario: Scenario, certificate: Certificate
) -> None:
    bare = look(root).brief()
    write_record(certificate_path(scenario), certificate)
    brief = look(root).brief()

    assert (bare.state, bare.accepted, bare.score) == ("none", None, None)
    assert (brief.accepted, brief.rejected) == (2, 1)
    assert (brief.flakes, brief.gradings, brief.killed, brief.mutants) == (0, 20, 12, 13)


def test_equivalents_are_read_and_a_reason_is_one_sentence(scenario: Scenario) -> None:
    assert read_equivalents(scenario.root) == {}
    path = scenario.root / "equivalent.toml"
    path.write_text('schema_version = 1\n[mutants]\n"lib/a.ts:x:1" = "It is never reached."\n')
    assert read_equivalents(scenario.root) == {"lib/a.ts:x:1": "It is never reached."}

    for reason in ('""', '"no sentence"', '"""Two\nlines."""'):
        path.write_text(f'schema_version = 1\n[mutants]\n"lib/a.ts:x:1" = {reason}\n')
        with pytest.raises(ScenarioError, match=r"equivalent\.toml: `mutants\.lib/a\.ts:x:1`"):
            read_equivalents(scenario.root)
