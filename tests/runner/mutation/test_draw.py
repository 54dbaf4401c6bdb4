"""The lot is drawn by a number, and no operator crowds out another."""

from __future__ import annotations

import pytest

from runner.mutation.draw import draw, pick
from runner.mutation.mutant import Mutant
from testbed.errors import UsageError


def mutants(**counts: int) -> list[Mutant]:
    return [
        Mutant(
            id=f"lib/{operator}.ts:{operator}:{number}",
            path=f"lib/{operator}.ts",
            line=number + 1,
            operator=operator,
            start=0,
            end=0,
            before="",
            after="x",
        )
        for operator, count in counts.items()
        for number in range(count)
    ]


def test_a_seed_draws_the_same_lot_from_the_same_mutants_in_any_order() -> None:
    some = mutants(a=30, b=30)

    assert draw(some, seed=7) == draw(reversed(some), seed=7)
    assert draw(some, seed=7) != draw(some, seed=8)
    assert sorted(m.id for m in draw(some, seed=7)) == sorted(m.id for m in some)


def test_operators_take_turns() -> None:
    drawn = draw(mutants(many=100, few=2, three=3), seed=1)

    assert {m.operator for m in drawn[:3]} == {"many", "few", "three"}
    assert {m.operator for m in drawn[3:6]} == {"many", "few", "three"}
    assert {m.operator for m in drawn[8:]} == {"many"}


def test_paths_and_operators_keep_some() -> None:
    some = mutants(a=2, b=2, c=2)

    assert {m.path for m in pick(some, paths=["lib/a*", "lib/b.ts"], operators=[])} == {
        "lib/a.ts",
        "lib/b.ts",
    }
    assert {m.path for m in pick(some, paths=["lib/*"], operators=["c"])} == {"lib/c.ts"}
    assert pick(some, paths=[], operators=[]) == tuple(some)


@pytest.mark.parametrize(
    ("paths", "operators", "words"),
    [
        ([], ["gone"], r"no mutant of operator `gone`. Choose from: a, b"),
        (["app/**"], [], r"no mutant in app/\*\*"),
        (["lib/a.ts"], ["b"], r"no mutant in lib/a\.ts"),
    ],
)
def test_a_choice_that_leaves_nothing_is_refused(
    paths: list[str], operators: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        pick(mutants(a=1, b=1), paths=paths, operators=operators)
