"""Tries a scenario's hidden checks on small changes of the lines that its reference writes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.certify.grader import AGAIN, RUN_ID, TRIES
from runner.certify.ledger import Outcome, key_of
from runner.certify.mutants import BUILT_LIMIT, LIMIT, Tried
from runner.grading.archive import KIT_FOLDER
from runner.grading.bench import Bench, KitFault, came_to_an_end, how_it_ended
from runner.grading.changes import read_changes
from runner.grading.evidence import judge
from runner.grading.terms import Terms, step_of
from runner.mutation.listing import list_mutants
from runner.mutation.mutant import apply
from runner.proof.cases import hidden_terms
from runner.workspace import diff_trees
from testbed.errors import EnvironmentFault, SandboxLost
from testbed.records import CheckKind
from testbed.tree import digest_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.certify.ledger import Ledger
    from runner.conductor import Prepared
    from runner.grading.evidence import StepRun
    from runner.mutation.mutant import Mutant
    from runner.sandbox.base import Progress
    from testbed.records import Check
    from testbed.scenario import Scenario, Step
    from testbed.tree import Tree


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """Where one scenario's hidden checks are tried on changed trees, each in a fresh sandbox."""

    prepared: Prepared
    scenario: Scenario
    ledger: Ledger
    progress: Progress

    async def control(self, reference: Tree) -> dict[str, Outcome]:
        """Run the hidden checks of each step on the reference itself.

        When one fails there, a mutant that it finds tells nothing.
        """
        return {step.id: await self._run(reference, step, "reference") for step in self._steps()}

    async def mutants(self, seeded: Tree, reference: Tree) -> tuple[Mutant, ...]:
        """List the mutants of the lines that the reference writes."""
        changes = read_changes(diff_trees(seeded, reference))
        fixture = self.scenario.fixture
        return await list_mutants(
            fixture,
            reference,
            engine=self.prepared.engine,
            image=self.prepared.images[fixture.id],
            run_id=RUN_ID,
            name=f"{RUN_ID}-{self.scenario.id}-mutants",
            lines={path: change.added.keys() for path, change in changes.items()},
        )

    async def try_all(self, reference: Tree, mutants: Sequence[Mutant]) -> Tried:
        """Try mutants one after the other, until a limit is reached."""
        found: dict[str, list[Mutant]] = {"invalid": [], "killed": [], "survived": []}
        built = 0
        for number, mutant in enumerate(mutants, 1):
            if len(found["killed"]) + len(found["survived"]) == LIMIT or built == BUILT_LIMIT:
                break
            fate, was_built = await self._try(apply(reference, mutant), mutant)
            found[fate].append(mutant)
            built += was_built
            said = f"mutant {number} of {len(mutants)}, {mutant.id}: {fate}"
            self.progress(f"{self.scenario.id} {said}")
        return Tried(**{fate: tuple(those) for fate, those in found.items()})

    async def _try(self, tree: Tree, mutant: Mutant) -> tuple[str, bool]:
        """Return its fate, and whether a step after the first had a say in it."""
        if (await self._check_types(tree, mutant.id)).verdict == "fail":
            return "invalid", False
        first, built = self.scenario.steps()[0], False
        for step in self._steps():
            built = built or step != first
            if (await self._run(tree, step, mutant.id)).verdict == "fail":
                return "killed", built
        return "survived", built

    async def _check_types(self, tree: Tree, what: str) -> Outcome:
        # Hidden checks have no say here, so that a changed one leaves it as it was.
        bench = self._bench(Terms(hidden=False))
        command = self.scenario.fixture.card.typecheck
        key = self._key("types", bench.lay(tree), command.model_dump_json())

        async def make() -> Outcome:
            result = await bench.check_types(tree)
            if not came_to_an_end(result):
                ended = how_it_ended(result, command.timeout_seconds)
                raise self._broken(f"the type check of {what}: {ended}")
            return Outcome(
                key=key,
                what=what,
                verdict="fail" if result.exit_code else "pass",
                seconds=result.seconds,
            )

        return await self.ledger.once(key, make)

    async def _run(self, tree: Tree, step: Step, what: str) -> Outcome:
        files = tuple(f for f in self._hidden().files if step_of(self.scenario, f) == step.id)
        # The first failure settles that a mutant is found.
        steps = frozenset({step.id})
        bench = self._bench(Terms(steps=steps, files=files, bail=True, inspect=False))
        judged = self._judged(bench.terms)
        key = self._key("hidden", bench.lay(tree), step.model_dump_json(), files, judged)

        async def make() -> Outcome:
            began = time.monotonic()
            run = await self._settled(bench, tree, step)
            failed = self._failed(bench.terms, run)
            return Outcome(
                key=key,
                what=f"{what} ({step.id})",
                verdict="fail" if failed else "pass",
                failed=failed,
                seconds=time.monotonic() - began,
            )

        return await self.ledger.once(key, make)

    async def _settled(self, bench: Bench, tree: Tree, step: Step) -> StepRun:
        for _ in range(TRIES):
            try:
                run = await bench.run_step(tree, step)
            except KitFault as fault:
                raise self._broken(str(fault)) from fault
            if not run.lost:
                return run
        raise SandboxLost(f"{self.scenario.id}: {bench.name}: {run.ended}", next_step=AGAIN)

    def _failed(self, terms: Terms, run: StepRun) -> tuple[str, ...]:
        fail_to_pass, pass_to_pass = self._judged(terms)
        checks = judge([run], fail_to_pass=fail_to_pass, pass_to_pass=pass_to_pass)
        failed = tuple(check.id for check in checks if not check.passed and _has_a_say(check))
        # Behind the first failure tests are skipped, which tells nothing of them.
        results = run.results or {}
        return tuple(name for name in failed if name in results and results[name].red) or failed

    def _judged(self, terms: Terms) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """List the tests of each manifest that are judged; the manifests lie in no tree."""
        scenario = self.scenario
        return (
            terms.judged(scenario, scenario.fail_to_pass),
            terms.judged(scenario, scenario.pass_to_pass),
        )

    def _steps(self) -> tuple[Step, ...]:
        return self._hidden().steps_of(self.scenario)

    def _hidden(self) -> Terms:
        return hidden_terms(self.scenario)

    def _bench(self, terms: Terms) -> Bench:
        fixture = self.scenario.fixture.id
        return Bench(
            scenario=self.scenario,
            engine=self.prepared.engine,
            image=self.prepared.images[fixture],
            run_id=RUN_ID,
            name=f"{RUN_ID}-{self.scenario.id}-mutant",
            warmth=self.prepared.warmth[fixture],
            terms=terms,
        )

    def _key(self, kind: str, laid: Tree, *asked: object) -> str:
        engine, fixture = self.prepared.engine, self.scenario.fixture
        image = self.prepared.images[fixture.id]
        return key_of(kind, engine.name, image, fixture.card.environment, digest_tree(laid), asked)

    def _broken(self, what: str) -> EnvironmentFault:
        return EnvironmentFault(f"{self.scenario.id}: {what}", next_step=AGAIN)


def _has_a_say(check: Check) -> bool:
    # A step that takes no files runs visible tests too.
    hidden = check.id.startswith(f"{KIT_FOLDER}/checks/")
    return hidden or check.kind is CheckKind.WITNESS
