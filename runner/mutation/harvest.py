"""Draws mutants of the pristine fixture, tries them, and makes scenarios of the good ones."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.mutation.control import try_pristine
from runner.mutation.draw import draw, pick
from runner.mutation.hidden import group_checks
from runner.mutation.listing import list_mutants
from runner.mutation.outcome import Ledger, Noticed, Outcome
from runner.mutation.place import Place
from runner.mutation.plant import plant, planted, scenario_id
from runner.mutation.sieve import Sieve
from runner.scene import digest_fixture
from runner.workspace import pristine_tree
from testbed.errors import ScenarioError
from testbed.tree import digest_tree

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
    from pathlib import Path

    from runner.mutation.hidden import Group
    from runner.mutation.mutant import Mutant
    from runner.sandbox.base import Engine, Progress
    from testbed.scenario import Fixture, Suite
    from testbed.tree import Tree

RUN_ID: Final = "mutate"
_RULES: Final = 1
"""To be raised when the same mutant may come out otherwise: what was kept is then tried anew."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked for."""

    seed: int
    """Behind the lot that is drawn."""
    count: int
    """Scenarios to be written."""
    tries: int | None
    """Mutants to be tried at most; `None` for all."""
    survivors: bool
    """Whether mutants that nothing finds become scenarios, too."""
    paths: tuple[str, ...] = ()
    """Globs; empty for all sources."""
    operators: tuple[str, ...] = ()
    """Empty for all."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One mutant that was tried."""

    mutant: Mutant
    outcome: Outcome
    scenario: str | None
    """Id of the scenario that was written of it."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """Where mutants are drawn from, and what they are tried on."""

    fixture: Fixture
    root: Path
    """The suite's folder."""
    tree: Tree
    """The pristine fixture."""
    groups: tuple[Group, ...]
    place: Place
    ledger: Ledger

    async def mutants(self, order: Order) -> tuple[Mutant, ...]:
        """Draw the mutants to be tried; those that are scenarios already are left out."""
        listed = await list_mutants(
            self.fixture,
            self.tree,
            engine=self.place.engine,
            image=self.place.image,
            run_id=RUN_ID,
        )
        picked = pick(listed, paths=order.paths, operators=order.operators)
        taken = planted(self.root, picked)
        fresh = (mutant for mutant in picked if mutant.id not in taken)
        return draw(fresh, seed=order.seed)

    async def harvest(
        self, mutants: Sequence[Mutant], order: Order, *, jobs: int, progress: Progress
    ) -> AsyncGenerator[Tried]:
        """Try mutants in the order given, until enough scenarios are written; yield each.

        Which scenarios are written does not depend on `jobs`. Raises what the sieve raises; what
        was found out and written until then is kept.
        """
        wanted = {Noticed.HIDDEN, *([Noticed.NOBODY] if order.survivors else [])}
        written = 0
        async with (
            self._sieve(progress) as sieve,
            aclosing(
                _in_order(sieve, self.ledger, islice(mutants, order.tries), jobs=jobs)
            ) as outcomes,
        ):
            async for mutant, outcome in outcomes:
                keep = outcome.noticed in wanted
                if keep:
                    await asyncio.to_thread(self._plant, mutant, outcome)
                    written += 1
                yield Tried(
                    mutant=mutant,
                    outcome=outcome,
                    scenario=scenario_id(mutant) if keep else None,
                )
                if written == order.count:
                    return

    def _plant(self, mutant: Mutant, outcome: Outcome) -> None:
        plant(self.root, self.fixture, self.tree, mutant, outcome, groups=self.groups)

    @asynccontextmanager
    async def _sieve(self, progress: Progress) -> AsyncIterator[Sieve]:
        control = self.ledger.control()
        if control is None:
            progress("trying the pristine fixture")
            control = await try_pristine(self.place, self.tree, self.groups)
            self.ledger.keep_control(control)
        visible, hidden = len(control.visible), sum(map(len, control.hidden))
        progress(f"the pristine fixture passes {visible} visible tests and {hidden} hidden checks")
        async with self.place.open(self.tree, "mutants-desk") as desk:
            yield Sieve(
                place=self.place, tree=self.tree, groups=self.groups, control=control, desk=desk
            )


def open_field(suite: Suite, fixture: Fixture, *, engine: Engine, image: str, cache: Path) -> Field:
    """Make ready what mutants of a fixture are tried on: all recorded scenarios' hidden checks.

    Raises `ScenarioError` when the fixture's first step cannot run single files.
    """
    step = fixture.card.steps[0]
    if not step.takes_files:
        raise ScenarioError(
            f"{fixture.id}: step `{step.id}` does not take files",
            next_step="Hidden checks must run apart from visible tests: see docs/scenarios.md",
        )
    groups = group_checks(s for s in suite.scenarios if s.fixture.id == fixture.id)
    parts = [str(_RULES), engine.name, image, digest_fixture(fixture)]
    parts += [digest_tree(group.files) for group in groups]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return Field(
        fixture=fixture,
        root=suite.root,
        tree=pristine_tree(fixture),
        groups=groups,
        place=Place(fixture=fixture, engine=engine, image=image, run_id=RUN_ID),
        ledger=Ledger(cache / "mutants" / key),
    )


async def _in_order(
    sieve: Sieve, ledger: Ledger, mutants: Iterable[Mutant], *, jobs: int
) -> AsyncGenerator[tuple[Mutant, Outcome]]:
    """Sift some mutants at the same time; yield the outcomes in the mutants' order."""
    known = ledger.outcomes()

    async def sift(mutant: Mutant) -> Outcome:
        if mutant.id in known:
            return known[mutant.id]
        outcome = await sieve.sift(mutant)
        # A doubt may be the machine's: it is worth another try.
        if outcome.noticed is not Noticed.UNCLEAR:
            ledger.keep(outcome)
        return outcome

    rest = iter(mutants)
    begun: deque[tuple[Mutant, asyncio.Task[Outcome]]] = deque()
    try:
        while True:
            for mutant in islice(rest, jobs - len(begun)):
                begun.append((mutant, asyncio.create_task(sift(mutant))))
            if not begun:
                return
            mutant, task = begun.popleft()
            yield mutant, await task
    finally:
        tasks = [task for _, task in begun]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
