"""A scenario's certificate: what shows that its verdicts can be trusted, and what falls short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import model_validator

from testbed.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

GRADINGS: Final = 20
"""Fewest gradings of the hidden checks."""
SCORE: Final = 0.85
"""Lowest mutation score."""


class Graded(Record):
    """One known patch; `nothing` is the empty one.

    Nothing and what is right are graded as a trial's patch is, a wrong one by its named check.
    """

    patch: str
    """`nothing`, `reference`, `right/<name>` or `wrong/<name>`."""
    verdict: Literal["pass", "fail"]
    caught_by: str | None
    """The check that must fail on a wrong patch."""
    fault: str
    """Why it did not come out as it must; empty when it did."""


class Steadiness(Record):
    """Repeated gradings of the hidden checks alone, under one condition after the other.

    A flake is a grading in which the verdict, or the outcome of a single check, is other than it
    must be.
    """

    patches: tuple[str, ...]
    """What was graded."""
    gradings: int
    conditions: dict[str, int]
    """`plain`, `load` or a variation of the fixture's card -> gradings under it."""
    flakes: tuple[str, ...]
    """Each in one line."""
    low: float
    """Of the flake rate's exact 95 % interval (Clopper and Pearson)."""
    high: float


class Caches(Record):
    """The steps with a build cache, with it and without, on nothing and on the reference."""

    steps: tuple[str, ...]
    differences: tuple[str, ...]
    """Each check that came out differently, in one line."""


class Survivor(Record):
    """A mutant that no hidden check found."""

    id: str
    path: str
    line: int
    operator: str
    before: str
    after: str
    equivalent: str | None
    """Why it behaves as the reference does; `None` where nobody explained it."""


class Mutation(Record):
    """What the hidden checks find of small changes on the lines that the reference writes.

    The reference's tree is mutated. A mutant that the type check finds is `invalid` and counts
    for neither side.
    """

    listed: int
    """Mutants of these lines."""
    limit: int
    """So many at most are tried that the type check leaves."""
    built_limit: int
    """So many at most are tried by a step after the first; then no further one is tried."""
    invalid: int
    killed: int
    survivors: tuple[Survivor, ...]
    score: float | None
    """Killed / all that were tried and are neither invalid nor explained; `None` without any."""
    unmatched: tuple[str, ...]
    """Ids that are explained as equivalent and are no survivor."""

    @property
    def counted(self) -> int:
        """Count the mutants that make the score."""
        return self.killed + sum(survivor.equivalent is None for survivor in self.survivors)

    @model_validator(mode="after")
    def the_score_is_that_of_the_mutants(self) -> Self:
        """Refuse a score that was written by hand."""
        if self.score != score_of(self.killed, self.counted):
            raise ValueError("`score` is not what the mutants give")
        return self


class Certificate(Record):
    """The file `certificate.json`."""

    schema_version: Literal[1] = 1
    """What the figures mean; another meaning gets another number."""
    scenario: str
    engine: str
    seed: int
    """Draws the orders of tests, and the order in which mutants are tried."""
    inputs: dict[str, str]
    """File of the scenario, or part of its fixture -> sha256: all that the figures rest on."""
    graded: tuple[Graded, ...]
    steadiness: Steadiness
    caches: Caches | None
    """`None` where no step has a build cache."""
    control_failed: tuple[str, ...]
    """Hidden checks that failed on the reference when mutants were to be tried."""
    mutation: Mutation | None
    """`None` where the fixture makes no mutants, or a hidden check failed on the reference."""
    trial_seconds: float
    """Median of the right patches' gradings: types, figures and every step at once."""
    step_seconds: dict[str, float]
    """Step with hidden checks -> seconds that these take on the reference, in a fresh sandbox."""

    def shortfalls(self) -> list[str]:
        """Say each demand that does not hold in one line."""
        return [*self._wrong_outcomes(), *self._doubts(), *self._blind_spots()]

    def stale(self, inputs: dict[str, str]) -> list[str]:
        """Say which inputs are no longer what they were."""
        both = sorted(inputs.keys() & self.inputs)
        return [
            *(f"{name} has changed" for name in both if inputs[name] != self.inputs[name]),
            *(f"{name} is new" for name in sorted(inputs.keys() - self.inputs)),
            *(f"{name} is gone" for name in sorted(self.inputs.keys() - inputs)),
        ]

    def _wrong_outcomes(self) -> Iterator[str]:
        for graded in self.graded:
            if graded.fault:
                yield f"{graded.patch}: {graded.fault}"

    def _doubts(self) -> Iterator[str]:
        steady = self.steadiness
        if steady.gradings < GRADINGS:
            yield f"{steady.gradings} gradings are fewer than {GRADINGS}"
        if count := len(steady.flakes):
            yield f"{count} of {steady.gradings} gradings are flaky, e.g. {steady.flakes[0]}"
        for difference in self.caches.differences if self.caches else ():
            yield f"the build cache changes an outcome: {difference}"

    def _blind_spots(self) -> Iterator[str]:
        mutation = self.mutation
        for name in self.control_failed:
            yield f"no mutant was tried: {name} failed on the reference itself"
        if mutation is None:
            return
        if mutation.score is not None and mutation.score < SCORE:
            share = f"{mutation.killed} of {mutation.counted}"
            yield f"the hidden checks kill {share} mutants, fewer than {SCORE:.0%}"
        for unmatched in mutation.unmatched:
            yield f"equivalent.toml explains `{unmatched}`, which is no survivor"


def score_of(killed: int, counted: int) -> float | None:
    """Give the share of mutants that were killed; `None` without any."""
    return killed / counted if counted else None
