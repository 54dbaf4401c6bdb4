"""Mutants are drawn so that a draw can be repeated, and the score tells what was left out."""

from __future__ import annotations

from runner.certify.mutants import LIMIT, Tried, in_drawn_order, mutation_of
from runner.mutation.mutant import Mutant


def mutant(number: int) -> Mutant:
    return Mutant(
        id=f"lib/a.ts:drop-await:{number}",
        path="lib/a.ts",
        line=number,
        operator="drop-await",
        start=10 * number,
        end=10 * number + 6,
        before="await ",
        after="",
    )


MUTANTS = [mutant(number) for number in range(60)]


def test_the_order_is_drawn_and_the_same_again() -> None:
    drawn = in_drawn_order(MUTANTS, 1)

    assert drawn == in_drawn_order(reversed(MUTANTS), 1)
    assert sorted(drawn, key=lambda m: m.line) == MUTANTS
    assert drawn != MUTANTS
    assert drawn != in_drawn_order(MUTANTS, 2)


def test_one_mutant_less_leaves_the_order_of_the_others() -> None:
    gone = MUTANTS[17]

    rest = in_drawn_order([m for m in MUTANTS if m is not gone], 1)

    assert rest == [m for m in in_drawn_order(MUTANTS, 1) if m is not gone]


def test_invalid_and_explained_mutants_do_not_count_and_survivors_stand_by_place() -> None:
    tried = Tried(invalid=(mutant(1),), killed=tuple(MUTANTS[2:5]), survived=(mutant(9), mutant(7)))
    explained = {mutant(9).id: "Nobody waits for it.", mutant(2).id: "Not so."}

    made = mutation_of(60, tried, explained)

    assert (made.listed, made.limit, made.invalid, made.killed) == (60, LIMIT, 1, 3)
    assert [(s.line, s.equivalent) for s in made.survivors] == [
        (7, None),
        (9, "Nobody waits for it."),
    ]
    assert made.score == 3 / 4
    assert made.unmatched == (mutant(2).id,)


def test_without_a_mutant_that_counts_there_is_no_score() -> None:
    assert mutation_of(1, Tried(invalid=(mutant(1),), killed=(), survived=()), {}).score is None
