"""Sandboxes in which changed trees of one fixture are checked and tested."""

from __future__ import annotations

import shlex
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runner.grading.archive import KIT_FOLDER, overlay, pack_tree
from runner.grading.bench import KitFault, run_in
from runner.grading.quality import read_findings, read_others
from runner.sandbox.base import Limits, SandboxSpec, ToolFault
from testbed.errors import EnvironmentFault
from testbed.tree import read_tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from runner.grading.evidence import StepRun
    from runner.sandbox.base import Engine, ExecResult, Sandbox
    from testbed.scenario import Command, Fixture
    from testbed.tree import Tree

_OUTPUT_BYTES: Final = 2 << 20
"""A linter's findings must arrive whole."""
_CANNOT_RUN: Final = (126, 127)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where trees of one fixture are tried."""

    fixture: Fixture
    engine: Engine
    image: str
    run_id: str

    @asynccontextmanager
    async def open(self, tree: Tree, name: str) -> AsyncIterator[Sandbox]:
        """Start a sandbox that holds a tree and the kit."""
        kit = {f"{KIT_FOLDER}/{p}": file for p, file in read_tree(self.fixture.kit).items()}
        spec = SandboxSpec(
            run_id=self.run_id,
            name=name,
            image=self.image,
            environment=self.fixture.card.environment,
            limits=replace(Limits(), output_bytes=_OUTPUT_BYTES),
        )
        async with await self.engine.start(spec) as sandbox:
            await self._lay(sandbox, overlay(tree, kit))
            yield sandbox

    async def types(self, sandbox: Sandbox) -> bool | None:
        """Say whether the tree passes the type check; `None` when that took too long."""
        command = self.fixture.card.typecheck
        result = await self._run(sandbox, command)
        code = result.exit_code
        if code is not None and (code < 0 or code in _CANNOT_RUN):
            raise self._broken(f"`{shlex.join(command.argv)}`: ended with {code}")
        return None if code is None else code == 0

    async def findings(self, sandbox: Sandbox) -> Counter[str]:
        """Count what the linter says, wherever in a file it stands."""
        command = self.fixture.card.lint
        result = await self._run(sandbox, command)
        names, others = read_findings(result.stdout), read_others(result.stdout)
        if names is None or others is None:
            raise self._broken(f"`{shlex.join(command.argv)}`: prints no findings")
        said = [f"{name.path}: {name.message}" for name in names]
        return Counter(said + [f"{other.path}: {other.message}" for other in others])

    async def tests(self, sandbox: Sandbox) -> StepRun:
        """Run all tests that lie there."""
        return await self._step(sandbox, ())

    async def checks(self, sandbox: Sandbox, laid: Tree, files: Collection[str]) -> StepRun:
        """Lay hidden checks over the tree and run these test files alone."""
        await self._lay(sandbox, laid)
        return await self._step(sandbox, files)

    async def _lay(self, sandbox: Sandbox, tree: Tree) -> None:
        try:
            await sandbox.unpack(pack_tree(tree))
        except ToolFault as fault:
            raise self._broken(f"a tree cannot be laid down: {fault}") from fault

    async def _step(self, sandbox: Sandbox, files: Collection[str]) -> StepRun:
        step = self.fixture.card.steps[0]
        argv = (*step.argv, *files)
        try:
            return await run_in(sandbox, step.model_copy(update={"argv": argv}))
        except KitFault as fault:
            raise self._broken(str(fault)) from fault

    async def _run(self, sandbox: Sandbox, command: Command) -> ExecResult:
        try:
            return await sandbox.run(command.argv, timeout_s=command.timeout_seconds)
        except ToolFault as fault:
            raise self._broken(f"`{shlex.join(command.argv)}`: {fault}") from fault

    def _broken(self, what: str) -> EnvironmentFault:
        return EnvironmentFault(f"{self.fixture.id}: {what}", next_step="Run `testbed verify`")
