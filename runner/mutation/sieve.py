"""Tries mutants of the pristine fixture: on types, lint, visible tests and hidden checks."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.mutation.mutant import apply
from runner.mutation.outcome import Control, Noticed, Outcome
from runner.mutation.showing import doubt, failing, files_of
from testbed.errors import SandboxLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

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
        async with self.turn, self._on_the_desk(mutant):
            typed = await self.place.types(self.desk)
            new = await self.place.findings(self.desk) if typed else Counter()
        new -= Counter(self.control.findings)
        if typed is None:
            return _outcome(mutant, Noticed.UNCLEAR, detail="the type check takes too long")
        if not typed:
            return _outcome(mutant, Noticed.TYPES)
        return _outcome(mutant, Noticed.LINT, detail=min(new)) if new else None

    @asynccontextmanager
    async def _on_the_desk(self, mutant: Mutant) -> AsyncIterator[None]:
        await self.desk.write(mutant.path, apply(self.tree, mutant)[mutant.path].data)
        try:
            yield
        finally:
            # A call that is cancelled takes its sandbox with it.
            with suppress(SandboxLost):
                await self.desk.write(mutant.path, self.tree[mutant.path].data)

    async def _test(self, mutant: Mutant) -> Outcome:
        tree = apply(self.tree, mutant)
        async with self.place.open(tree, f"mutant-{mutant.operator}") as sandbox:
            run = await self.place.tests(sandbox)
            red = failing(run, self.control.visible)
            if unclear := doubt(run, red):
                return _outcome(mutant, Noticed.UNCLEAR, detail=f"visible tests: {unclear}")
            if red:
                return _outcome(mutant, Noticed.VISIBLE, checks=red)
            return await self._check(mutant, sandbox) or _outcome(mutant, Noticed.NOBODY)

    async def _check(self, mutant: Mutant, sandbox: Sandbox) -> Outcome | None:
        """Run the hidden checks until a group of them finds the mutant; `None` when none does."""
        for number, (group, tests) in enumerate(zip(self.groups, self.control.hidden, strict=True)):
            if not tests:
                continue
            run = await self.place.checks(sandbox, group.files, files_of(tests))
            found = [test for test in failing(run, tests) if test in tests]
            if unclear := doubt(run, found):
                return _outcome(mutant, Noticed.UNCLEAR, detail=f"hidden checks: {unclear}")
            if found:
                return await self._again(mutant, number, found)
        return None

    async def _again(self, mutant: Mutant, number: int, found: Sequence[str]) -> Outcome:
        """Run the files of failing tests once more, as a scenario of their own would."""
        alone = self.groups[number].alone(files_of(found), self.place.fixture.card.tests)
        async with self.place.open(apply(self.tree, mutant), "mutant-again") as sandbox:
            run = await self.place.checks(sandbox, alone, files_of(found))
        failed = () if doubt(run, found) else failing(run, found)
        again = tuple(test for test in failed if test in found)
        if not again:
            return _outcome(mutant, Noticed.UNCLEAR, detail=f"did not fail again: {found[0]}")
        outcome = _outcome(mutant, Noticed.HIDDEN, checks=again)
        return outcome.model_copy(update={"group": number})


def _outcome(
    mutant: Mutant, noticed: Noticed, *, checks: tuple[str, ...] = (), detail: str = ""
) -> Outcome:
    return Outcome(mutant=mutant.id, noticed=noticed, checks=checks, detail=detail, seconds=0.0)
