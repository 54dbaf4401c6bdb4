"""Outcomes of gradings -> what a certificate says of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from testbed.certificate import Caches, Graded, Steadiness
from testbed.stats import exact_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.certify.ledger import Outcome
    from runner.proof.cases import Case
    from testbed.scenario import Scenario


def graded_of(case: Case, outcome: Outcome) -> Graded:
    """Tell how one known patch came out."""
    candidate = case.candidate
    return Graded(
        patch=case.patch,
        verdict=outcome.verdict,
        caught_by=candidate.caught_by if candidate and not candidate.right else None,
        fault=outcome.fault,
    )


def steadiness_of(graded: Sequence[tuple[Case, Outcome]]) -> Steadiness:
    """Count the flakes of gradings that must come out the same; at least one grading."""
    flakes = tuple(f"{case.patch}: {outcome.fault}" for case, outcome in graded if outcome.fault)
    interval = exact_interval(len(flakes), len(graded))
    patches = {case.candidate.name if case.candidate else "nothing" for case, _ in graded}
    return Steadiness(
        patches=tuple(sorted(patches)),
        gradings=len(graded),
        conditions=dict(Counter(case.variation for case, _ in graded)),
        flakes=flakes,
        low=interval.low,
        high=interval.high,
    )


def caches_of(
    scenario: Scenario,
    warm: Sequence[tuple[Case, Outcome]],
    cold: Sequence[tuple[Case, Outcome]],
) -> Caches | None:
    """Compare gradings without build caches with those of the same patches with them.

    `None` without any of the former. Tests of steps that have no cache are left aside.
    """
    if not cold:
        return None
    failed = {case.candidate: outcome.failed for case, outcome in warm}
    return Caches(
        steps=tuple(sorted({step for case, _ in cold for step in case.terms.steps or ()})),
        differences=tuple(
            line
            for case, outcome in cold
            for line in _differences(scenario, case, failed[case.candidate], outcome.failed)
        ),
    )


def _differences(
    scenario: Scenario, case: Case, warm: Sequence[str], cold: Sequence[str]
) -> list[str]:
    tests = (*scenario.fail_to_pass, *scenario.pass_to_pass)
    shown = {*case.terms.judged(scenario, tests)}
    return [
        f"{case.patch}: {test} {'fails' if test in cold else 'passes'}"
        for test in sorted({*warm} ^ {*cold})
        if test in shown
    ]
