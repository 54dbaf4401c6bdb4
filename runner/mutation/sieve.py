"""Tries mutants of the pristine fixture: on types, lint, visible tests and hidden checks."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.mutation.mutant import apply
from runner.mutation.outcome import Control, Fate, Outcome
from runner.mutation.showing import doubt, failing, file_of, files_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.mutation.hidden import Group
    from runner.mutation.mutant import Mutant
    from runner.mutation.place import Place
    from runner.sandbox.base import Sandbox
    from testbed.tree import Tree


@dataclass(frozen=True, kw_only=True)
class Sieve:
    """Tries mutants of one tree.

    Types and lint run nothing of the tree: all mutants share one sandbox for them. Whatever runs
    code of a mutant has a sandbox of its own, so that none spoils what another shows.
    """

    place: Place
    tree: Tree
    """The pristine fixture."""
    groups: Sequence[Group]
    control: Control
    desk: Sandbox
    """Where types and lint are checked; it holds the tree and the kit."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever changes the tree on the desk."""

    async def sift(self, mutant: Mutant) -> Outcome:
        """Find out how far a mutant comes. Raises what the place and its engine raise."""
        began = time.monotonic()
        outcome = await self._inspect(mutant) or await self._test(mutant)
        return outcome.model_copy(update={"seconds": time.monotonic() - began})

    async def _inspect(self, mutant: Mutant) -> Outcome | None:
        """Check types and lint; `None` when both are as in the pristine fixture."""
        mutated = apply(self.tree, mutant)[mutant.path]
        async with self.turn:
            await self.desk.write(mutant.path, mutated.data)
            typed = await self.place.types(self.desk)
            new = await self.place.findings(self.desk) if typed else Counter()
            await self.desk.write(mutant.path, self.tree[mutant.path].data)
        new -= Counter(self.control.findings)
        if typed is None:
            return _outcome(mutant, Fate.UNCLEAR, detail="the type check takes too long")
        if not typed:
            return _outcome(mutant, Fate.INVALID)
        return _outcome(mutant, Fate.UNTIDY, detail=min(new)) if new else None

    async def _test(self, mutant: Mutant) -> Outcome:
        tree = apply(self.tree, mutant)
        async with self.place.open(tree, f"mutant-{mutant.operator}") as sandbox:
            run = await self.place.tests(sandbox)
            red = failing(run, self.control.visible)
            if unclear := doubt(run, red):
                return _outcome(mutant, Fate.UNCLEAR, detail=f"visible tests: {unclear}")
            if red:
                return _outcome(mutant, Fate.VISIBLE, checks=red)
            found, unclear = await self._check(sandbox)
        if unclear:
            return _outcome(mutant, Fate.UNCLEAR, detail=f"hidden checks: {unclear}")
        again = await self._again(tree, found)
        if found and not again:
            return _outcome(mutant, Fate.UNCLEAR, detail=f"did not fail again: {found[0]}")
        return _outcome(mutant, Fate.FOUND if again else Fate.SURVIVED, checks=again)

    async def _check(self, sandbox: Sandbox) -> tuple[tuple[str, ...], str]:
        """Return the hidden tests that fail, and why nothing can be said."""
        found: list[str] = []
        for group, tests in zip(self.groups, self.control.hidden, strict=True):
            if not tests:
                continue
            run = await self.place.checks(sandbox, group.files, files_of(tests))
            red = failing(run, tests)
            if unclear := doubt(run, red):
                return (), unclear
            found += red
        return tuple(found), ""

    async def _again(self, tree: Tree, found: Collection[str]) -> tuple[str, ...]:
        """Run the files of failing tests once more, as a scenario of their own would."""
        failed: list[str] = []
        for group in self.groups:
            tests = [test for test in found if file_of(test) in group.files]
            if tests:
                alone = group.alone(files_of(tests), self.place.fixture.card.tests)
                async with self.place.open(tree, "mutant-again") as sandbox:
                    run = await self.place.checks(sandbox, alone, files_of(tests))
                failed += [] if doubt(run, tests) else failing(run, tests)
        return tuple(failed)


def _outcome(
    mutant: Mutant, fate: Fate, *, checks: tuple[str, ...] = (), detail: str = ""
) -> Outcome:
    return Outcome(mutant=mutant.id, fate=fate, checks=checks, detail=detail, seconds=0.0)
