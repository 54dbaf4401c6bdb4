"""Which gradings prove a scenario, in full and where time is short."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.grading.terms import USUAL, Terms
from runner.proof.cases import cold_cases, full_cases, known_cases, quick_cases, steady_cases
from testbed.scenario import Scenario, Variation, Warmup, load_suite

if TYPE_CHECKING:
    from runner.proof.cases import Case

TINY = Path(__file__).parents[2] / "suites" / "tiny"
HIDDEN = ".testbed/checks/unit/hidden.test.mjs"
BUILT = ".testbed/checks/app/page.test.mjs"
WARM = Warmup(argv=("true",), keep="cache", timeout_seconds=1)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    shutil.copytree(TINY, tmp_path, dirs_exist_ok=True)
    return load_suite(tmp_path).scenarios[0]


def built(scenario: Scenario) -> Scenario:
    """Give a scenario checks of the built application, and that step a cache."""
    (scenario.checks / "app").mkdir()
    unit, app = scenario.fixture.card.steps
    steps = (unit, app.model_copy(update={"warmup": WARM}))
    card = scenario.fixture.card.model_copy(update={"steps": steps})
    return replace(scenario, fixture=replace(scenario.fixture, card=card))


def wrong(scenario: Scenario, name: str, caught_by: str) -> None:
    header = f"Reason: wrong\nCaught-by: {caught_by}\n\n"
    (scenario.root / f"wrong/{name}.patch").write_text(header)


def named(cases: tuple[Case, ...]) -> dict[str, Case]:
    found = {case.patch: case for case in cases}
    assert len(found) == len(cases)
    return found


def test_the_full_proof_grades_every_patch_as_a_trial_does(scenario: Scenario) -> None:
    cases = named(full_cases([scenario], seed=1))

    for candidate in scenario.candidates():
        assert cases[candidate.name].terms == USUAL
    assert cases["nothing"].terms.steps is None


def test_the_full_proof_varies_what_is_right_and_nothing(scenario: Scenario) -> None:
    cases = named(full_cases([scenario], seed=1))

    right = ["nothing", "reference", "right/less-the-negative", "right/other-way-round"]
    for variation in ("backwards", "auckland-turkish", "load"):
        varied = [name for name in cases if name.endswith(f" ({variation})")]
        assert varied == [f"{name} ({variation})" for name in right]
    assert cases["reference (load)"].terms.busy > 0
    assert cases["nothing (auckland-turkish)"].terms.environment["TZ"] == "Pacific/Auckland"


def test_the_seed_stands_in_the_environment_of_a_variation(scenario: Scenario) -> None:
    case = named(full_cases([scenario], seed=4711))["reference (backwards)"]

    assert case.terms.environment == {"BACKWARDS_SEED": "4711"}
    assert case.conditions == "BACKWARDS_SEED=4711"
    assert case.slug == "minus-reference-backwards"


def test_caches_are_left_out_for_the_reference_and_nothing_of_each_scenario(
    scenario: Scenario,
) -> None:
    assert not [name for name in named(full_cases([scenario], seed=1)) if "cold" in name]

    cases = named(full_cases([built(scenario)], seed=1))

    cold = {name: case.terms for name, case in cases.items() if name.endswith("(cold)")}
    assert list(cold) == ["nothing (cold)", "reference (cold)"]
    assert all(terms.cold and terms.steps == frozenset({"app"}) for terms in cold.values())


def test_a_certificate_grades_what_is_right_whole_and_what_is_wrong_by_its_named_check(
    scenario: Scenario,
) -> None:
    cases = named(known_cases(scenario))

    whole = {name for name, case in cases.items() if case.terms == USUAL}
    assert whole == {name for name in cases if name.startswith(("reference", "right/"))}
    assert cases["nothing"].terms == Terms(inspect=False)
    quick = named(quick_cases([scenario]))
    wrong = {name: case.terms for name, case in cases.items() if name.startswith("wrong/")}
    assert wrong == {name: quick[name].terms for name in wrong}
    assert wrong


def test_a_certificate_leaves_the_caches_out_that_there_are(scenario: Scenario) -> None:
    assert cold_cases(scenario) == ()
    assert [case.patch for case in cold_cases(built(scenario))] == [
        "nothing (cold)",
        "reference (cold)",
    ]


def test_the_quick_proof_leaves_caches_out_once_for_each_cached_step(scenario: Scenario) -> None:
    first, second = built(scenario), replace(scenario)

    cases = quick_cases([first, first, second])

    assert [case.patch for case in cases if case.terms.cold] == ["reference (cold)"]


def test_the_quick_proof_grades_the_reference_whole_and_others_by_types_and_hidden_checks(
    scenario: Scenario,
) -> None:
    scenario = built(scenario)
    scenario = replace(scenario, fail_to_pass=(*scenario.fail_to_pass, f"{BUILT}::answers"))

    cases = named(quick_cases([scenario]))
    other = cases["right/less-the-negative"]

    assert cases["reference"].terms == USUAL
    assert other.terms == Terms(steps=frozenset({"unit", "app"}), files=(HIDDEN,))
    assert cases["right/other-way-round"].terms == other.terms
    assert (cases["reference"].expected, other.expected) == ("pass", "pass the hidden checks")


def test_a_step_without_a_hidden_check_is_not_run_for_other_right_patches(
    scenario: Scenario,
) -> None:
    late = replace(built(scenario), fail_to_pass=(f"{BUILT}::answers",), pass_to_pass=())

    cases = named(quick_cases([late]))

    assert cases["right/less-the-negative"].terms == Terms(steps=frozenset({"app"}))


def test_without_any_hidden_check_right_patches_are_graded_whole(scenario: Scenario) -> None:
    open_to_all = replace(
        scenario, fail_to_pass=("test/visible.test.mjs::greets",), pass_to_pass=()
    )

    assert named(quick_cases([open_to_all]))["right/less-the-negative"].terms == USUAL


def test_the_quick_proof_grades_each_patch_once_and_varies_nothing(scenario: Scenario) -> None:
    cases = quick_cases([scenario])

    assert [case.patch for case in cases] == [
        "nothing",
        *(candidate.name for candidate in scenario.candidates()),
    ]
    assert not any(case.variation for case in cases)


@pytest.mark.parametrize(
    ("caught_by", "steps", "file", "inspect"),
    [
        (f"{HIDDEN}::adds", {"unit"}, HIDDEN, False),
        ("test/visible.test.mjs::greets", {"unit"}, "test/visible.test.mjs", False),
        (f"{BUILT}::answers", {"app"}, BUILT, False),
        ("typecheck", set(), "", True),
        ("constraint:allowed-paths", set(), "", False),
        ("undisturbed:unit", {"unit"}, "", False),
        ("witness:app", {"app"}, "", False),
    ],
)
def test_of_a_wrong_patch_the_quick_proof_runs_what_its_check_needs(
    scenario: Scenario, *, caught_by: str, steps: set[str], file: str, inspect: bool
) -> None:
    wrong(scenario, "tempting", caught_by)

    terms = named(quick_cases([built(scenario)]))["wrong/tempting"].terms

    assert (terms.steps, terms.inspect) == (frozenset(steps), inspect)
    assert terms.files == ((file,) if file else ())
    assert terms.only == (caught_by if file else "")


def test_one_test_is_run_alone_by_a_step_that_can(scenario: Scenario) -> None:
    unit, _ = scenario.fixture.card.steps
    named = f"{HIDDEN}::sums > of 1 + 1 (twice)? [a|b]"
    terms = Terms(files=(HIDDEN,), only=named)

    assert terms.command(unit) == (*unit.argv, HIDDEN)
    assert terms.command(unit.model_copy(update={"name_option": "-t"})) == (
        *(*unit.argv, HIDDEN, "-t"),
        r"^sums > of 1 \+ 1 \(twice\)\? \[a\|b\]$",
    )
    assert terms.judged(scenario, (*scenario.fail_to_pass, named)) == (named,)


def test_nothing_runs_a_later_step_only_where_no_earlier_one_can_show_it(
    scenario: Scenario,
) -> None:
    scenario = built(scenario)
    only_built = replace(scenario, fail_to_pass=(f"{BUILT}::answers",))

    assert named(quick_cases([scenario]))["nothing"].terms.steps == frozenset({"unit"})
    assert named(quick_cases([only_built]))["nothing"].terms.steps == frozenset({"unit", "app"})


def test_gradings_that_must_come_out_the_same_go_round_through_every_condition(
    scenario: Scenario,
) -> None:
    cases = steady_cases(scenario, seed=7)

    counts = Counter((case.patch, case.terms.environment.get("BACKWARDS_SEED")) for case in cases)
    assert len(cases) == 40
    assert counts["nothing (plain)", None] == counts["reference (load)", None] == 5
    assert [counts["reference (backwards)", str(seed)] for seed in (7, 8, 11, 12)] == [1, 1, 1, 0]
    assert {case.terms.busy > 0 for case in cases if case.variation == "load"} == {True}


def test_they_grade_the_hidden_checks_alone_and_fewer_times_where_a_build_is_needed(
    scenario: Scenario,
) -> None:
    only_built = replace(built(scenario), fail_to_pass=(f"{BUILT}::answers",), pass_to_pass=())
    both = replace(only_built, pass_to_pass=(f"{HIDDEN}::adds", "test/visible.test.mjs::greets"))

    cheap, costly = steady_cases(scenario, seed=1), steady_cases(both, seed=1)

    assert {(case.terms.steps, case.terms.files) for case in cheap} == {
        (frozenset({"unit"}), (HIDDEN,))
    }
    assert len(costly) == 24
    assert {case.terms.steps for case in costly} == {frozenset({"unit", "app"})}
    assert not any(case.terms.inspect or case.terms.cold for case in (*cheap, *costly))
    assert {case.terms.steps for case in steady_cases(only_built, seed=1)} == {frozenset({"app"})}


def test_names_of_variations_are_told_apart_from_the_harnesss_own(scenario: Scenario) -> None:
    card = scenario.fixture.card.model_dump()

    for name in ("cold", "load", "backwards"):
        double = Variation(id=name, environment={"A": "b"}).model_dump()
        with pytest.raises(ValueError, match=f"`{name}` exists already"):
            type(scenario.fixture.card).model_validate(
                {**card, "variations": [*card["variations"], double]}
            )
