"""Which gradings prove a scenario fair: each is a patch, and the terms it is graded on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runner.grading.archive import KIT_FOLDER
from runner.grading.terms import USUAL, Terms, step_of
from runner.sandbox.base import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from testbed.scenario import CandidatePatch, Scenario

CONSTRAINT: Final = "constraint:"
_TYPECHECK: Final = "typecheck"
_OF_A_STEP: Final = ("witness:", "undisturbed:")
_BUSY: Final = 2 * int(Limits().cpus)
_SEED: Final = "{seed}"
_STEADY: Final = 20
"""Gradings that show how steady the hidden checks are."""
_STEADY_UNBUILT: Final = 40
"""The same where each takes seconds only."""
_UNINSPECTED: Final = Terms(inspect=False)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One patch to be graded."""

    scenario: Scenario
    candidate: CandidatePatch | None
    """`None` is the empty patch."""
    terms: Terms
    variation: str = ""
    """What the terms vary; empty for the conditions of a trial."""

    @property
    def patch(self) -> str:
        """Name the patch for people."""
        name = self.candidate.name if self.candidate else "nothing"
        return f"{name} ({self.variation})" if self.variation else name

    @property
    def expected(self) -> str:
        """Say what must come out."""
        if self.candidate is None:
            return "fail"
        if not self.candidate.right:
            return f"fail by {self.candidate.caught_by}"
        part = self.terms != USUAL and not self.variation
        return "pass the hidden checks" if part else "pass"

    @property
    def slug(self) -> str:
        """Name the grading for its sandbox."""
        plain = self.patch.replace("/", "-").replace(" (", "-").rstrip(")")
        return f"{self.scenario.id}-{plain}"

    @property
    def conditions(self) -> str:
        """Say what the terms vary; empty for the conditions of a trial."""
        words = [f"{name}={value}" for name, value in self.terms.environment.items()]
        words += [f"{self.terms.busy} busy processes"] if self.terms.busy else []
        words += ["no build cache"] if self.terms.cold else []
        return " ".join(words)


def quick_cases(scenarios: Iterable[Scenario]) -> tuple[Case, ...]:
    """List every patch once, graded by what decides it; it proves less than the full proof.

    The reference is graded whole; other right patches by their types and the hidden checks of
    every step. Nothing must fail in the first step, or in the first that can show it. Of a wrong
    patch only its named check is run: that settles its verdict, whatever the rest would say.
    Build caches are left out for one reference per cached step.
    """
    scenarios = tuple(scenarios)
    return (
        *(case for scenario in scenarios for case in _once_each(scenario)),
        *_one_cold_each(scenarios),
    )


def full_cases(scenarios: Iterable[Scenario], *, seed: int) -> tuple[Case, ...]:
    """List every patch graded as in a trial, and the right ones and nothing varied.

    They are varied as the fixture's card says, and at load; the reference and nothing are
    graded without build caches too. `seed` is what the card's `{seed}` stands for.
    """
    return tuple(
        case for scenario in scenarios for case in (*_patches(scenario), *_varied(scenario, seed))
    )


def known_cases(scenario: Scenario) -> tuple[Case, ...]:
    """List nothing and what is right graded as in a trial, each wrong patch by its named check.

    That check settles the verdict of a wrong one, whatever the rest would say.
    """
    return tuple(
        replace(case, terms=_needed(scenario, case.candidate.caught_by))
        if case.candidate and not case.candidate.right
        else case
        for case in _patches(scenario)
    )


def cold_cases(scenario: Scenario) -> tuple[Case, ...]:
    """List nothing and the reference without the build caches, where there are any."""
    cached = _cached(scenario)
    both = (None, scenario.candidates()[0]) if cached else ()
    return tuple(_cold(scenario, candidate, cached) for candidate in both)


