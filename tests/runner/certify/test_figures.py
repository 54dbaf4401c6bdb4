"""Outcomes of gradings become figures: flakes are counted, caches compared test by test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.certify.figures import caches_of, graded_of, steadiness_of
from runner.certify.ledger import Outcome
from runner.grading.terms import USUAL, Terms
from runner.proof.cases import Case
from testbed.scenario import Scenario, load_suite

TINY = Path(__file__).parents[2] / "suites" / "tiny"
HIDDEN = ".testbed/checks/unit/hidden.test.mjs"


@pytest.fixture
def scenario() -> Scenario:
    (scenario,) = load_suite(TINY).scenarios
    return scenario


def case(scenario: Scenario, name: str, variation: str = "", terms: Terms = USUAL) -> Case:
    known = {candidate.name: candidate for candidate in scenario.candidates()}
    return Case(scenario=scenario, candidate=known.get(name), terms=terms, variation=variation)


def outcome(*failed: str, fault: str = "") -> Outcome:
    verdict = "fail" if failed else "pass"
    return Outcome.model_validate(
        {
            "key": "k",
            "what": "",
            "verdict": verdict,
            "failed": failed,
            "fault": fault,
            "seconds": 1.0,
        }
    )


def test_a_patch_is_told_with_the_check_that_must_catch_it(scenario: Scenario) -> None:
    wrong = graded_of(case(scenario, "wrong/times"), outcome("a"))
    right = graded_of(case(scenario, "reference"), outcome("a", fault="failed a: no"))

    assert (wrong.patch, wrong.verdict, wrong.fault) == ("wrong/times", "fail", "")
    assert wrong.caught_by == f"{HIDDEN}::adds"
    assert (right.caught_by, right.fault) == (None, "failed a: no")


def test_flakes_are_counted_with_their_exact_interval(scenario: Scenario) -> None:
    steady = [(case(scenario, "reference", "plain"), outcome()) for _ in range(18)]
    steady += [(case(scenario, "nothing", "load"), outcome("a")) for _ in range(2)]
    flake = (case(scenario, "reference", "load"), outcome("b", fault="failed b: late"))

    calm, found = steadiness_of(steady), steadiness_of([*steady[1:], flake])

    assert (calm.gradings, calm.flakes) == (20, ())
    assert calm.patches == ("nothing", "reference")
    assert (calm.low, calm.high) == pytest.approx((0.0, 0.1684335), abs=1e-6)
    assert found.flakes == ("reference (load): failed b: late",)
    assert found.conditions == {"plain": 17, "load": 3}
    assert (found.low, found.high) == pytest.approx((0.0012651, 0.2487328), abs=1e-6)


def test_caches_are_compared_on_the_tests_of_their_steps_alone(scenario: Scenario) -> None:
    built = ".testbed/checks/app/page.test.mjs::answers"
    card = scenario.fixture.card
    scenario = replace(scenario, fail_to_pass=(*scenario.fail_to_pass, built))
    scenario = replace(scenario, fixture=replace(scenario.fixture, card=card))
    cold = Terms(steps=frozenset({"unit"}), inspect=False, cold=True)
    warm = [
        (case(scenario, "nothing"), outcome(f"{HIDDEN}::adds", "typecheck")),
        (case(scenario, "reference"), outcome()),
    ]

    agreed = caches_of(
        scenario, warm, [(case(scenario, "nothing", "cold", cold), outcome(f"{HIDDEN}::adds"))]
    )
    differing = caches_of(
        scenario,
        warm,
        [
            (case(scenario, "nothing", "cold", cold), outcome()),
            (case(scenario, "reference", "cold", cold), outcome(f"{HIDDEN}::adds")),
        ],
    )

    assert agreed
    assert (agreed.steps, agreed.differences) == (("unit",), ())
    assert differing
    assert differing.differences == (
        f"nothing (cold): {HIDDEN}::adds passes",
        f"reference (cold): {HIDDEN}::adds fails",
    )
    assert caches_of(scenario, warm, []) is None
