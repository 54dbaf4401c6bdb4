"""The mutation score of hidden checks: which mutants are tried, and what follows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.certificate import Mutation, Survivor, score_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.mutation.mutant import Mutant

LIMIT: Final = 40
"""So many mutants that the type check leaves are tried at most."""
BUILT_LIMIT: Final = 15
"""So many at most by a step after the first: each costs a build."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of the mutants, in the order in which they were tried."""

    invalid: tuple[Mutant, ...]
    killed: tuple[Mutant, ...]
    survived: tuple[Mutant, ...]


def in_drawn_order(mutants: Iterable[Mutant], seed: int) -> list[Mutant]:
    """Put mutants into an order that one more or less of them leaves as it is."""
    return sorted(mutants, key=lambda m: hashlib.sha256(f"{seed} {m.id}".encode()).hexdigest())


def mutation_of(listed: int, tried: Tried, equivalents: Mapping[str, str]) -> Mutation:
    """Make the score; survivors stand in the order of their places."""
    survivors = tuple(
        Survivor(
            id=mutant.id,
            path=mutant.path,
            line=mutant.line,
            operator=mutant.operator,
            before=mutant.before,
            after=mutant.after,
            equivalent=equivalents.get(mutant.id),
        )
        for mutant in sorted(tried.survived, key=lambda m: (m.path, m.start, m.id))
    )
    killed = len(tried.killed)
    counted = killed + sum(survivor.equivalent is None for survivor in survivors)
    return Mutation(
        listed=listed,
        limit=LIMIT,
        built_limit=BUILT_LIMIT,
        invalid=len(tried.invalid),
        killed=killed,
        survivors=survivors,
        score=score_of(killed, counted),
        unmatched=tuple(sorted(equivalents.keys() - {survivor.id for survivor in survivors})),
    )