def steady_cases(scenario: Scenario, *, seed: int) -> tuple[Case, ...]:
    """List gradings of the hidden checks alone, whose outcome must be the same again and again.

    They go round and round through `plain`, the card's variations and `load`, on nothing and on
    the reference in turn: 20 and more, 40 and more where no check needs a later step. `seed`
    draws the order of the first round, the next number that of the next.
    """
    hidden = hidden_terms(scenario)
    built = any(step != scenario.steps()[0] for step in hidden.steps_of(scenario))
    wanted = _STEADY if built else _STEADY_UNBUILT
    cases: list[Case] = []
    while len(cases) < wanted:
        for name, terms in {"plain": Terms(), **_variations(scenario, seed)}.items():
            only = replace(terms, steps=hidden.steps, files=hidden.files, inspect=False)
            cases += [
                Case(scenario=scenario, candidate=candidate, terms=only, variation=name)
                for candidate in (None, scenario.candidates()[0])
            ]
        seed += 1
    return tuple(cases)


def _patches(scenario: Scenario) -> Iterator[Case]:
    # The seeded tree's type check is its baseline: nothing cannot differ from it.
    yield Case(scenario=scenario, candidate=None, terms=_UNINSPECTED)
    for candidate in scenario.candidates():
        yield Case(scenario=scenario, candidate=candidate, terms=USUAL)


def _once_each(scenario: Scenario) -> Iterator[Case]:
    first = scenario.steps()[0].id
    shown = (step_of(scenario, test) for test in scenario.fail_to_pass)
    steps = frozenset({first, min(shown, key=lambda step: step != first)})
    yield Case(scenario=scenario, candidate=None, terms=replace(_UNINSPECTED, steps=steps))
    hidden = hidden_terms(scenario)
    for candidate in scenario.candidates():
        if candidate.path == scenario.reference:
            terms = USUAL
        else:
            terms = hidden if candidate.right else _needed(scenario, candidate.caught_by)
        yield Case(scenario=scenario, candidate=candidate, terms=terms)


def hidden_terms(scenario: Scenario) -> Terms:
    """Return the terms that show every hidden check, and of other tests as few as steps allow."""
    tests = (*scenario.fail_to_pass, *scenario.pass_to_pass)
    files = {test.partition("::")[0] for test in tests if test.startswith(f"{KIT_FOLDER}/checks/")}
    if not files:
        return USUAL
    whole = {step.id for step in scenario.steps() if not step.takes_files}
    steps = {file: step_of(scenario, file) for file in files}
    alone = sorted(file for file, step in steps.items() if step not in whole)
    return Terms(steps=frozenset(steps.values()), files=tuple(alone))


def _needed(scenario: Scenario, check: str) -> Terms:
    """Return the terms that show one check and no more."""
    if check.startswith(CONSTRAINT):
        return Terms(steps=frozenset(), inspect=False)
    if check == _TYPECHECK:
        return Terms(steps=frozenset())
    if check.startswith(_OF_A_STEP):
        return Terms(steps=frozenset({check.partition(":")[2]}), inspect=False)
    step, file = step_of(scenario, check), check.partition("::")[0]
    return Terms(steps=frozenset({step}), files=(file,), only=check, inspect=False)


def _varied(scenario: Scenario, seed: int) -> Iterator[Case]:
    right = [candidate for candidate in scenario.candidates() if candidate.right]
    for name, terms in _variations(scenario, seed).items():
        for candidate in (None, *right):
            yield Case(scenario=scenario, candidate=candidate, terms=terms, variation=name)
    yield from cold_cases(scenario)


def _variations(scenario: Scenario, seed: int) -> dict[str, Terms]:
    varied = {
        variation.id: Terms(
            inspect=False,
            environment={
                name: value.replace(_SEED, str(seed))
                for name, value in variation.environment.items()
            },
        )
        for variation in scenario.fixture.card.variations
    }
    return {**varied, "load": Terms(inspect=False, busy=_BUSY)}


def _one_cold_each(scenarios: Iterable[Scenario]) -> Iterator[Case]:
    shown: set[tuple[str, str]] = set()
    for scenario in scenarios:
        steps = {(scenario.fixture.id, step) for step in _cached(scenario)} - shown
        if steps:
            reference = scenario.candidates()[0]
            yield _cold(scenario, reference, frozenset(step for _, step in steps))
        shown |= steps


def _cached(scenario: Scenario) -> frozenset[str]:
    return frozenset(step.id for step in scenario.steps() if step.warmup)


def _cold(scenario: Scenario, candidate: CandidatePatch | None, steps: frozenset[str]) -> Case:
    terms = Terms(steps=steps, inspect=False, cold=True)
    return Case(scenario=scenario, candidate=candidate, terms=terms, variation="cold")
