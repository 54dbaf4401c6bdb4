"""Which mutants are tried, and in which order."""

from __future__ import annotations

from itertools import zip_longest
from random import Random
from typing import TYPE_CHECKING

from testbed.errors import UsageError
from testbed.tree import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from runner.mutation.mutant import Mutant


def pick(
    mutants: Sequence[Mutant], *, paths: Collection[str], operators: Collection[str]
) -> tuple[Mutant, ...]:
    """Keep the mutants of these globs and operators; none named keeps all.

    Raises `UsageError` for an operator that has no mutant, and when nothing is left.
    """
    known = {mutant.operator for mutant in mutants}
    if unknown := sorted({*operators} - known):
        raise UsageError(
            f"no mutant of operator `{unknown[0]}`",
            next_step=f"Choose from: {', '.join(sorted(known))}",
        )
    picked = tuple(
        mutant
        for mutant in mutants
        if (not paths or matches(mutant.path, paths))
        and (not operators or mutant.operator in operators)
    )
    if not picked:
        raise UsageError(
            f"no mutant in {', '.join(sorted(paths)) or 'the fixture'}",
            next_step="Give --paths a glob of the fixture's sources, e.g. `lib/**`",
        )
    return picked


def draw(mutants: Iterable[Mutant], *, seed: int) -> tuple[Mutant, ...]:
    """Put mutants into the order that `seed` draws.

    The operators take turns: a table of data has hundreds of mutants of one operator, and they
    would crowd out the few of another.
    """
    chance = Random(seed)  # noqa: S311  (a sample, no secret)
    groups: dict[str, list[Mutant]] = {}
    for mutant in sorted(mutants, key=lambda m: m.id):
        groups.setdefault(mutant.operator, []).append(mutant)
    for group in groups.values():
        chance.shuffle(group)
    turns = list(groups.values())
    chance.shuffle(turns)
    return tuple(mutant for turn in zip_longest(*turns) for mutant in turn if mutant)
